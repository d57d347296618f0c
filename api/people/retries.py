"""Idempotency of what is in no commit: a key is stored with what it did, in the same transaction, so a retry does it once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.audit import Deed
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import idempotency_keys
from api.people.errors import KeyReused

KEPT_DAYS: Final = 30
_keys = idempotency_keys.c


async def result_of(connection: AsyncConnection, deed: Deed) -> str | None:
    """What this wish led to when it was carried out before, else None. Raises KeyReused for a key of another wish."""
    if deed.idempotency_key is None:
        return None
    mine = (_keys.user_id == deed.viewer.user_id) & (_keys.key == deed.idempotency_key)
    found = (await connection.execute(select(idempotency_keys).where(mine))).one_or_none()
    if found is None:
        return None
    if (found.action, found.wish_sha256) != (deed.action, deed.wish_sha256):
        raise KeyReused("this idempotency key was used for another wish: take a new one")
    return str(found.result)


async def remember(connection: AsyncConnection, deed: Deed, result: str) -> None:
    """Note what the wish led to."""
    if deed.idempotency_key is None:
        return
    row: dict[str, object] = {
        "user_id": deed.viewer.user_id,
        "key": deed.idempotency_key,
        "action": deed.action,
        "wish_sha256": deed.wish_sha256,
        "result": result,
        "at_ms": now_ms(),
    }
    await connection.execute(insert(idempotency_keys).values(row))


async def remove_old(engine: AsyncEngine, now: int) -> None:
    """Forget keys that nobody retries any more."""
    async with writing(engine) as connection:
        await connection.execute(delete(idempotency_keys).where(_keys.at_ms < now - KEPT_DAYS * 86_400_000))
