"""The answering half of a client's connection: one request after the other, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from math import inf
from typing import TYPE_CHECKING, cast

from core.leaks import masked
from proxy.server.errors import BodyTimeout, BodyTooLarge, ClientStalled, Refused, ServerError
from proxy.server.heads import error_body
from proxy.server.intake import Intake
from proxy.server.request import FINISHED, GONE, NEW, SERVER_LEAVES, Request

if TYPE_CHECKING:
    from proxy.server.listener import Server

_log = logging.getLogger("waybill.proxy")

_JSON = (b"content-type", b"application/json")

# What the connection waits for, and so what its deadline means.
_IDLE, _HEAD, _FLIGHT, _BODY, _STALLED, _LINGER = range(6)


class Connection(Intake):
    """The protocol object of one client; `Request` calls its public half."""

    __slots__ = (
        "_body_waiter",
        "_current",
        "_drain_waiter",
        "_outbox",
        "_phase",
        "_queue",
        "_reading",
        "_server",
        "_task",
        "_unsent",
        "behind",
        "call_soon",
        "closing",
        "heads",
        "transport",
    )

    def __init__(self, server: Server) -> None:
        super().__init__(server.loop, server.limits)
        self._server = server
        self._outbox = server.outbox
        self.heads = server.heads
        self.call_soon = server.loop.call_soon
        self.transport: asyncio.Transport
        self.behind = False  # the client has not taken enough of what was written
        self.closing = False  # no further request on this connection
        self._current: Request | None = None  # the request being answered
        self._task: asyncio.Task[None] | None = None
        self._queue: deque[Request] | None = None  # pipelined behind it
        self._reading = True
        self._unsent = 0
        self._body_waiter: asyncio.Future[None] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self._phase = _IDLE

    # ---- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection in, or turn it away when there are too many."""
        self.transport = cast(asyncio.Transport, transport)
        high = self.limits.write_buffer_bytes
        self.transport.set_write_buffer_limits(high=high, low=high // 4)
        if self._server.admit(self):
            self._expect(_HEAD, self.limits.header_s)
        else:
            self.refuse(Refused(503, "overloaded", "Too many connections; try again later."))
            self._outbox.then(self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Parse, unless nothing that comes can matter any more."""
        if self.closing and (self._current is None or self._current.complete):
            return
        self.take(data)

    def eof_received(self) -> bool:
        """A client that has closed its half is gone, as for nginx: nobody may be left to read the answer."""
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The end; whatever was in flight is cancelled."""
        self._leave()
        self.closing = True
        self.end_intake()
        self.drop_deadline()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """The client is behind."""
        self.behind = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.behind = False
        waiter = self._drain_waiter
        if waiter is not None:
            self._drain_waiter = None
            self._fly()
            if not waiter.done():
                waiter.set_result(None)
        elif self._phase == _STALLED and not self.closing:
            self._next()

    # ---- what the receiving half reports

    def new_request(self, target: bytes) -> Request:
        """A request begins."""
        return Request(self, target, self._loop.time())

    def offer(self, request: Request) -> None:
        """Handle the request, or queue it behind the one being answered."""
        if self._current is None and self._phase != _STALLED:
            self._begin(request)
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(request)
        if len(self._queue) >= self.limits.pipelined:
            self._stop_reading()

    def completed(self, request: Request) -> None:
        """Wake the handler that waits for this body."""
        waiter = self._body_waiter
        if waiter is not None and request is self._current:
            self._body_waiter = None
            self._fly()
            if not waiter.done():
                waiter.set_result(None)

    def head_delayed(self) -> None:
        """The clock of a later request on the connection runs from its first byte."""
        if self._current is None and self._phase == _IDLE:
            self._expect(_HEAD, self.limits.header_s)

    def body_delayed(self, request: Request) -> None:
        """Take no more of a body than was asked for."""
        if request.max_bytes < 0:
            if request.received > self.limits.unread_bytes:
                self._stop_reading()
        elif request.received > request.max_bytes:
            self._stop_reading()
            self._fail_body(BodyTooLarge(request.max_bytes))

    def refuse(self, refusal: Refused) -> None:
        """Answer for the server itself, then close."""
        incoming, self.incoming = self.incoming, None
        current = self._current
        if current is not None:
            if current.complete:
                # What follows a good request is nonsense: answer the request, listen no more.
                self.closing = True
                return
            answerable = current is incoming and current.state == NEW
            self._leave()
            if not answerable:
                self.abort()
                return
        body = error_body(refusal.code, str(refusal))
        head = self.heads.head(refusal.status)
        lines = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.send(head + lines + body)
        self._finish_closing(complete=False)

    # ---- one request after the other

    def _begin(self, request: Request) -> None:
        self._current = request
        self._phase = _FLIGHT
        self.deadline = inf
        # A name of our own spares the formatting of one a request.
        self._task = asyncio.Task(self._run(request), loop=self._loop, name="request")

    async def _run(self, request: Request) -> None:
        server = self._server
        server.running += 1
        try:
            await server.handler(request)
        except ServerError as error:
            self._answer_failure(request, error.status, error.code, str(error))
        except Exception:
            _log.exception("the handler of %s %s failed", request.method, masked(request.path))
            self._answer_failure(request, 500, "internal_error", "The proxy failed to handle this request.")
        finally:
            server.running -= 1
            if request.state < FINISHED:
                request.abort()
            if server.closing:
                server.check_drained()

    def _answer_failure(self, request: Request, status: int, code: str, message: str) -> None:
        if request.state == NEW:
            request.respond(status, [_JSON], error_body(code, message))

    def answered(self, request: Request) -> None:
        """The answer is written: make room for the next request, or close."""
        self._current = self._task = None
        # `closing` may have come since the head was sent, which said nothing of it.
        if not request.keep_alive or self.closing:
            self._finish_closing(request.complete)
        elif self.behind:
            # Nothing more for a client that has not taken this.
            self._watch_unsent()
        elif self._queue or not self._reading:
            self._next()
        else:
            self._phase = _IDLE
            self.expire_at(self._loop.time() + self.limits.idle_s)

    def _next(self) -> None:
        if self._queue:
            self._begin(self._queue.popleft())
        elif self.incoming is not None:
            self._expect(_HEAD, self.limits.header_s)
        else:
            self._expect(_IDLE, self.limits.idle_s)
        self._start_reading()

    def _finish_closing(self, complete: bool) -> None:
        self.closing = True
        if complete:
            self._outbox.then(self._close_answered)
            return
        # Closing with unread bytes would reset the connection, and the client might never see its answer.
        self._start_reading()
        self._expect(_LINGER, self.limits.linger_s)
        self._outbox.then(self._say_last)

    def _close_answered(self) -> None:
        """Everything has been written: the transport closes when the client has taken it."""
        if not self.transport.is_closing():
            self._watch_unsent()
            self.transport.close()

    def _say_last(self) -> None:
        """Half-close behind the last bytes."""
        if not self.transport.is_closing() and self.transport.can_write_eof():
            self.transport.write_eof()

    def _leave(self, why: str = "") -> None:
        request, task = self._current, self._task
        self._current = self._task = None
        self._body_waiter = self._drain_waiter = None
        self._queue = None
        if request is not None:
            request.state = GONE
            if task is not None:
                task.cancel(why)

    # ---- what Request and Server ask for

    def send(self, data: bytes) -> None:
        """Send bytes at the end of this turn, behind the records that it journals."""
        self._outbox.answer(self.transport, data)

    async def receive_body(self, request: Request) -> None:
        """Read until the body is complete; raises BodyTooLarge or BodyTimeout."""
        if request.received > request.max_bytes:
            raise BodyTooLarge(request.max_bytes)
        if request.continues and request.received == 0:
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._body_waiter = waiter = self._loop.create_future()
        self._start_reading()
        self._expect(_BODY, self.limits.body_s)
        await waiter

    async def drain(self) -> None:
        """Wait for the client to catch up; raises ClientStalled."""
        self._drain_waiter = waiter = self._loop.create_future()
        self._watch_unsent()
        await waiter

    def abort(self) -> None:
        """Cut the connection at once."""
        self._current = self._task = None
        self.closing = True
        self.transport.abort()

    def close_gracefully(self) -> None:
        """No further request; one in flight is answered with `connection: close`."""
        if self._current is None and not self.closing:
            self._finish_closing(complete=True)
        self.closing = True

    def cancel(self) -> None:
        """The grace is over: it is the server that leaves."""
        self._leave(SERVER_LEAVES)
        self.transport.abort()

    def _fail_body(self, error: ServerError) -> None:
        waiter, self._body_waiter = self._body_waiter, None
        self._fly()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    # ---- reading and deadlines

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def _start_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()

    def _fly(self) -> None:
        self._phase = _FLIGHT
        self.deadline = inf

    def _watch_unsent(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._expect(_STALLED, self.limits.stalled_s)

    def _expect(self, phase: int, seconds: float) -> None:
        self._phase = phase
        self.expire_at(self._loop.time() + seconds)

    def expire(self) -> None:
        """A client was too slow."""
        phase = self._phase
        if phase == _HEAD and self.incoming is not None:
            seconds = self.limits.header_s
            self.refuse(Refused(408, "request_timeout", f"The headers did not arrive within {seconds:g} seconds."))
        elif phase == _BODY:
            self._fail_body(BodyTimeout(self.limits.body_s))
        elif phase == _STALLED:
            self._judge_stalled()
        else:
            self.closing = True
            self.transport.abort()

    def _judge_stalled(self) -> None:
        if self.transport.get_write_buffer_size() < self._unsent:
            # Slow, but reading.
            self._watch_unsent()
            return
        waiter, self._drain_waiter = self._drain_waiter, None
        if self._current is not None:
            self._current.state = GONE
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(ClientStalled(f"the client read nothing for {self.limits.stalled_s:g} seconds"))
