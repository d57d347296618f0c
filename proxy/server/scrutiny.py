"""What a head must satisfy beyond llhttp's own strictness, and what is read from it. No I/O."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from proxy.server.errors import Refused
from proxy.server.request import Request

METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}

_HOP_BY_HOP = (b"upgrade", b"connection", b"http2-settings")


def check_version(version: str, request: Request) -> None:
    """Only HTTP/1.1, and HTTP/1.0 with one request a connection: nothing in it frames a stream, and few clients are left."""
    if version == "1.0":
        request.chunked = request.keep_alive = False
    elif version != "1.1":
        raise Refused(505, "http_version_not_supported", "Only HTTP/1.1 and HTTP/1.0 are served.")


def check_framing(request: Request) -> None:
    """Refuse what two servers in a row could understand differently; note what the client expects."""
    headers = request.headers
    if b"host" not in headers and request.chunked:
        raise Refused(400, "invalid_http", "The Host header is missing.")
    if b"transfer-encoding" in headers:
        if not request.chunked:
            raise Refused(400, "invalid_http", "HTTP/1.0 has no Transfer-Encoding.")
        if headers[b"transfer-encoding"].lower() != b"chunked":
            raise Refused(400, "invalid_http", "The only Transfer-Encoding that is served is chunked.")
    if b"expect" in headers:
        request.continues = request.chunked and headers[b"expect"].lower() == b"100-continue"


def locate(request: Request) -> None:
    """Split the target into a decoded path and a raw query; an absolute target loses its scheme and authority."""
    target = request.target
    if not target.startswith(b"/") and b"://" in target:
        target = b"/" + target.split(b"://", 1)[1].partition(b"/")[2]
    path, _, request.query = target.partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    request.path = path.decode(errors="replace")


def without_upgrade(request: Request) -> bytes:
    """The head again, without an offer to change the protocol."""
    kept = [header for header in request.headers.items() if header[0] not in _HOP_BY_HOP]
    lines = b"".join([b"%b: %b\r\n" % header for header in kept])
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode(), request.target, lines)
