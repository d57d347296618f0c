"""One answer as its caller sees it: a status, headers, and a body that is read as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.upstream.decoding import Decoder
from proxy.upstream.errors import AnswerTooLarge, MalformedAnswer, UpstreamError

if TYPE_CHECKING:
    from proxy.upstream.connection import Connection

# How long an answer that nobody reads any more may take to its end, for its connection to be worth keeping.
_RELEASED_S = 1.0
# Unread bytes at which the socket is no longer read.
BUFFER_BYTES = 262_144


# Takes what has arrived; False: no more for now.
Sink = Callable[[bytes], bool]


class Exchange:
    """An answer whose head has arrived. Header names are in lower case.

    The connection fills it (`parts`, `complete`, `error`), the caller empties it. Once the answer is complete the connection
    goes back to the pool by itself, even if the body is still to be read from here.
    """

    __slots__ = (
        "_by", "_decoder", "_idle_s", "_sink",
        "buffered", "complete", "connection", "error", "headers", "parts", "status", "waiter",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection  # until the answer is complete
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.buffered = 0
        self.complete = False
        self.error: UpstreamError | None = None
        self.waiter: asyncio.Future[None] | None = None
        self._decoder: Decoder | None = None
        self._sink: Sink | None = None
        self._by = self._idle_s = 0.0

    @property
    def ended(self) -> bool:
        """Whether the proper end has arrived and everything before it was read."""
        return self.complete and not self.parts and self._decoder is None

    async def read(self, by: float) -> bytes:
        """What has arrived, in one piece; b"" at the proper end.

        Waits for something until `by` (loop time), then closes and raises UpstreamTimeout. Also raises ConnectionLost and
        MalformedAnswer, behind what arrived before the fault.
        """
        if self._decoder is not None:
            return await self._read_decoded(self._decoder, by)
        if not self.parts and not self.complete:
            await self._arrival(by)
        return self._take()

    async def pour(self, sink: Sink, by: float, idle_s: float) -> None:
        """Give each read to `sink` as it arrives, without waking the caller, until it says False or the answer has ended.

        `by` and `idle_s` (between two reads) bound the wait. Raises as `read` does.
        """
        if self._decoder is not None:
            while data := await self.read(min(by, asyncio.get_running_loop().time() + idle_s)):
                if not sink(data):
                    break
            return
        if self.parts and not sink(self._take()):
            return
        connection = self.connection
        if connection is None:
            if self.error is not None:
                raise self.error
            return
        self._sink, self._by, self._idle_s = sink, by, idle_s
        try:
            await connection.expect(self, self.patience(connection.now()), "body")
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._sink = None
        if self.error is not None and not self.parts:
            raise self.error

    def patience(self, now: float) -> float:
        """Until when the next bytes may take while the answer is poured."""
        return min(self._by, now + self._idle_s)

    def deliver(self) -> bool:
        """Hand what has just arrived to the sink; False where there is none, or it wants the caller to be woken."""
        if self._sink is None:
            return False
        try:
            return self._sink(self._take()) and not self.complete
        except Exception as error:
            waiter, self.waiter = self.waiter, None
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
            return False

    def close(self) -> None:
        """End the call. Before the answer's end this closes the socket at once, so that the provider stops working."""
        connection = self.connection
        if connection is not None:
            connection.abandon()
        self.parts = []

    def release(self) -> None:
        """The caller has all it needs: what is still to come is dropped, and the connection kept if that is over soon."""
        if self.connection is not None:
            self.parts = []
            self.connection.run_out(_RELEASED_S)

    def decode(self, coding: bytes) -> None:
        """The body is compressed: `read` gives it expanded, and the headers say so."""
        self._decoder = Decoder(coding)
        self.headers = [header for header in self.headers if header[0] not in (b"content-encoding", b"content-length")]

    async def _arrival(self, by: float) -> None:
        if self.connection is not None:
            try:
                await self.connection.expect(self, by, "body")
            except asyncio.CancelledError:
                self.close()
                raise
        if self.error is not None and not self.parts:
            raise self.error

    def _take(self) -> bytes:
        parts = self.parts
        if len(parts) == 1:
            # Nearly always: the connection joins what one read of its socket brings.
            data = parts.pop()
        else:
            data = b"".join(parts)
            parts.clear()
        connection = self.connection
        if connection is not None:
            self.buffered = 0
            if connection.paused:
                connection.resume()
        return data

    async def _read_decoded(self, decoder: Decoder, by: float) -> bytes:
        while True:
            if not self.parts and not decoder.rest:
                if self.complete:
                    if not decoder.whole:
                        raise MalformedAnswer("a compressed body without its end")
                    self._decoder = None
                    return b""
                await self._arrival(by)
            data = decoder.decode(b"" if decoder.rest else self._take())
            if data:
                return data


async def read_all(exchange: Exchange, by: float, max_bytes: int) -> bytes:
    """The whole body until `by`; raises AnswerTooLarge, and closes, as soon as more than `max_bytes` have come."""
    first = await exchange.read(by)
    total = len(first)
    if total <= max_bytes and exchange.ended:
        return first
    parts = [first]
    while total <= max_bytes:
        data = await exchange.read(by)
        if not data:
            return b"".join(parts)
        parts.append(data)
        total += len(data)
    exchange.close()
    raise AnswerTooLarge(max_bytes)
