"""Wishes with an idempotency key: the digest that tells one from another, and the memory of those that changed nothing.

What changed something has its key in its commit. A wish that found everything as it should be is in no commit, so it is noted
in the database: its retry must not undo what somebody did since. The digest covers secrets and stands in the history, so it is
made with a key of this installation: nobody can try out secrets on it.
"""

from __future__ import annotations

import dataclasses
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry import Some

from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import idempotency_keys
from api.sealing import Secret

_KEY_BYTES: Final = 32
_keys = idempotency_keys.c


class OtherWish(Exception):
    """The idempotency key belongs to another wish of the same person."""


class Wishes:
    """The wishes of this installation. `key_file` is made at the first need; without it a retry is taken for another wish."""

    def __init__(self, engine: AsyncEngine, key_file: Path) -> None:
        self._engine = engine
        self._key_file = key_file

    def digest(self, words: str, wish: object) -> str:
        """What tells this wish from another: `words`, and every secret in it. Blocks for a small file, the first time."""
        asked = repr((words, [*_secrets_in(wish)]))
        return hmac.digest(self._key, asked.encode(errors="surrogatepass"), "sha256").hex()

    async def without_effect(self, user_id: str, key: str, digest: str) -> str | None:
        """The revision at which this wish had nothing to change, None where it was not asked for. Raises OtherWish."""
        mine = (_keys.user_id == user_id) & (_keys.key == key)
        async with self._engine.connect() as connection:
            found = (await connection.execute(select(idempotency_keys).where(mine))).one_or_none()
        if found is None:
            return None
        if found.wish_sha256.hex() != digest:
            raise OtherWish
        return str(found.result)

    async def note_without_effect(self, user_id: str, key: str, digest: str, action: str, revision: str) -> None:
        """Keep that this wish had nothing to change at `revision`; kept as long as other keys (`people/retries.py`)."""
        row = {"user_id": user_id, "key": key, "action": action, "wish_sha256": bytes.fromhex(digest), "result": revision}
        with suppress(IntegrityError):  # another try of it was first
            async with writing(self._engine) as connection:
                await connection.execute(insert(idempotency_keys).values({**row, "at_ms": now_ms()}))

    @cached_property
    def _key(self) -> bytes:
        with suppress(FileNotFoundError):
            return self._key_file.read_bytes()
        self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._key_file.parent) as fresh:
            fresh.write(secrets.token_bytes(_KEY_BYTES))
            fresh.flush()
            os.fsync(fresh.fileno())
            with suppress(FileExistsError):  # another process was first
                os.link(fresh.name, self._key_file)
        return self._key_file.read_bytes()


def _secrets_in(value: object) -> Iterator[str]:
    """The values of the secrets of an input, in its order."""
    if isinstance(value, Secret):
        yield value.value
    elif isinstance(value, Some):
        yield from _secrets_in(value.value)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _secrets_in(getattr(value, field.name))
