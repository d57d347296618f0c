"""Which outgoing proxy serves an origin: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, read as curl does. Pure.

Lower case wins over upper case. NO_PROXY is a list of `*`, hosts (each with its subdomains, a leading dot allowed),
`host:port`, addresses and CIDR ranges. Loopback is not special: name it in NO_PROXY. Only `http://` proxies are spoken to.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from proxy.upstream.errors import ConnectFailed
from proxy.upstream.origin import Origin


class OutgoingProxy(msgspec.Struct, frozen=True):
    """A proxy to connect through, and its `Proxy-Authorization` value or b""."""

    host: str
    port: int
    authorization: bytes


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> OutgoingProxy | None:
    """The proxy for `origin`, None for a direct connection; ConnectFailed when its URL cannot be used."""
    url = _setting(environ, f"{origin.scheme}_proxy") or _setting(environ, "all_proxy")
    if not url or _bypassed(origin, _setting(environ, "no_proxy")):
        return None
    return _parse(url)


def _setting(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _parse(url: str) -> OutgoingProxy:
    # The URL may hold a password, so no message quotes it.
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConnectFailed("the outgoing proxy's URL is malformed") from None
    if parts.scheme != "http" or not host:
        raise ConnectFailed(f"an outgoing proxy must be http://host:port, not {parts.scheme}://")
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + b64encode(pair.encode())
    return OutgoingProxy(host, port or 80, authorization)


def _bypassed(origin: Origin, no_proxy: str) -> bool:
    return any(_matches(origin, entry.strip().lower()) for entry in no_proxy.split(","))


def _matches(origin: Origin, entry: str) -> bool:
    if entry in ("", "*"):
        return entry == "*"
    host = origin.host.lower().rstrip(".")
    if "/" in entry:
        return _in_range(host, entry)
    if entry.startswith("["):
        entry, _, port = entry[1:].partition("]")
        port = port.lstrip(":")
    elif entry.count(":") == 1:
        entry, _, port = entry.partition(":")
    else:
        port = ""
    if port and port != str(origin.port):
        return False
    entry = entry.lstrip("*").strip(".")
    return host == entry or host.endswith("." + entry)


def _in_range(host: str, cidr: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
