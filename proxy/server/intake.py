"""The receiving half of a client's connection: bytes to requests, within bounds.

llhttp (by httptools) refuses ambiguous framing: both lengths, repeated or malformed lengths, bare CR or LF, folded headers,
control characters. What it lets pass and we do not: other versions, transfer codings besides `chunked`, no or two `Host`s.
"""

from __future__ import annotations

import asyncio

import httptools

from proxy.deadlines import DeadlineProtocol
from proxy.server.errors import Refused
from proxy.server.limits import ServerLimits
from proxy.server.request import FINISHED, Request
from proxy.server.scrutiny import METHODS, check_framing, check_version, locate, without_upgrade

# Bytes that bring no body while one is expected: trailers and chunk extensions. llhttp keeps a trailer in memory.
_BARREN_BYTES = 65_536


class Intake(DeadlineProtocol):
    """Parses; `Connection` decides what becomes of the requests."""

    __slots__ = (
        "_barren",
        "_fed",
        "_open_headers",
        "_parser",
        "_progress",
        "_repeats",
        "_upgrade",
        "incoming",
        "limits",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: ServerLimits) -> None:
        super().__init__(loop)
        self.limits = limits
        self.incoming: Request | None = None  # the request being parsed
        self._parser = httptools.HttpRequestParser(self)
        self._open_headers: dict[bytes, bytes] | None = None  # its headers, until they are complete
        self._fed = 0  # bytes of a head that is not complete
        self._barren = 0
        self._progress = 0
        self._repeats = 0
        self._upgrade = False

    # ---- what the sending half does with it

    def new_request(self, target: bytes) -> Request:
        """A request begins."""
        raise NotImplementedError

    def offer(self, request: Request) -> None:
        """The head of a request is complete and sound."""
        raise NotImplementedError

    def completed(self, request: Request) -> None:
        """The body of a request is complete."""
        raise NotImplementedError

    def head_delayed(self) -> None:
        """A read ended inside a head."""
        raise NotImplementedError

    def body_delayed(self, request: Request) -> None:
        """A read ended inside a body."""
        raise NotImplementedError

    def refuse(self, refusal: Refused) -> None:
        """What came cannot be a request."""
        raise NotImplementedError

    # ---- bytes in

    def take(self, data: bytes) -> None:
        """Parse one read. In the common case that is a whole request, and nothing else is to be done."""
        before = self.incoming
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade as pause:
            self._ignore_upgrade(data[pause.args[0] :])
            return
        except httptools.HttpParserError as error:
            context = error.__context__
            self.refuse(context if isinstance(context, Refused) else Refused(400, "invalid_http", f"Malformed HTTP: {error}."))
            return
        except Refused as refusal:
            self.refuse(refusal)
            return
        incoming = self.incoming
        if incoming is not None:
            self._bound(incoming, len(data), began=incoming is not before)

    def in_head(self) -> bool:
        """Whether the next byte belongs to a head."""
        return self.incoming is None or self._open_headers is not None

    def end_intake(self) -> None:
        """The connection is gone: nothing may refer back to it."""
        del self._parser
        self.incoming = None

    def _feed(self, data: bytes) -> None:
        parser = self._parser
        limit = self.limits.header_bytes
        if self._fed + len(data) > limit and self.in_head():
            # Only so much may be head: the rest is parsed once the head turned out to be complete.
            room = limit - self._fed
            self._fed = limit
            parser.feed_data(data[:room])
            if self._fed == limit:
                raise Refused(431, "headers_too_large", f"The headers are longer than {limit} bytes.")
            data = data[room:]
        parser.feed_data(data)

    def _bound(self, incoming: Request, size: int, *, began: bool) -> None:
        if self._open_headers is not None:
            # Of a read in which the head only began, the rest belonged to the requests before it.
            self._fed = min(size, self.limits.header_bytes // 2) if began else self._fed + size
            self.head_delayed()
        elif incoming.received != self._progress:
            self._progress = incoming.received
            self._barren = 0
            self.body_delayed(incoming)
        else:
            self._barren += size
            if self._barren > _BARREN_BYTES:
                self.refuse(Refused(400, "invalid_http", "Too much between the parts of the body."))

    def _ignore_upgrade(self, rest: bytes) -> None:
        """HTTP lets a server ignore `Upgrade`, and JDK clients offer h2c on every request: parse again without it."""
        request = self.incoming
        assert request is not None
        self.incoming = None
        self._upgrade = False
        self._parser = httptools.HttpRequestParser(self)
        self.take(without_upgrade(request) + rest)

    # ---- parser callbacks

    def on_url(self, target: bytes) -> None:
        """A piece of the request target: the first sign of a new request."""
        incoming = self.incoming
        if incoming is not None:
            incoming.target += target
            return
        self.incoming = request = self.new_request(target)
        self._open_headers = request.headers

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody needs."""
        headers = self._open_headers
        if headers is None:
            return
        name = name.lower()
        if name not in headers:
            headers[name] = value.rstrip()
            return
        # Joining is quadratic, so it is bounded.
        self._repeats += 1
        if self._repeats > self.limits.header_count:
            raise Refused(431, "headers_too_large", f"More than {self.limits.header_count} headers.")
        if name == b"host":
            raise Refused(400, "invalid_http", "More than one Host header.")
        headers[name] += b", " + value.rstrip()

    def on_headers_complete(self) -> None:
        """Check what llhttp does not, and offer the request."""
        request = self.incoming
        assert request is not None
        headers = request.headers
        self._open_headers = None
        self._fed = self._barren = self._progress = self._repeats = 0
        if len(headers) > self.limits.header_count:
            raise Refused(431, "headers_too_large", f"More than {self.limits.header_count} headers.")
        parser = self._parser
        method = METHODS.get(parser.get_method())
        if method is None:
            raise Refused(405, "method_not_allowed", "This method is not served.")
        request.method = method
        request.head_only = method == "HEAD"
        if b"upgrade" in headers and parser.should_upgrade():
            self._upgrade = True
            return
        request.keep_alive = parser.should_keep_alive()
        if not request.keep_alive or b"connection" in headers:
            check_version(parser.get_http_version(), request)
        check_framing(request)
        locate(request)
        self.offer(request)

    def on_body(self, data: bytes) -> None:
        """A piece of the body of the request being parsed."""
        request = self.incoming
        assert request is not None
        request.received += len(data)
        if request.state != FINISHED and (request.max_bytes < 0 or request.received <= request.max_bytes):
            request.parts.append(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._upgrade:
            return
        request = self.incoming
        assert request is not None
        self.incoming = None
        request.complete = True
        self.completed(request)
