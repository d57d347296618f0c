"""Personal API keys: made by the person whose they are, shown once, stored as their SHA-256."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api import audit
from api.access import Viewer
from api.audit import Deed
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import api_keys
from api.people import retries
from api.people.credentials import SHOWN_CHARS, digest, new_id, new_key
from api.people.errors import Unacceptable, UnknownPerson
from api.people.identities import Identities

MAX_KEYS: Final = 100  # of one person
_own = api_keys.c


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its value."""

    id: str
    name: str
    prefix: str
    created_at_ms: int
    last_used_at_ms: int | None
    expires_at_ms: int | None


class ApiKeys:
    """Makes, lists and revokes them."""

    def __init__(self, engine: AsyncEngine, identities: Identities) -> None:
        self._engine = engine
        self._identities = identities

    async def of(self, user_id: str) -> list[ApiKey]:
        """A user's keys, newest first; expired ones too, until they are revoked."""
        mine = select(*_COLUMNS).where(_own.user_id == user_id).order_by(_own.created_at_ms.desc(), _own.id)
        async with self._engine.connect() as connection:
            return [ApiKey(**row._mapping) for row in await connection.execute(mine)]

    async def create(self, deed: Deed, name: str, expires_at_ms: int | None) -> tuple[ApiKey, str | None]:
        """A new key and its value, which is stored nowhere; a retry gets the key without it.

        Raises Unacceptable, KeyReused; UnknownPerson when a retry's key has been revoked.
        """
        name = name.strip()
        if not 1 <= len(name) <= 200:
            raise Unacceptable("a key's name has 1 to 200 characters", "name")
        if expires_at_ms is not None and expires_at_ms <= now_ms():
            raise Unacceptable("this instant is past already", "expiresAt")
        value = new_key()
        row = key_row(deed.viewer.user_id, name, value, expires_at_ms)
        async with writing(self._engine) as connection:
            made = await retries.result_of(connection, deed)
            if made is None:
                await _outlives_none(connection, deed.viewer, expires_at_ms)
                held = await connection.scalar(select(func.count()).where(_own.user_id == deed.viewer.user_id))
                if (held or 0) >= MAX_KEYS:
                    raise Unacceptable(f"you have {MAX_KEYS} keys: revoke one that you do not use", "name")
                await connection.execute(insert(api_keys).values(row))
                await retries.remember(connection, deed, str(row["id"]))
                await audit.write_deed(connection, deed, str(row["prefix"]), name=name, shown=True, key=row["id"])
            query = select(*_COLUMNS).where(_own.id == (made or row["id"]), _own.user_id == deed.viewer.user_id)
            found = (await connection.execute(query)).first()
        if found is None:
            raise UnknownPerson("the key that this made has been revoked")
        return ApiKey(**found._mapping), value if made is None else None

    async def revoke(self, deed: Deed, key_id: str) -> None:
        """End one of the actor's own keys, at once for every stream that lives on it. Raises UnknownPerson, KeyReused."""
        async with writing(self._engine) as connection:
            if await retries.result_of(connection, deed) is not None:
                return
            mine = (_own.id == key_id) & (_own.user_id == deed.viewer.user_id)
            found = (await connection.execute(select(_own.prefix).where(mine))).scalar()
            if found is None:
                raise UnknownPerson("you have no such key")
            await connection.execute(delete(api_keys).where(mine))
            await retries.remember(connection, deed, key_id)
            await audit.write_deed(connection, deed, found, key=key_id)
        self._identities.forget(credential_id=key_id)


async def _outlives_none(connection: AsyncConnection, maker: Viewer, expires_at_ms: int | None) -> None:
    """Raise Unacceptable where a key would make one that ends later than itself: who lends a key until Friday means Friday."""
    ends = (
        await connection.scalar(select(_own.expires_at_ms).where(_own.id == maker.credential_id))
        if maker.via == "key"
        else None
    )
    if ends is not None and (expires_at_ms is None or expires_at_ms > ends):
        raise Unacceptable(
            f"the key that you ask with ends at {_instant(ends)}: one that it makes ends by then too", "expiresAt"
        )


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def key_row(user_id: str, name: str, value: str, expires_at_ms: int | None = None) -> dict[str, object]:
    """A key as it is stored."""
    return {
        "id": new_id(),
        "user_id": user_id,
        "name": name,
        "sha256": digest(value),
        "prefix": value[:SHOWN_CHARS],
        "created_at_ms": now_ms(),
        "expires_at_ms": expires_at_ms,
    }


_COLUMNS: Final = [_own[name] for name in ApiKey.__struct_fields__]
