"""Connections to the database. The one place that knows what SQLite wants: WAL, waiting, how a transaction begins.

DatabaseError
├── DatabaseUnavailable   locked, full or unreadable: retrying helps once that is mended
└── RequestKnown          a request of the batch has its row already: the batch without it can be written
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 10_000
# The recorder gives up sooner: it says so, and comes back by itself.
RECORDER_BUSY_TIMEOUT_MS = 1_000
# From so many pages of log on, a commit copies it: only where nobody records, who has `Checkpoints` for that.
_WAL_PAGES = 10_000
_CACHE_KIB = 65_536


class DatabaseError(Exception):
    """Something could not be recorded, and nothing of it was."""


class DatabaseUnavailable(DatabaseError):
    """The database is locked, full or unreadable; retrying helps once that is mended."""


class RequestKnown(DatabaseError):
    """A request of the batch has its row already."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, as `open_engine` and `migrate` take it."""
    return f"sqlite:///{path}"


def open_engine(url: str) -> AsyncEngine:
    """The engine for everything but recording. In WAL mode its readers never wait for the recorder, nor it for them.

    Its commits are on the disk when they return: a session or a key that was given out survives the death of the machine.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), json_deserializer=msgspec.json.decode)
        _prepare_sqlite(engine.sync_engine)
        return engine
    return create_async_engine(parsed.set(drivername="postgresql+asyncpg"), json_deserializer=msgspec.json.decode)


def writing(engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]:
    """A transaction that means to write: `async with writing(engine) as connection`. Commits at the end, rolls back on error.

    It takes SQLite's write lock first; one that reads and then writes would fail at once when the recorder came between.
    """
    return engine.execution_options(waybill_begin="BEGIN IMMEDIATE").begin()


def open_sqlite(path: str) -> sqlite3.Connection:
    """The recorder's own connection: transactions by hand, commits without waiting for the disk.

    What the death of a machine takes back here is still in the journal, position included.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    _set_pragmas(connection, synchronous="NORMAL", busy_timeout_ms=RECORDER_BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # see checkpoints.py
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def sqlite_path(url: str) -> str:
    """The file of a SQLite URL. ValueError for another database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise ValueError(f"{parsed.render_as_string()} is not the URL of a SQLite file")
    return parsed.database


@contextmanager
def translated() -> Iterator[None]:
    """The recorder's errors of SQLite as those of this area: what retrying mends, and what it does not."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise RequestKnown(str(error)) from error
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"the database cannot be used: {error}") from error


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver would begin transactions by itself, too late to choose how; `_begin` does it instead.
        connection.isolation_level = None
        _set_pragmas(connection, synchronous="FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("waybill_begin", "BEGIN"))


def _set_pragmas(connection: Any, *, synchronous: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {busy_timeout_ms}",
        "journal_mode = WAL",
        f"synchronous = {synchronous}",
        f"wal_autocheckpoint = {_WAL_PAGES}",
        "foreign_keys = ON",
        "secure_delete = FAST",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
