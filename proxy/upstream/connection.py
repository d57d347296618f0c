"""One upstream connection: writes a request, parses its answer into an Exchange, and goes back to its pool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from proxy.deadlines import DeadlineProtocol
from proxy.upstream.errors import ConnectionLost, MalformedAnswer, UpstreamError, UpstreamTimeout
from proxy.upstream.exchange import BUFFER_BYTES, Exchange

if TYPE_CHECKING:
    from proxy.upstream.pool import Pool

_HEADER_BYTES = 131_072
_HEADER_COUNT = 256
# Bytes that bring no body while one is expected: trailers and chunk extensions. llhttp keeps a trailer in memory.
_BARREN_BYTES = 65_536
# Below this, copying the body behind the head is cheaper than a second write.
_ONE_WRITE_BYTES = 65_536

# An event stream that brings a second read within so many seconds is faster than anybody reads: from then on it is read once
# in such a time. What has been read is passed on at once; half the proxy's cost of a fast stream are its reads and writes.
_REST_S = 0.002

_RELEASED = "released"  # the phase in which nobody reads any more


class StaleConnection(Exception):
    """A pooled connection turned out to be closed before any byte of the answer; for the pool alone."""


class Connection(DeadlineProtocol):
    """The protocol object of one upstream socket; used by one exchange at a time."""

    __slots__ = (
        "_barren",
        "_bodiless",
        "_exchange",
        "_framed",
        "_headers_done",
        "_keep",
        "_parser",
        "_phase",
        "_pieces",
        "_pool",
        "_read_at",
        "_resting",
        "_sent",
        "_streams",
        "_touched",
        "closed",
        "on_body",
        "paused",
        "reused",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool.loop)
        self._pool = pool
        self.transport: asyncio.Transport
        self.closed = False
        self.paused = False
        self.reused = False
        # The parser calls this once a chunk, so it is the list's own method; one read's pieces are joined when it is parsed.
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._headers_done = False
        self._framed = False  # the answer says where it ends
        self._keep = False
        self._bodiless = False
        self._sent = False  # the request has left, or at least its first part
        self._touched = False  # a byte of the answer has arrived
        self._barren = 0
        self._phase = ""
        self._streams = False  # the answer is an event stream
        self._read_at = 0.0
        self._resting = False

    # ---- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected, and through TLS where the origin asks for it."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse, then wake the caller once for all that this read brought."""
        exchange = self._exchange
        if exchange is None or not self._sent:
            # Nobody asked: whatever it is, the connection cannot be trusted any more.
            self._mistrust(exchange)
            return
        self._touched = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._pieces:
                self._collect(exchange)
            self._broken(exchange, error)
            return
        if self._pieces:
            self._collect(exchange)
        elif not exchange.complete:
            self._count_barren(exchange, len(data))
            return
        if exchange.complete:
            self._release(exchange)
        elif exchange.buffered > BUFFER_BYTES and not self.paused:
            self._pause()
        elif self._streams:
            self._pace()
        if exchange.deliver():
            self.deadline = exchange.patience(self._loop.time())  # never sooner than before: the timer looks again by itself
            return
        waiter = exchange.waiter
        if waiter is not None:
            exchange.waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def eof_received(self) -> bool:
        """The upstream closed: the end of an answer without a length, else the connection is lost."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._end(exc)
        self._dispose()

    # ---- parser

    def on_message_begin(self) -> None:
        """An answer begins. Behind a whole one that is one too many, even if only a byte of it has come."""
        exchange = self._exchange
        assert exchange is not None
        if exchange.complete:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody needs."""
        if not self._headers_done:
            exchange = self._exchange
            assert exchange is not None
            exchange.headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """The head is whole: note how the body ends and wake `open`."""
        exchange, parser = self._exchange, self._parser
        assert exchange is not None
        if exchange.complete:
            raise MalformedAnswer("more than one answer")
        status = parser.get_status_code()
        if status < 200:
            if status < 100:
                raise MalformedAnswer("an impossible status")
            # An interim answer; on_message_complete drops it.
            return
        exchange.status = status
        self._headers_done = True
        self._keep = parser.should_keep_alive()
        framed = self._streams = False
        for name, value in exchange.headers:
            if name == b"content-length":
                framed = True
            elif name == b"transfer-encoding":
                if value.lower() != b"chunked":
                    raise MalformedAnswer("an unknown transfer-encoding")
                framed = True
            elif name == b"content-type":
                self._streams = value.startswith(b"text/event-stream")
            elif name == b"content-encoding" and value.lower() not in (b"identity", b""):
                exchange.decode(value.lower())
        self._framed = framed
        if self._bodiless:
            exchange.complete = True
            self._keep = False
        if len(exchange.headers) > _HEADER_COUNT:
            raise MalformedAnswer("too many headers")

    def on_message_complete(self) -> None:
        """The answer is whole, or an interim one has ended."""
        exchange = self._exchange
        assert exchange is not None
        if self._headers_done:
            exchange.complete = True
        else:
            exchange.headers.clear()

    # ---- one exchange

    async def exchange(self, head: bytes, body: bytes, by: float, *, bodiless: bool) -> Exchange:
        """Send a request and wait for the head of its answer. Raises StaleConnection when a pooled connection was dead."""
        self._exchange = exchange = Exchange(self)
        self._headers_done = self._touched = False
        self._bodiless = bodiless
        self._barren = 0
        self._sent = False
        outbox = self._pool.outbox
        if len(body) <= _ONE_WRITE_BYTES:
            outbox.call(self, head + body)
        else:
            outbox.call(self, head)
            outbox.call(self, body)
        try:
            await self.expect(exchange, by, "headers")
        except asyncio.CancelledError:
            exchange.close()
            raise
        if not exchange.status:
            raise cast(Exception, exchange.error)
        return exchange

    def send(self, data: bytes) -> None:
        """Write a request, or a part of it, that the outbox held until its admission was journalled."""
        if not self.closed:
            self._sent = True
            self.transport.write(data)

    def withdraw(self, error: Exception) -> None:
        """The request is not sent, for this reason: whoever waits for its answer is told."""
        if self._exchange is not None:
            self._fail(self._exchange, error)

    def expect(self, exchange: Exchange, by: float, phase: str) -> asyncio.Future[None]:
        """What to await until something has arrived or failed; a caller that is cancelled then has to close the exchange."""
        self._phase = phase
        self.expire_at(by)
        exchange.waiter = waiter = self._loop.create_future()
        return waiter

    def now(self) -> float:
        """The loop's clock, in seconds."""
        return self._loop.time()

    def park(self, until: float) -> None:
        """Idle in the pool until `until`."""
        self.reused = True
        self.expire_at(until)

    def run_out(self, seconds: float) -> None:
        """Nobody reads the rest of this answer: it has `seconds` to end, else the socket is closed."""
        self._phase = _RELEASED
        if self.paused:
            self.resume()
        self.expire_at(self._loop.time() + seconds)

    def abandon(self) -> None:
        """Close the socket at once; a caller that still waits is told."""
        exchange = self._exchange
        if exchange is not None:
            self._fail(exchange, ConnectionLost("the call was closed"))
        else:
            self._dispose()

    def resume(self) -> None:
        """The caller has taken what was buffered."""
        self.paused = False
        if not self.closed and not self._resting:
            self.transport.resume_reading()

    def _pause(self) -> None:
        self.paused = True
        self.transport.pause_reading()

    def _pace(self) -> None:
        now = self._loop.time()
        if now - self._read_at <= _REST_S:
            self._resting = True
            self.transport.pause_reading()
            self._loop.call_later(_REST_S, self._rested)
        self._read_at = now

    def _rested(self) -> None:
        self._resting = False
        if not self.closed and not self.paused:
            self.transport.resume_reading()

    def _mistrust(self, exchange: Exchange | None) -> None:
        if exchange is None:
            self.abandon()
        elif self.reused:
            self._fail(exchange, StaleConnection())
        else:
            self._fail(exchange, MalformedAnswer("an answer before the request was sent"))

    def _release(self, exchange: Exchange) -> None:
        exchange.connection = self._exchange = None
        # A request that was answered before it was sent whole leaves the connection in the middle of it.
        if self._keep and self._framed_or_empty(exchange.status) and not self._unsent():
            if self.paused:
                self.resume()
            self._pool.release(self)
        else:
            self._dispose()

    def _framed_or_empty(self, status: int) -> bool:
        return self._framed or status in (204, 304)

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _collect(self, exchange: Exchange) -> None:
        pieces = self._pieces
        if len(pieces) == 1:
            piece = pieces.pop()
        else:
            piece = b"".join(pieces)
            pieces.clear()
        exchange.parts.append(piece)
        exchange.buffered += len(piece)

    def _count_barren(self, exchange: Exchange, size: int) -> None:
        self._barren += size
        if not self._headers_done:
            if self._barren > _HEADER_BYTES:
                self._fail(exchange, MalformedAnswer("the headers are too long"))
        elif self._barren > _BARREN_BYTES:
            self._fail(exchange, MalformedAnswer("too much between the parts of the body"))
        elif self._phase == "headers":
            self._wake(exchange)

    def _broken(self, exchange: Exchange, error: Exception) -> None:
        if exchange.complete:
            # A whole answer with something behind it: the answer is good, the connection is not.
            self._keep = False
            self._release(exchange)
            self._wake(exchange)
            return
        context = error.__context__
        self._fail(exchange, context if isinstance(context, UpstreamError) else MalformedAnswer(f"malformed HTTP: {error}"))

    def _end(self, exc: Exception | None) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if self._headers_done and not self._framed and exc is None:
            exchange.complete = True
            self._keep = False
            self._release(exchange)
            self._wake(exchange)
        elif self.reused and not self._touched:
            self._fail(exchange, StaleConnection())
        else:
            where = "in the body" if self._headers_done else "before the headers were complete"
            self._fail(exchange, ConnectionLost(f"the upstream closed the connection {where}"))

    def _fail(self, exchange: Exchange, error: Exception) -> None:
        exchange.error = cast(UpstreamError, error)
        exchange.connection = self._exchange = None
        self._dispose()
        self._wake(exchange)

    @staticmethod
    def _wake(exchange: Exchange) -> None:
        waiter, exchange.waiter = exchange.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _dispose(self) -> None:
        if self.closed:
            return
        self.closed = True
        # It refers back to this object.
        del self._parser, self.on_body
        self.drop_deadline()
        self.transport.abort()
        self._pool.forget(self)

    def expire(self) -> None:
        """The caller's deadline has passed, or an idle connection is old enough."""
        exchange = self._exchange
        if exchange is None or self._phase == _RELEASED:
            self.abandon()
        elif exchange.waiter is not None:
            self._fail(exchange, UpstreamTimeout(self._phase))
