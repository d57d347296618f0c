"""Where a call goes and what is sent."""

from __future__ import annotations

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """Scheme (`http` or `https`), host (an IPv6 address without brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host:port` as a `Host` header has it: brackets around IPv6, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.port == (443 if self.scheme == "https" else 80):
            return host
        return f"{host}:{self.port}"


class UpstreamRequest(msgspec.Struct):
    """One call. `host`, `content-length` and `accept-encoding: identity` are added when it is sent."""

    origin: Origin
    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
