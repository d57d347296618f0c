"""Secrets that let somebody in: 256 random bits, of which only the SHA-256 is stored, looked up by that and never by a scan."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, Literal

import msgspec

KEY_PREFIX: Final = "wb-"
SHOWN_CHARS: Final = 10


class Credential(msgspec.Struct, frozen=True):
    """What a request presented, as its SHA-256: the value itself goes no further."""

    kind: Literal["session", "key"]
    sha256: bytes

    @classmethod
    def session(cls, value: str) -> Credential:
        """A session cookie's value."""
        return cls("session", digest(value))

    @classmethod
    def key(cls, value: str) -> Credential:
        """An API key."""
        return cls("key", digest(value))


def digest(value: str) -> bytes:
    """SHA-256 of a secret of 256 random bits: no salt is needed, and equal values are found by an index."""
    return hashlib.sha256(value.encode()).digest()


def new_session() -> str:
    """The value of a session's cookie."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """The value of an API key."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_password() -> str:
    """A password that nobody has to think up."""
    return secrets.token_urlsafe(18)


def new_id() -> str:
    """An id that says nothing."""
    return secrets.token_hex(16)
