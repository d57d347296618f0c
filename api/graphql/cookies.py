"""The session's cookie and when it counts. Pure.

A browser sends cookies wherever a page tells it to, so a cookie counts only where the browser says that the page is ours
(`Origin`, `Sec-Fetch-Site`) or where the client set a header that foreign pages cannot (`x-waybill-client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

COOKIE: Final = "waybill_session"
# Over TLS the browser itself sees to it that no other host, and nothing in clear, set or got the cookie.
SECURE_COOKIE: Final = "__Host-waybill_session"
CLIENT_HEADER: Final = "x-waybill-client"
# The id of the viewer whose page asks: the cookie may be another's by now, since all tabs of a browser share it.
VIEWER_HEADER: Final = "x-waybill-viewer"


def session_cookie(header: str | None, *, secure: bool) -> str | None:
    """The session's value in a `Cookie` header, or None. Over TLS only the cookie that was set over TLS counts."""
    if not header:
        return None
    try:
        found = SimpleCookie(header).get(SECURE_COOKIE if secure else COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def set_cookie(value: str, max_age_s: int, *, secure: bool) -> str:
    """The `Set-Cookie` header that stores a session; an age of 0 deletes it."""
    name, flags = (SECURE_COOKIE, "; Secure") if secure else (COOKIE, "")
    return f"{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{flags}"


def is_same_origin(headers: Mapping[str, str], *, websocket: bool, secure: bool) -> bool:
    """Whether a cookie may count, by what a browser cannot be made to lie about."""
    # A page cannot set headers on a websocket, so there only the origin speaks.
    if not websocket and headers.get(CLIENT_HEADER):
        return True
    if headers.get("origin") is not None:
        return is_own_origin(headers, secure=secure)
    return headers.get("sec-fetch-site") in ("same-origin", "none")


def is_own_origin(headers: Mapping[str, str], *, secure: bool) -> bool:
    """Whether the `Origin` of a request is the host that it was sent to, over TLS where we are asked over TLS."""
    origin = urlsplit(headers.get("origin", ""))
    if secure and origin.scheme not in ("https", "wss"):
        return False
    return origin.netloc.lower() == headers.get("host", "").lower() != ""
