"""Logins and sessions. A login is throttled by account and by address; a session's value is new at each login and again every
hour, while its id stays, so that a list can name it and a stream can live on it."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api import audit
from api.access import Viewer
from api.audit import AuditTrail, Deed, Entry
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import sessions, users
from api.grants import Grants
from api.people import retries
from api.people.credentials import Credential, digest, new_id, new_session
from api.people.errors import LoginRefused, LoginThrottled, UnknownPerson
from api.people.identities import Identities
from api.people.passwords import Passwords
from api.throttle import Throttle

SESSION_DAYS: Final = 7
ROTATE_MS: Final = 3_600_000
# Requests that were under way when the value changed still bring the old one.
_GRACE_MS: Final = 60_000
_its = sessions.c


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A session's new value for the cookie, how long it lasts, and whose it is."""

    session: str
    max_age_s: int
    viewer: Viewer


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session, without its value."""

    id: str
    created_at_ms: int
    seen_at_ms: int
    expires_at_ms: int
    client: str
    agent: str


class Guesses:
    """How many passwords somebody may try: by account wherever it comes from, and by address."""

    def __init__(self) -> None:
        self._by_email = Throttle(most=10, window_s=600)
        self._by_address = Throttle(most=30, window_s=600)
        self._told = Throttle(most=1, window_s=600)

    def count(self, email: str, address: str) -> None:
        """Count a guess before it is looked at. Raises LoginThrottled."""
        now, network = time.monotonic(), _network(address)
        # An address that is not heard counts for no account: else it could lock out whoever it names.
        for throttle, key in ((self._by_address, network), (self._by_email, email)):
            wait = throttle.wait_s(key, now)
            if wait > 0:
                raise LoginThrottled(math.ceil(wait), first=self._told.wait_s(key, now) == 0)

    def right(self, email: str) -> None:
        """A right guess: those before it count no more for the account."""
        self._by_email.forget(email)


class Sessions:
    """Opens, renews, lists and ends them."""

    def __init__(
        self, engine: AsyncEngine, grants: Callable[[], Grants], identities: Identities, passwords: Passwords, trail: AuditTrail
    ) -> None:
        self.guesses = Guesses()
        self._engine = engine
        self._grants = grants
        self._identities = identities
        self._passwords = passwords
        self._trail = trail

    async def login(self, email: str, password: str, address: str, former: Credential | None = None, agent: str = "") -> Login:
        """A new session, in place of `former`. Raises LoginRefused, LoginThrottled."""
        email = email.strip().lower()[:300]
        try:
            self.guesses.count(email, address)
        except LoginThrottled as error:
            if error.first:
                told = {"retryAfterSeconds": error.retry_after_s}
                await self._trail.note(Entry(action="login", outcome="refused", subject=email, client=address, detail=told))
            raise
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(users).where(users.c.email == email))).first()
        matches = await self._passwords.matches(row.password_hash if row else None, password)
        if not matches or row is None or row.disabled_at_ms is not None:
            await self._trail.note(Entry(action="login", outcome="refused", subject=email, client=address))
            raise LoginRefused("no user has this e-mail and this password")
        self.guesses.right(email)
        viewer = Viewer(
            user_id=row.id, email=row.email, name=row.name or "", role=row.role, via="session", credential_id=new_id()
        )
        return await self._open(viewer, row.password_hash, address, agent, former)

    async def _open(self, viewer: Viewer, hashed: str, address: str, agent: str, former: Credential | None) -> Login:
        value, now = new_session(), now_ms()
        row: dict[str, object] = {
            "id": viewer.credential_id,
            "sha256": digest(value),
            "user_id": viewer.user_id,
            "created_at_ms": now,
            "rotated_at_ms": now,
            "seen_at_ms": now,
            "expires_at_ms": now + SESSION_DAYS * 86_400_000,
            "client": address[:64],
            "agent": agent[:200],
        }
        async with writing(self._engine) as connection:
            # The password that was checked may have been changed, or its user disabled, while it was being hashed.
            same = (users.c.id == viewer.user_id) & (users.c.password_hash == hashed) & users.c.disabled_at_ms.is_(None)
            if (await connection.execute(select(users.c.id).where(same))).first() is None:
                raise LoginRefused("no user has this e-mail and this password")
            await connection.execute(delete(sessions).where(_its.expires_at_ms <= now))
            if former is not None and former.kind == "session":
                await connection.execute(delete(sessions).where(_its.sha256 == former.sha256))
            await connection.execute(insert(sessions).values(row))
            done = Entry(action="login", outcome="ok", subject=viewer.email, user_id=viewer.user_id, client=address)
            await audit.write(connection, done)
        self._identities.forget(user_id=viewer.user_id)
        return Login(session=value, max_age_s=SESSION_DAYS * 86_400, viewer=self._grants().viewer(viewer))

    async def renewed(self, credential: Credential, viewer: Viewer) -> Login | None:
        """A new value for the session, when the one it has is an hour old; None otherwise. Of requests that come together
        one gets it, and the old value counts a minute longer for the rest."""
        now = now_ms()
        if await self._identities.rotated_at_ms(credential) > now - ROTATE_MS:
            return None
        value = new_session()
        held = (_its.id == viewer.credential_id) & (_its.sha256 == credential.sha256)
        change = {
            "sha256": digest(value),
            "former_sha256": credential.sha256,
            "former_until_ms": now + _GRACE_MS,
            "rotated_at_ms": now,
        }
        async with writing(self._engine) as connection:
            expires = await connection.scalar(select(_its.expires_at_ms).where(held))
            if expires is None:
                return None
            await connection.execute(update(sessions).where(held).values(change))
        self._identities.forget(credential_id=viewer.credential_id)
        return Login(session=value, max_age_s=max(1, (expires - now) // 1000), viewer=viewer)

    async def of(self, user_id: str) -> list[Session]:
        """A user's open sessions, newest first."""
        columns = [_its[name] for name in Session.__struct_fields__]
        mine = (_its.user_id == user_id) & (_its.expires_at_ms > now_ms())
        async with self._engine.connect() as connection:
            found = await connection.execute(select(*columns).where(mine).order_by(_its.created_at_ms.desc()).limit(200))
            return [Session(**row._mapping) for row in found]

    async def logout(self, viewer: Viewer, client: str = "") -> None:
        """End the session that this viewer came with, at once for every stream that lives on it; a key is not ended."""
        if viewer.via == "session":
            deed = Deed(viewer=viewer, action="logout", client=client)
            async with writing(self._engine) as connection:
                await connection.execute(delete(sessions).where(_its.id == viewer.credential_id))
                await audit.write_deed(connection, deed, viewer.email)
            self._identities.forget(credential_id=viewer.credential_id)

    async def end(self, deed: Deed, session_id: str) -> None:
        """End one of the actor's own sessions. Raises UnknownPerson."""
        async with writing(self._engine) as connection:
            if await retries.result_of(connection, deed) is not None:
                return
            mine = (_its.id == session_id) & (_its.user_id == deed.viewer.user_id)
            gone: CursorResult[object] = await connection.execute(delete(sessions).where(mine))
            if gone.rowcount == 0:
                raise UnknownPerson("you have no such session")
            await retries.remember(connection, deed, session_id)
            await audit.write_deed(connection, deed, session_id)
        self._identities.forget(credential_id=session_id)

    async def end_all(self, deed: Deed, *, keep_this: bool) -> int:
        """End the actor's sessions, but for the one that this came with where it is to be kept; return how many."""
        async with writing(self._engine) as connection:
            ended = await end_sessions(connection, deed.viewer.user_id, deed.viewer.credential_id if keep_this else None)
            await audit.write_deed(connection, deed, deed.viewer.email, ended=ended)
        self._identities.forget(user_id=deed.viewer.user_id)
        return ended


async def end_sessions(connection: AsyncConnection, user_id: str, but: str | None = None) -> int:
    """Delete a user's sessions, but for one; return how many. The caller forgets the user's identities after its commit."""
    theirs = _its.user_id == user_id
    gone = await connection.execute(delete(sessions).where(theirs if but is None else theirs & (_its.id != but)))
    return int(gone.rowcount)


def _network(address: str) -> str:
    """What one guesser can easily hold: an IPv4 address, or the /64 around an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
