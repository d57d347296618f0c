"""Origins of addresses (scheme, host, port) in their one written form: what a credential is bound to."""

from __future__ import annotations

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
DEFAULT_BASE_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}


def origin_of(base_url: str) -> str:
    """Return `scheme://host[:port]` in lower case, a default port left out.

    Raises ValueError, with a reason that quotes no part of the address (it may hold a password), for anything but a plain http
    or https address: no user, no query, no fragment.
    """
    if not base_url.isascii() or not base_url.isprintable() or " " in base_url:
        raise ValueError("must be an address of printable ASCII characters without spaces")
    try:
        parts = urlsplit(base_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError("must be an address such as https://api.example.com/v1") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not host or port == 0:
        raise ValueError("must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password: a key goes in `credential`")
    if "?" in base_url or "#" in base_url:
        raise ValueError("must not have a query (`?`) or a fragment (`#`)")
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}" if port in (None, DEFAULT_PORTS[scheme]) else f"{scheme}://{host}:{port}"
