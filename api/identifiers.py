"""New ids: ULIDs in lower case, so that they sort by when they were made and fit a file's name."""

from __future__ import annotations

import secrets
import time

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """26 characters: 48 bits of Unix milliseconds, 80 random ones."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))
