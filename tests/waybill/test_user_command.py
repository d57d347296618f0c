"""`waybill user`: the way back in, on the machine itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api.database.engine import open_engine, sqlite_url
from api.database.migrate import migrate
from api.people import Credential, LoginRefused, People
from core.layout import Layout
from tests.waybill.test_cli import one_line, run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    migrate(sqlite_url(Layout(tmp_path).database))
    return tmp_path


def password_of(*arguments: str) -> str:
    result = run("user", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout.rsplit("password: ", 1)[1].strip()


def role_after_login(data: Path, email: str, password: str) -> str:
    async def login() -> str:
        engine = open_engine(sqlite_url(Layout(data).database))
        try:
            people = People(engine)
            opened = await people.login(email, password, "127.0.0.1")
            return (await people.viewer(Credential.session(opened.session))).role
        finally:
            await engine.dispose()

    return asyncio.run(login())


def test_an_admin_is_made_and_can_log_in(data: Path) -> None:
    password = password_of("admin", "Ada@example.org", "--data", str(data))
    assert role_after_login(data, "ada@example.org", password) == "admin"


def test_a_new_password_takes_the_place_of_the_old_one(data: Path) -> None:
    former = password_of("admin", "ada@example.org", "--data", str(data))
    password = password_of("password", "ada@example.org", "--data", str(data))
    assert role_after_login(data, "ada@example.org", password) == "admin"
    with pytest.raises(LoginRefused):
        role_after_login(data, "ada@example.org", former)


@pytest.mark.parametrize(
    ("arguments", "part", "code"),
    [(("password", "eve@example.org"), "there is no user eve@example.org", 2), (("admin", "nonsense"), "no e-mail address", 2)],
)
def test_what_cannot_be_is_one_line(data: Path, arguments: tuple[str, ...], part: str, code: int) -> None:
    result = run("user", *arguments, "--data", str(data))
    assert part in one_line(result)
    assert result.returncode == code


def test_a_folder_without_a_database_is_said(tmp_path: Path) -> None:
    assert "no database there" in one_line(run("user", "admin", "ada@example.org", "--data", str(tmp_path)))
