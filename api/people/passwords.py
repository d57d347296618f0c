"""Passwords: argon2id in a thread, a few at once, and the same time for a user who does not exist."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.people.errors import PasswordTooWeak

MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 1_000  # characters: hashing must not be work without end
_HASHES_AT_ONCE: Final = 2  # each takes 64 MiB


class Passwords:
    """Hashes and checks."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        # Checked where no user has the e-mail, so that both refusals take the same time.
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The argon2id hash. Raises PasswordTooWeak."""
        if len(password.strip()) < MIN_PASSWORD or len(password) > MAX_PASSWORD:
            said = f"a password has at least {MIN_PASSWORD} characters without the spaces around it, and at most {MAX_PASSWORD}"
            raise PasswordTooWeak(said)
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one behind `stored`; False, as slowly, where nothing is stored."""
        if self._decoy is None:
            self._decoy = await self.hash(secrets.token_hex(16))
        async with self._hashing:
            matches = await asyncio.to_thread(self._verify, stored or self._decoy, password[: MAX_PASSWORD + 1])
        return matches and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
