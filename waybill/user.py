"""`waybill user …`: the way back in for whoever has the machine, when nobody else can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.layout import Layout
from waybill.errors import BadArgument, DataFolderUnusable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_Result = TypeVar("_Result")


def make_admin(email: str, data: Path) -> None:
    """Make this user an admin who may sign in, and print the new password."""
    from api.people import add_admin

    password, new = _with_database(data, lambda engine: add_admin(engine, email))
    print(f"{email.strip().lower()} is {'a new' if new else 'an'} admin\npassword: {password}")  # noqa: T201  # the command's answer


def reset_password(email: str, data: Path) -> None:
    """Print a new password for this user."""
    from api.people import set_password

    print(f"password: {_with_database(data, lambda engine: set_password(engine, email))}")  # noqa: T201  # the command's answer


def _with_database(data: Path, act: Callable[[AsyncEngine], Awaitable[_Result]]) -> _Result:
    """What `act` does to the database of a data folder; the API may run meanwhile, and knows it within a second."""
    from sqlalchemy.exc import DBAPIError

    from api.database.engine import open_engine, sqlite_url
    from api.database.migrate import migrate
    from api.people import PeopleError

    layout = Layout(data.expanduser().absolute())
    if not layout.database.is_file():
        raise DataFolderUnusable(f"{layout.data}: no database there; `waybill serve` makes it")

    async def run() -> _Result:
        engine = open_engine(sqlite_url(layout.database))
        try:
            return await act(engine)
        finally:
            await engine.dispose()

    try:
        migrate(sqlite_url(layout.database))
        return asyncio.run(run())
    except PeopleError as error:
        raise BadArgument(str(error)) from None
    except DBAPIError as error:
        raise DataFolderUnusable(f"{layout.database}: {error.orig}") from None
