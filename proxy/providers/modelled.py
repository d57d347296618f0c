"""One model at its provider, whichever wire it speaks. No I/O.

All that does not change from request to request is worked out when it is made, once in a revision: where its calls go, both its
names, the headers that are always sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Raw

from core.config import Model, Provider
from proxy.upstream import Origin

_DEFAULT_PORTS = {"http": 80, "https": 443}
_encode = msgspec.json.encode


class ModelAtProvider:
    """What the endpoints of all wires share. Raises ValueError for a key that no header can carry."""

    def __init__(
        self, model_id: str, model: Model, provider_id: str, provider: Provider, key: str | None, *, path: str
    ) -> None:
        if key is not None and (not key.isascii() or not key.isprintable()):
            raise ValueError("the provider's key holds characters that no header can carry")
        self.model_id = model_id
        self.provider_id = provider_id
        self.origin, self._target = _address(provider.address, path)
        self._model = Raw(_encode(model_id))
        self._upstream_model = Raw(_encode(model.upstream_name))
        self._key = key.encode("ascii") if key else None

    @staticmethod
    def fixed_headers(provider: Provider, credential: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Content type, credential, and the provider file's own headers (`core.config` keeps reserved ones out of it)."""
        own = ((name.lower().encode("ascii"), value.encode("ascii")) for name, value in provider.headers.items())
        return [(b"content-type", b"application/json"), *credential.items(), *own]

    def without_key(self, said: bytes) -> bytes:
        """What the provider said of a failure: some quote the key that they were called with, and nobody else is to see it."""
        return said if self._key is None else said.replace(self._key, b"[key]")


def bearer(key: str | None) -> Mapping[bytes, bytes]:
    """OpenAI's way to show a key."""
    return {} if key is None else {b"authorization": b"Bearer " + key.encode("ascii")}


def _address(base_url: str, path: str) -> tuple[Origin, bytes]:
    """The origin to connect to and the request target; `base_url` ends where the SDKs' does, at `/v1` for OpenAI."""
    parts = urlsplit(base_url)
    scheme = parts.scheme.lower()
    origin = Origin(scheme=scheme, host=(parts.hostname or "").lower(), port=parts.port or _DEFAULT_PORTS.get(scheme, 0))
    target = quote(parts.path.rstrip("/") + path, safe="/%:@!$&'()*+,;=~-._")
    return origin, target.encode("ascii")
