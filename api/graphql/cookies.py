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
CLIENT_HEADER: Final = "x-waybill-client"


def session_cookie(header: str | None) -> str | None:
    """The session's value in a `Cookie` header, or None."""
    if not header:
        return None
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def set_cookie(value: str, max_age_s: int, *, secure: bool) -> str:
    """The `Set-Cookie` header that stores a session; an age of 0 deletes it."""
    flags = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{flags}"


def is_same_origin(headers: Mapping[str, str], websocket: bool) -> bool:
    """Whether a cookie may count, by what a browser cannot be made to lie about."""
    # A page cannot set headers on a websocket, so there only the origin speaks.
    if not websocket and headers.get(CLIENT_HEADER):
        return True
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    return headers.get("sec-fetch-site") in ("same-origin", "none")
