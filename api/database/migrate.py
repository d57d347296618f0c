"""Bring a database to the schema of this version. Run at start, before anything reads it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url

_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(url: str) -> None:
    """Run the migrations that are missing, in one transaction. Blocks; not for an event loop.

    Raises alembic.util.CommandError for a database of a later version, sqlalchemy.exc.DBAPIError where it cannot be reached.
    """
    with _connect(url) as connection:
        command.upgrade(_config(connection), "head")


def draft(url: str, message: str) -> None:
    """Write a new migration file with the difference between the tables and this database: for developers."""
    with _connect(url) as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=f"{_count() + 1:04d}")


def _connect(url: str):  # type: ignore[no-untyped-def]  # SQLAlchemy's own context manager
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
    return create_engine(parsed.set(drivername=drivers[parsed.get_backend_name()])).begin()


def _config(connection: object) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _count() -> int:
    return len(list((_MIGRATIONS / "versions").glob("[0-9]*.py")))
