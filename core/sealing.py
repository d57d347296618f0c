"""Provider keys as sealed boxes: whoever has the public key can write one, only the holder of the private key reads it.

A sealed secret carries the provider and the origin it was given for, so that a box copied to another provider, or a changed
`base_url`, does not send the key anywhere else. The box is libsodium's `crypto_box_seal` of a JSON object, in base64.
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox


class SealError(Exception):
    """A sealed secret cannot be made or opened; the message never holds the secret."""


class SealedSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lies inside a box."""

    provider: str
    origin: str
    key: str

    def __repr__(self) -> str:
        """Without the key: a repr ends up in logs."""
        return f"SealedSecret(provider={self.provider!r}, origin={self.origin!r})"


def generate_keys() -> tuple[bytes, bytes]:
    """A fresh (private, public) pair, each in base64 as the key files hold it. The one call that makes a secret."""
    private = PrivateKey.generate()
    return base64.b64encode(bytes(private)), base64.b64encode(bytes(private.public_key))


def seal(public_key: bytes, provider: str, origin: str, key: str) -> str:
    """The box, in base64, that `credential: {sealed: …}` holds. Raises SealError for an unusable public key."""
    secret = msgspec.json.encode(SealedSecret(provider=provider, origin=origin, key=key))
    box = SealedBox(_public(public_key)).encrypt(secret)
    return base64.b64encode(box).decode("ascii")


def unseal(private_key: bytes, sealed: str) -> SealedSecret:
    """What was sealed. Raises SealError when this private key does not open it, or it was tampered with."""
    try:
        box = base64.b64decode(sealed, validate=True)
        return msgspec.json.decode(SealedBox(_private(private_key)).decrypt(box), type=SealedSecret)
    except (binascii.Error, ValueError, TypeError, CryptoError, msgspec.MsgspecError):
        # `from None`: what the failed decoding saw may be the secret itself.
        raise SealError("not a box that this private key opens") from None


def _public(key: bytes) -> PublicKey:
    try:
        return PublicKey(_raw(key))
    except (binascii.Error, ValueError, TypeError, CryptoError):
        raise SealError("not a sealing key: expected 32 bytes in base64") from None


def _private(key: bytes) -> PrivateKey:
    return PrivateKey(_raw(key))


def _raw(key: bytes) -> bytes:
    """Key files hold base64 and may end with a newline; 32 raw bytes are taken as they are."""
    return key if len(key) == 32 else base64.b64decode(key.strip(), validate=True)
