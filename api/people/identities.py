"""Who holds a credential: one look-up by an index, kept for a second, forgotten at once when something about it changes.

Streams ask again at each batch: the hundreds that one key may have open ask together, and share one look-up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import msgspec
import structlog
from sqlalchemy import Row, Select, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.access import Unauthenticated, Viewer
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import api_keys, sessions, users
from api.grants import Grants
from api.people.credentials import Credential

# A stream looks its viewer up at each batch; a change in this process is seen at once, elsewhere within this time.
RECHECK_S: Final = 1.0
_MOST: Final = 10_000
_SEEN_EVERY_MS: Final = 60_000  # how exactly "last used" is kept
log = structlog.get_logger("api.people")


class Known(msgspec.Struct, frozen=True):
    """A viewer as the database has them: whose, until when it is believed, and when a session got its value."""

    viewer: Viewer
    until_s: float
    rotated_at_ms: int


class Identities:
    """Credentials to viewers."""

    def __init__(self, engine: AsyncEngine, grants: Callable[[], Grants]) -> None:
        self._engine = engine
        self._grants = grants
        self._known: dict[Credential | str, Known] = {}
        # Under way, by what is asked and after which change: nobody is told what was so before a change that they know of.
        self._asked: dict[tuple[Credential | str, int], asyncio.Task[Known]] = {}
        self._watchers: dict[object, tuple[Viewer, Callable[[], None]]] = {}
        self._changes = 0  # a look-up that a change overtook must not be kept

    async def viewer(self, credential: Credential) -> Viewer:
        """Whoever holds `credential`. Raises Unauthenticated when it is unknown, over or taken back."""
        return self._grants().viewer((await self._look_up(credential)).viewer)

    async def again(self, viewer: Viewer) -> Viewer:
        """The same viewer as they are now: by the id of what they came with, which outlives a rotation of its value.

        Raises Unauthenticated.
        """
        return self._grants().viewer((await self._look_up(f"{viewer.via} {viewer.credential_id}")).viewer)

    async def rotated_at_ms(self, credential: Credential) -> int:
        """When the session got the value that it has. Raises Unauthenticated."""
        return (await self._look_up(credential)).rotated_at_ms

    def forget(self, *, user_id: str | None = None, credential_id: str | None = None) -> None:
        """Look up anew whatever concerns this user or this session or key."""
        self._changes += 1
        gone = [
            key
            for key, known in self._known.items()
            if user_id == known.viewer.user_id or credential_id == known.viewer.credential_id
        ]
        for key in gone:
            del self._known[key]
        for viewer, changed in list(self._watchers.values()):
            if user_id == viewer.user_id or credential_id == viewer.credential_id:
                changed()

    @contextmanager
    def watched(self, viewer: Viewer, changed: Callable[[], None]) -> Iterator[None]:
        """Call `changed` whenever something about this viewer is another now, such as the end of their session."""
        watcher = object()
        self._watchers[watcher] = viewer, changed
        try:
            yield
        finally:
            del self._watchers[watcher]

    async def _look_up(self, key: Credential | str) -> Known:
        known = self._known.get(key)
        if known is not None and known.until_s > time.monotonic():
            return known
        self._known.pop(key, None)
        question = key, self._changes
        asked = self._asked.get(question)
        if asked is None:
            # A task of its own: whoever asked first may leave without hurting the others.
            asked = self._asked[question] = asyncio.create_task(self._find(key, self._changes))
            asked.add_done_callback(lambda done: self._answered(question, done))
        return await asyncio.shield(asked)

    def _answered(self, question: tuple[Credential | str, int], done: asyncio.Task[Known]) -> None:
        del self._asked[question]
        if not done.cancelled():
            done.exception()  # it is for those who wait, of whom none may be left

    async def _find(self, key: Credential | str, changes: int) -> Known:
        kind: Literal["session", "key"] = (
            key.kind if isinstance(key, Credential) else "session" if key.startswith("session ") else "key"
        )
        known = await self._load(kind, _statement(kind, key))
        if changes == self._changes:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = known
        return known

    async def _load(self, kind: Literal["session", "key"], statement: Select[Any]) -> Known:
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        now = now_ms()
        if row is None or (row.expires_at_ms is not None and row.expires_at_ms <= now):
            raise Unauthenticated(f"this {kind} is not valid, or is over")
        if row.seen_at_ms is None or row.seen_at_ms <= now - _SEEN_EVERY_MS:
            await self._seen(kind, row.credential_id, now)
        return Known(_viewer(row, kind), time.monotonic() + RECHECK_S, row.rotated_at_ms)

    async def _seen(self, kind: Literal["session", "key"], credential_id: str, now: int) -> None:
        table, column = (sessions, "seen_at_ms") if kind == "session" else (api_keys, "last_used_at_ms")
        try:
            async with writing(self._engine) as connection:
                await connection.execute(update(table).where(table.c.id == credential_id).values({column: now}))
        except DBAPIError as error:  # a full disk is no reason to let nobody read
            log.error("when a credential was seen is not kept", error=str(error.orig))


def _statement(kind: Literal["session", "key"], key: Credential | str) -> Select[Any]:
    person = (users.c.id, users.c.email, users.c.name, users.c.role)
    if kind == "key":
        own = api_keys.c
        found: Select[Any] = select(
            *person,
            own.id.label("credential_id"),
            own.expires_at_ms,
            own.last_used_at_ms.label("seen_at_ms"),
            own.created_at_ms.label("rotated_at_ms"),
        ).join_from(api_keys, users, users.c.id == own.user_id)
        holds = own.sha256 == key.sha256 if isinstance(key, Credential) else own.id == key.partition(" ")[2]
    else:
        its = sessions.c
        found = select(*person, its.id.label("credential_id"), its.expires_at_ms, its.seen_at_ms, its.rotated_at_ms).join_from(
            sessions, users, users.c.id == its.user_id
        )
        if isinstance(key, Credential):
            former = (its.former_sha256 == key.sha256) & (its.former_until_ms > now_ms())
            holds = or_(its.sha256 == key.sha256, former)
        else:
            holds = its.id == key.partition(" ")[2]
    return found.where(holds, users.c.disabled_at_ms.is_(None))


def _viewer(row: Row[Any], via: Literal["session", "key"]) -> Viewer:
    """The user of a row, with no permissions yet: those are the configuration's affair."""
    return Viewer(user_id=row.id, email=row.email, name=row.name or "", role=row.role, via=via, credential_id=row.credential_id)
