"""Provider keys on their way into Git: sealed to the proxies' public key, bound to a provider and an origin.

The API holds the public key alone, so it can write a box and never read one. A key is nowhere but in the request that brought
it: no log, error, trailer or answer has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.sealing import SealError, seal
from core.yaml_strict import Value

MAX_KEY = 8_000


class KeyUnusable(Exception):
    """The key cannot be sealed; the message says why and never holds it."""


class Secret(msgspec.Struct, frozen=True):
    """A secret in the process's memory; printed, it is not there."""

    value: str

    def __repr__(self) -> str:
        """Without the value: a repr ends up in logs and in digests."""
        return "Secret(…)"

    __str__ = __repr__


class Sealing:
    """Seals to the public key of this installation; the file is read each time, for it may be replaced."""

    def __init__(self, public_key: Path) -> None:
        self._public_key = public_key

    def credential(self, provider_id: str, origin: str, key: Secret) -> Mapping[str, Value]:
        """What stands under `credential` in the provider's file. Blocks for a small file. Raises KeyUnusable."""
        value = key.value.strip()
        if not value or len(value) > MAX_KEY or not (value.isascii() and value.isprintable()):
            raise KeyUnusable(f"a key is one line of 1 to {MAX_KEY} printable ASCII characters")
        try:
            box = seal(self._public_key.read_bytes(), provider_id, origin, value)
        except OSError:
            raise KeyUnusable("this installation has no sealing key in its data folder: refer to the key instead") from None
        except SealError as error:
            raise KeyUnusable(str(error)) from None
        return {"sealed": box, "origin": origin}


def reference(source: str, name: str, origin: str) -> Mapping[str, Value]:
    """The same for a key that is named: `source` is `env` or `file`."""
    return {source: name, "origin": origin}
