"""The audit trail of what is in no commit: logins, users, keys, shown secrets, and what was tried and denied.

A row says who, when, from where, what, on whom, and why; never a secret. Changes of users write theirs in their own
transaction, so that neither is there without the other. Configuration is audited by its commits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.access import Viewer
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import audit
from api.throttle import Throttle
from core.leaks import masked

Outcome: TypeAlias = Literal["ok", "refused", "denied"]
SHOWN: Final = "token_shown"  # the action of a row whose subject is `slug/token`
_CHUNK_ROWS: Final = 500
_DENIALS_A_MINUTE: Final = 60  # noted of one person or address: an attempt must not fill the disk
_columns = audit.c
log = structlog.get_logger("api.audit")


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person does on purpose: who, what, why, from where, and the digest of what was asked."""

    viewer: Viewer
    action: str
    reason: str = ""
    client: str = ""
    request_id: str = ""
    idempotency_key: str | None = None
    wish_sha256: bytes = b""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row to write."""

    action: str
    outcome: Outcome
    subject: str
    user_id: str | None = None
    client: str = ""
    detail: Mapping[str, Any] = {}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it was written; `id` rises with time and is its cursor."""

    id: int
    at_ms: int
    user_id: str | None
    action: str
    outcome: str
    subject: str
    client: str
    detail: dict[str, Any]


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are meant: None asks nothing; at `since_ms` or later, before `until_ms`."""

    user_id: str | None = None
    action: str | None = None
    outcome: str | None = None
    subject: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class AuditTrail:
    """Writes, reads and forgets the rows."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._denials = Throttle(most=_DENIALS_A_MINUTE, window_s=60)

    async def note(self, *entries: Entry) -> None:
        """Write rows in a transaction of their own."""
        async with writing(self._engine) as connection:
            for entry in entries:
                await write(connection, entry)

    async def note_denied(self, who: str, *entries: Entry) -> None:
        """Write what was denied to `who` (a user's id, or an address), as long as it is not too much.

        It is denied all the same where that cannot be written: the log has it then.
        """
        now = time.monotonic()
        kept = [entry for entry in entries if self._denials.wait_s(who, now) == 0]
        try:
            if kept:
                await self.note(*kept)
        except DBAPIError as error:
            log.error(
                "denied attempts are not in the audit trail", entries=[entry.action for entry in kept], error=str(error.orig)
            )

    async def page(self, filter: AuditFilter, *, first: int, before: int | None = None) -> tuple[list[Row], bool]:
        """At most `first` rows, newest first, older than the cursor `before`; and whether there are more."""
        statement = select(audit).order_by(_columns.id.desc()).limit(first + 1)
        for column, wanted in (
            (_columns.user_id, filter.user_id),
            (_columns.action, filter.action),
            (_columns.outcome, filter.outcome),
            (_columns.subject, filter.subject),
        ):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if filter.since_ms is not None:
            statement = statement.where(_columns.at_ms >= filter.since_ms)
        if filter.until_ms is not None:
            statement = statement.where(_columns.at_ms < filter.until_ms)
        if before is not None:
            statement = statement.where(_columns.id < before)
        async with self._engine.connect() as connection:
            found = (await connection.execute(statement)).all()
        return [Row(**row._mapping) for row in found[:first]], len(found) > first

    async def remove(self, before_ms: int) -> int:
        """Delete rows older than this instant, a few at a time; return how many."""
        removed = 0
        while True:
            oldest = select(_columns.id).where(_columns.at_ms < before_ms).order_by(_columns.at_ms).limit(_CHUNK_ROWS)
            async with writing(self._engine) as connection:
                gone = (await connection.execute(delete(audit).where(_columns.id.in_(oldest)))).rowcount
            removed += gone
            if gone < _CHUNK_ROWS:
                return removed


async def write(connection: AsyncConnection, entry: Entry) -> None:
    """Add a row in the transaction of whatever it tells of; a key that somebody pasted where a name goes is taken out."""
    row: dict[str, object] = {
        "at_ms": now_ms(),
        "user_id": entry.user_id,
        "action": entry.action,
        "outcome": entry.outcome,
        "subject": masked(entry.subject)[:300],
        "client": entry.client[:64],
        "detail": dict(entry.detail),
    }
    await connection.execute(insert(audit).values(row))


async def write_deed(connection: AsyncConnection, deed: Deed, subject: str, **detail: object) -> None:
    """Add the row of a deed that was done, in its transaction."""
    told = {
        "reason": deed.reason,
        "requestId": deed.request_id,
        "via": deed.viewer.via,
        "credential": deed.viewer.credential_id,
    }
    entry = Entry(
        action=deed.action,
        outcome="ok",
        subject=subject,
        user_id=deed.viewer.user_id,
        client=deed.client,
        detail={name: value for name, value in (told | detail).items() if value not in ("", None)},
    )
    await write(connection, entry)
