"""A revision's digest: a sum over its files, so that a change of one file costs one file and the order never matters.

It shows that two processes hold the same configuration (a lost delta, a torn file); Git guards the content itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from core.config import File

_encoder = msgspec.json.Encoder(order="deterministic")
_MODULUS = 1 << 256


def canonical(file: File) -> bytes:
    """Return the one JSON form of a file's value: fields in their order, maps sorted, defaults left out."""
    return _encoder.encode(file)


def content_sum(files: Mapping[str, File]) -> int:
    """Return the sum over all files."""
    return sum(_term(path, file) for path, file in files.items()) % _MODULUS


def replaced(total: int, path: str, old: File | None, new: File | None) -> int:
    """Return the sum after the value at `path` changed; None is absent."""
    if old is not None:
        total -= _term(path, old)
    if new is not None:
        total += _term(path, new)
    return total % _MODULUS


def written(total: int) -> str:
    """Return a sum as a delta carries it: 64 hexadecimal digits."""
    return f"{total:064x}"


def _term(path: str, file: File) -> int:
    return int.from_bytes(sha256(path.encode() + b"\0" + canonical(file)).digest(), "big")
