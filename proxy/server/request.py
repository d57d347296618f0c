"""One request and its answer, as a handler sees them.

NEW -> respond() -> FINISHED
NEW -> start() -> STARTED -> write()* -> finish() -> FINISHED
any -> GONE: the client left or abort() was called; whatever is written then is dropped
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from proxy.server.errors import BodyTooLarge, ClientGone
from proxy.server.heads import Headers, header_block

if TYPE_CHECKING:
    from proxy.server.connection import Connection

NEW, STARTED, FINISHED, GONE = range(4)

# The message of the CancelledError that ends a handler which outlasted the grace of a closing server.
SERVER_LEAVES = "the server is closing"

# Below this, copying the body behind its head is cheaper than a second write.
_ONE_WRITE_BYTES = 65_536


class Request:
    """A request whose head is complete. Header names are in lower case, repeated ones joined by ", "."""

    __slots__ = (
        "arrived",
        "chunked",
        "complete",
        "connection",
        "continues",
        "head_only",
        "headers",
        "keep_alive",
        "max_bytes",
        "method",
        "parts",
        "path",
        "query",
        "received",
        "state",
        "target",
        "unsent_head",
    )

    def __init__(self, connection: Connection, target: bytes, arrived: float) -> None:
        self.connection = connection
        self.target = target
        self.arrived = arrived
        self.headers: dict[bytes, bytes] = {}
        self.method = ""
        self.path = ""
        self.query = b""
        self.keep_alive = True
        self.chunked = True  # how a streamed answer is framed; HTTP/1.0 clients get it until the connection closes
        self.head_only = False
        self.continues = False  # the client waits for `100 Continue` before it sends the body
        self.complete = False
        self.parts: list[bytes] = []
        self.received = 0
        self.max_bytes = -1  # what the handler allows, once it has asked for the body
        self.unsent_head = b""
        self.state = NEW

    async def body(self, max_bytes: int) -> bytes:
        """The whole body. Nothing beyond a small bound is read off the socket before this is called.

        Raises BodyTooLarge, BodyTimeout or ClientGone. To be called once.
        """
        if not self.complete:
            if self.state == GONE:
                raise ClientGone
            await self._receive(max_bytes)
        if self.received > max_bytes:
            raise BodyTooLarge(max_bytes)
        parts = self.parts
        self.parts = []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _receive(self, max_bytes: int) -> None:
        declared = self.headers.get(b"content-length")
        if declared is not None and int(declared) > max_bytes:
            raise BodyTooLarge(max_bytes)
        self.max_bytes = max_bytes
        await self.connection.receive_body(self)

    def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """The whole answer in one write; `content-length` and `date` are added."""
        if not self._begins():
            return
        connection = self.connection
        head = connection.heads.head(status)
        block = header_block(headers)
        if not self._keeps():
            block += b"connection: close\r\n"
        if status not in (204, 304):
            block += b"content-length: %d\r\n" % len(body)
        if self.head_only or status in (204, 304):
            body = b""
        if len(body) <= _ONE_WRITE_BYTES:
            connection.send(b"%b%b\r\n%b" % (head, block, body))
        else:
            connection.send(b"%b%b\r\n" % (head, block))
            connection.send(body)
        self.state = FINISHED
        connection.answered(self)

    def start(self, status: int, headers: Headers) -> None:
        """Begin a streamed answer. Its head leaves with what is written in the same turn of the loop, else alone."""
        if not self._begins():
            return
        connection = self.connection
        head = connection.heads.head(status)
        block = header_block(headers)
        if self.chunked:
            block += b"transfer-encoding: chunked\r\n"
        if not self._keeps():
            block += b"connection: close\r\n"
        # Two writes are two system calls and two wake-ups of the client.
        self.unsent_head = b"%b%b\r\n" % (head, block)
        self.state = STARTED
        connection.call_soon(self._send_head)

    def write(self, data: bytes) -> bool:
        """Send a part of the body. False: the client is behind, `await drain()` before the next one."""
        if self.state != STARTED:
            if self.state == GONE:
                return True
            raise RuntimeError("write() belongs between start() and finish()")
        connection = self.connection
        # An empty chunk would be the end of the body.
        if data and not self.head_only:
            if self.chunked:
                data = b"%b%x\r\n%b\r\n" % (self.unsent_head, len(data), data)
            elif self.unsent_head:
                data = self.unsent_head + data
            self.unsent_head = b""
            connection.send(data)
        return not connection.behind

    async def drain(self) -> None:
        """Wait until the client has taken what was written. Raises ClientStalled after `stalled_s` without progress."""
        if self.connection.behind and self.state != GONE:
            await self.connection.drain()

    def finish(self, data: bytes = b"") -> None:
        """Send the last part and the proper end of a streamed answer."""
        if self.state != STARTED:
            if self.state == GONE:
                return
            raise RuntimeError("finish() belongs behind start()")
        if self.head_only:
            data = b""
        elif self.chunked:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        self._send(data)
        self.state = FINISHED
        self.connection.answered(self)

    def abort(self) -> None:
        """Cut the connection, so that the client cannot take the answer for a complete one."""
        if self.state in (NEW, STARTED):
            self.state = GONE
            self.connection.abort()

    def _send(self, data: bytes) -> None:
        if self.unsent_head:
            data = self.unsent_head + data
            self.unsent_head = b""
        self.connection.send(data)

    def _send_head(self) -> None:
        if self.unsent_head and self.state != GONE:
            self._send(b"")

    def _begins(self) -> bool:
        if self.state == NEW:
            return True
        if self.state == GONE:
            return False
        raise RuntimeError("the answer has already begun")

    def _keeps(self) -> bool:
        # A body that was not read to its end leaves the connection in the middle of a message.
        if not self.complete or self.connection.closing or not self.chunked:
            self.keep_alive = False
        return self.keep_alive


Handler = Callable[[Request], Awaitable[None]]
