"""Users, their sessions and their API keys. Passwords are argon2id, hashed in a thread; sessions and keys are 256 random
bits of which only the SHA-256 is stored, looked up by that and never by a scan.

    PeopleError
    ├── LoginRefused      no user has this e-mail and this password; retrying with others may help
    ├── PasswordTooWeak   fewer than 12 characters
    ├── UserExists        the e-mail is taken
    └── LoginThrottled    too many guesses; retry after the seconds it names
    Unauthenticated       (api/access.py) the session or key is unknown or over
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.access import GlobalRole, Unauthenticated, Viewer
from api.database.engine import writing
from api.database.tables import api_keys, audit, sessions, users
from api.grants import BUILT_IN, Grants
from api.throttle import Throttle

KEY_PREFIX: Final = "wb-"
MIN_PASSWORD: Final = 12
SESSION_DAYS: Final = 7
# A stream looks its viewer up at each batch; a logout in this process is seen at once, elsewhere within this time.
RECHECK_S: Final = 1.0
_CACHED_VIEWERS: Final = 10_000
_HASHES_AT_ONCE: Final = 2  # each takes 64 MiB


class PeopleError(Exception):
    """Something about users that the caller can mend."""


class LoginRefused(PeopleError):
    """No user has this e-mail and this password; which of the two was wrong is not said."""


class PasswordTooWeak(PeopleError):
    """The password has fewer than MIN_PASSWORD characters."""


class UserExists(PeopleError):
    """The e-mail is taken."""


class LoginThrottled(PeopleError):
    """Too many guesses for this e-mail or from this address; another is heard after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many attempts; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


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


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A new session: the value for the cookie, and whose it is."""

    session: str
    max_age_s: int
    viewer: Viewer


def digest(value: str) -> bytes:
    """SHA-256 of a secret of 256 random bits: no salt is needed, and equal values are found by an index."""
    return hashlib.sha256(value.encode()).digest()


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


class People:
    """The users of this installation."""

    def __init__(self, engine: AsyncEngine, grants: Callable[[], Grants] = lambda: BUILT_IN) -> None:
        self.engine = engine
        self._grants = grants  # of the published configuration: without one only built-in roles grant anything
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        # Checked where no user has the e-mail, so that both refusals take the same time.
        self._decoy: str | None = None
        self._viewers: dict[Credential, tuple[float, Viewer]] = {}
        self._by_email = Throttle(most=10, window_s=600)
        self._by_address = Throttle(most=30, window_s=600)

    # --- who is it ---

    async def viewer(self, credential: Credential) -> Viewer:
        """Whoever holds `credential`. Raises Unauthenticated when it is unknown, over or taken back."""
        known = self._viewers.get(credential)
        if known is not None and known[0] > time.monotonic():
            return self._grants().viewer(known[1])
        self._viewers.pop(credential, None)
        viewer = await self._load(credential)
        if len(self._viewers) >= _CACHED_VIEWERS:
            self._viewers.clear()
        self._viewers[credential] = (time.monotonic() + RECHECK_S, viewer)
        return self._grants().viewer(viewer)

    async def _load(self, credential: Credential) -> Viewer:
        table = sessions if credential.kind == "session" else api_keys
        query = (
            select(users.c.id, users.c.email, users.c.name, users.c.role, table.c.expires_at_ms)
            .join_from(table, users, users.c.id == table.c.user_id)
            .where(table.c.sha256 == credential.sha256)
        )
        async with self.engine.connect() as connection:
            row = (await connection.execute(query)).first()
        if row is None or (row.expires_at_ms is not None and row.expires_at_ms <= now_ms()):
            raise Unauthenticated(f"this {credential.kind} is not valid, or is over")
        return _viewer(row, credential.kind)

    # --- sessions ---

    async def login(self, email: str, password: str, address: str, former: Credential | None = None) -> Login:
        """A new session, in place of `former`. Raises LoginRefused, LoginThrottled."""
        email = email.strip().lower()
        self._count_guess(email, address)
        async with self.engine.connect() as connection:
            query = select(users).where(users.c.email == email)
            row = (await connection.execute(query)).first()
        if not await self._matches(row.password_hash if row else None, password) or row is None:
            await self._note(None, "refused", email, address)
            raise LoginRefused("no user has this e-mail and this password")
        self._by_email.forget(email)
        return await self._open_session(self._grants().viewer(_viewer(row, "session")), address, former)

    def _count_guess(self, email: str, address: str) -> None:
        now = time.monotonic()
        wait = max(self._by_address.wait_s(address, now), self._by_email.wait_s(email, now))
        if wait > 0:
            raise LoginThrottled(math.ceil(wait))

    async def _open_session(self, viewer: Viewer, address: str, former: Credential | None) -> Login:
        value = secrets.token_urlsafe(32)
        now = now_ms()
        max_age_s = SESSION_DAYS * 86_400
        row: dict[str, object] = {
            "sha256": digest(value),
            "user_id": viewer.user_id,
            "created_at_ms": now,
            "expires_at_ms": now + max_age_s * 1000,
        }
        async with writing(self.engine) as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_at_ms <= now))
            if former is not None and former.kind == "session":
                await connection.execute(delete(sessions).where(sessions.c.sha256 == former.sha256))
                self._viewers.pop(former, None)
            await connection.execute(insert(sessions).values(row))
            await self._write_note(connection, viewer.user_id, "ok", viewer.email, address)
        return Login(session=value, max_age_s=max_age_s, viewer=viewer)

    async def logout(self, credential: Credential) -> None:
        """End a session, at once for every stream that lives on it; a key is not ended by a logout."""
        if credential.kind != "session":
            return
        async with writing(self.engine) as connection:
            await connection.execute(delete(sessions).where(sessions.c.sha256 == credential.sha256))
        self._viewers.pop(credential, None)

    async def _note(self, user_id: str | None, outcome: str, email: str, address: str) -> None:
        async with writing(self.engine) as connection:
            await self._write_note(connection, user_id, outcome, email, address)

    async def _write_note(
        self, connection: AsyncConnection, user_id: str | None, outcome: str, email: str, address: str
    ) -> None:
        """Every login and every refused one is in the audit, with the address it came from."""
        row: dict[str, object] = {"at_ms": now_ms(), "user_id": user_id, "action": "login", "outcome": outcome, "detail": {}}
        await connection.execute(insert(audit).values(row | {"subject": email[:300], "client": address[:64]}))

    # --- users and keys ---

    async def create_user(self, email: str, password: str, role: GlobalRole, name: str = "") -> str:
        """The new user's id. Raises PasswordTooWeak, UserExists."""
        if len(password) < MIN_PASSWORD:
            raise PasswordTooWeak(f"a password has at least {MIN_PASSWORD} characters")
        row = _user_row(email, name, await self.hash_password(password), role)
        try:
            async with writing(self.engine) as connection:
                await connection.execute(insert(users).values(row))
        except IntegrityError as error:
            raise UserExists("a user with this e-mail exists") from error
        return str(row["id"])

    async def create_key(self, user_id: str, name: str) -> str:
        """A new API key's value, which is stored nowhere."""
        value = KEY_PREFIX + secrets.token_urlsafe(32)
        async with writing(self.engine) as connection:
            await connection.execute(insert(api_keys).values(_key_row(user_id, name, value)))
        return value

    # --- passwords ---

    async def hash_password(self, password: str) -> str:
        """Argon2id, in a thread, a few at once."""
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _matches(self, stored: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = await self.hash_password(secrets.token_hex(16))
        async with self._hashing:
            matches = await asyncio.to_thread(self._verify, stored or self._decoy, password)
        return matches and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


async def create_admin(engine: AsyncEngine, email: str) -> tuple[str, str]:
    """Make the first admin and return (password, API key), each shown here and never again. Raises UserExists."""
    password, api_key = secrets.token_urlsafe(18), KEY_PREFIX + secrets.token_urlsafe(32)
    await put_admin(engine, email, password, api_key)
    return password, api_key


async def put_admin(engine: AsyncEngine, email: str, password: str, api_key: str) -> None:
    """Make the first admin with secrets that the caller made; doing it again with the same ones changes nothing.

    Raises UserExists when the e-mail belongs to somebody without this key.
    """
    people = People(engine)
    try:
        if (await people.viewer(Credential.key(api_key))).email == email.strip().lower():
            return
    except Unauthenticated:
        pass
    row = _user_row(email, "Admin", await people.hash_password(password), "admin")
    key = _key_row(str(row["id"]), "first start", api_key)
    try:
        # One transaction: a crash leaves no admin without the key that the caller is about to show.
        async with writing(engine) as connection:
            await connection.execute(insert(users).values(row))
            await connection.execute(insert(api_keys).values(key))
    except IntegrityError as error:
        raise UserExists(f"a user {email} exists already") from error


def _viewer(row: Any, via: Literal["session", "key"]) -> Viewer:
    """The user of a row, with no permissions yet: those are the configuration's affair."""
    return Viewer(user_id=row.id, email=row.email, name=row.name or "", role=row.role, via=via)


def _user_row(email: str, name: str, password_hash: str, role: GlobalRole) -> dict[str, object]:
    return {
        "id": secrets.token_hex(16),
        "email": email.strip().lower(),
        "name": name,
        "password_hash": password_hash,
        "role": role,
        "created_at_ms": now_ms(),
    }


def _key_row(user_id: str, name: str, value: str) -> dict[str, object]:
    return {
        "id": secrets.token_hex(16),
        "user_id": user_id,
        "name": name,
        "sha256": digest(value),
        "prefix": value[:10],
        "created_at_ms": now_ms(),
    }
