"""Users, sessions and keys, over a real SQLite database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import event, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.access import ALL_PERMISSIONS, Unauthenticated, Viewer
from api.audit import AuditFilter, AuditTrail, Deed, Entry
from api.database.engine import open_engine, sqlite_url, writing
from api.database.migrate import migrate
from api.database.tables import audit, users
from api.grants import BUILT_IN
from api.people import (
    ROTATE_MS,
    SESSION_DAYS,
    Credential,
    LastAdmin,
    LoginRefused,
    LoginThrottled,
    PasswordTooWeak,
    People,
    UserExists,
    create_admin,
    put_admin,
)
from api.throttle import Throttle

PASSWORD = "correct horse battery"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = sqlite_url(tmp_path / "waybill.sqlite3")
    migrate(url)
    engine = open_engine(url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def people(engine: AsyncEngine) -> People:
    people = People(engine)
    await people.create_user("Ada@Example.org", PASSWORD, "viewer", "Ada")
    return people


async def test_a_login_opens_a_session_whatever_the_case_of_the_email(people: People) -> None:
    login = await people.login("ADA@example.org ", PASSWORD, "127.0.0.1")
    viewer = await people.viewer(Credential.session(login.session))
    assert (viewer.email, viewer.role, viewer.via) == ("ada@example.org", "viewer", "session")
    assert viewer.permissions == {"project:read", "model:read", "report:read"}


@pytest.mark.parametrize(("email", "password"), [("ada@example.org", "wrong password!"), ("eve@example.org", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_email_are_refused_alike(people: People, email: str, password: str) -> None:
    with pytest.raises(LoginRefused, match="no user has this e-mail and this password"):
        await people.login(email, password, "127.0.0.1")


async def test_guesses_are_counted_for_the_email_wherever_they_come_from(people: People) -> None:
    for guess in range(10):
        with pytest.raises(LoginRefused):
            await people.login("ada@example.org", "wrong password!", f"10.0.0.{guess}")
    with pytest.raises(LoginThrottled) as refused:
        await people.login("ada@example.org", PASSWORD, "10.0.1.1")
    assert 0 < refused.value.retry_after_s <= 600


async def test_a_new_login_ends_the_session_that_it_came_with(people: People) -> None:
    first = Credential.session((await people.login("ada@example.org", PASSWORD, "")).session)
    second = Credential.session((await people.login("ada@example.org", PASSWORD, "", first)).session)
    with pytest.raises(Unauthenticated):
        await people.viewer(first)
    assert (await people.viewer(second)).email == "ada@example.org"


async def test_a_logout_ends_the_session_at_once(people: People) -> None:
    credential = Credential.session((await people.login("ada@example.org", PASSWORD, "")).session)
    await people.sessions.logout(await people.viewer(credential))
    with pytest.raises(Unauthenticated):
        await people.viewer(credential)


async def test_a_session_ends_by_itself(engine: AsyncEngine, people: People) -> None:
    with time_machine.travel("2026-11-01T00:00:00Z", tick=False):
        credential = Credential.session((await people.login("ada@example.org", PASSWORD, "")).session)
    with time_machine.travel("2026-11-08T00:00:00Z", tick=False), pytest.raises(Unauthenticated):
        await People(engine).viewer(credential)


async def test_a_key_is_a_session_s_equal_and_its_value_is_stored_nowhere(engine: AsyncEngine, people: People) -> None:
    password, key = await create_admin(engine, "admin@localhost")
    assert key.startswith("wb-")
    assert (await people.viewer(Credential.key(key))).permissions == ALL_PERMISSIONS
    login = await people.login("admin@localhost", password, "")
    async with engine.connect() as connection:
        dump = [
            str(row)
            for table in ("users", "sessions", "api_keys")
            for row in await connection.execute(text(f"SELECT * FROM {table}"))
        ]
    assert not [row for row in dump if key in row or password in row or login.session in row]


async def test_a_key_is_no_session_and_a_session_no_key(engine: AsyncEngine, people: People) -> None:
    _, key = await create_admin(engine, "admin@localhost")
    login = await people.login("ada@example.org", PASSWORD, "")
    for credential in (Credential.session(key), Credential.key(login.session)):
        with pytest.raises(Unauthenticated):
            await people.viewer(credential)


async def test_a_first_start_done_twice_makes_one_admin(engine: AsyncEngine, people: People) -> None:
    for _ in range(2):
        await put_admin(engine, "admin@localhost", PASSWORD, "wb-one")
    with pytest.raises(UserExists):
        await put_admin(engine, "admin@localhost", PASSWORD, "wb-another")


async def test_a_short_password_is_refused(people: People) -> None:
    with pytest.raises(PasswordTooWeak):
        await people.create_user("bob@example.org", "elevenchars", "viewer")


async def test_a_password_of_spaces_is_none(people: People) -> None:
    for password in (" " * 12, f"  {'x' * 10}  "):
        with pytest.raises(PasswordTooWeak, match="at least 12 characters without the spaces around it"):
            await people.create_user("eve@example.org", password, "viewer")
    await people.create_user("eve@example.org", f" {'x y z ' * 3} ", "viewer")


async def test_every_login_and_every_refused_one_is_in_the_audit(engine: AsyncEngine, people: People) -> None:
    await people.login("ada@example.org", PASSWORD, "127.0.0.1")
    with pytest.raises(LoginRefused):
        await people.login("eve@example.org", "whatever it is", "127.0.0.2")
    async with engine.connect() as connection:
        rows = (await connection.execute(select(audit.c.outcome, audit.c.subject, audit.c.client))).all()
    assert [tuple(row) for row in rows] == [
        ("ok", "ada@example.org", "127.0.0.1"),
        ("refused", "eve@example.org", "127.0.0.2"),
    ]


def test_a_throttle_hears_again_when_the_oldest_try_leaves_its_window() -> None:
    throttle = Throttle(most=2, window_s=10)
    assert [throttle.wait_s("a", now) for now in (0, 4, 5, 10, 11)] == [0, 0, 5, 0, 3]
    assert throttle.wait_s("b", 5) == 0
    throttle.forget("a")
    assert throttle.wait_s("a", 11) == 0


def test_made_up_keys_do_not_push_out_one_that_waits() -> None:
    throttle = Throttle(most=2, window_s=10, keys=20)
    assert [throttle.wait_s("victim", now) for now in (0, 0, 0)] == [0, 0, 10]
    for number in range(100):
        assert throttle.wait_s(f"made up {number}", 1) == 0
    assert throttle.wait_s("victim", 1) == 9
    assert throttle.wait_s("made up 99", 1) == 0 < throttle.wait_s("made up 99", 1)
    # What left its window is forgotten first.
    for number in range(20):
        throttle.wait_s(f"later {number}", 10.5)
    assert throttle.wait_s("made up 99", 10.6) > 0
    assert throttle.wait_s("victim", 10.6) == 0


async def test_an_address_that_is_not_heard_locks_nobody_out_and_is_in_the_audit_once(
    engine: AsyncEngine, people: People
) -> None:
    for guess in range(30):
        with pytest.raises(LoginRefused):
            await people.login(f"user{guess}@example.org", "wrong password!", "10.0.0.1")
    for _ in range(12):
        with pytest.raises(LoginThrottled):
            await people.login("ada@example.org", "wrong password!", "10.0.0.1")
    assert (await people.login("ada@example.org", PASSWORD, "10.0.0.2")).viewer.email == "ada@example.org"
    rows, _ = await AuditTrail(engine).page(AuditFilter(subject="ada@example.org", outcome="refused"), first=20)
    assert [(row.action, row.client, list(row.detail)) for row in rows] == [("login", "10.0.0.1", ["retryAfterSeconds"])]


async def test_a_session_s_value_changes_every_hour_and_the_old_one_lasts_a_minute(engine: AsyncEngine, people: People) -> None:
    with time_machine.travel("2026-11-01T00:00:00Z", tick=False) as clock:
        first = Credential.session((await people.login("ada@example.org", PASSWORD, "")).session)
        viewer = await people.viewer(first)
        assert await people.sessions.renewed(first, viewer) is None
        clock.shift(ROTATE_MS / 1000)
        both = await asyncio.gather(*(people.sessions.renewed(first, viewer) for _ in range(2)))
        (renewed,) = [each for each in both if each is not None]
        assert renewed.max_age_s == SESSION_DAYS * 86_400 - ROTATE_MS // 1000
        second = Credential.session(renewed.session)
        assert await people.viewer(second) == await people.viewer(first) == viewer
        clock.shift(61)
        others = People(engine)
        assert await others.viewer(second) == viewer
        with pytest.raises(Unauthenticated):
            await others.viewer(first)
        # What lives on the session, such as a stream, goes on by its id.
        assert await others.identities.again(viewer) == viewer


async def test_what_was_changed_while_it_was_looked_up_is_not_believed(engine: AsyncEngine, people: People) -> None:
    key = Credential.key(await people.create_key((await people.login("ada@example.org", PASSWORD, "")).viewer.user_id, "k"))
    looking = asyncio.create_task(people.viewer(key))
    await asyncio.sleep(0)
    people.identities.forget(user_id="whoever")
    viewer = await looking
    async with writing(engine) as connection:
        await connection.execute(update(users).values(role="admin"))
    assert (await people.viewer(key)).role == "admin" != viewer.role


async def test_all_who_ask_for_one_credential_at_once_share_one_look_up(engine: AsyncEngine, people: People) -> None:
    key = Credential.key(await people.create_key((await people.login("ada@example.org", PASSWORD, "")).viewer.user_id, "k"))
    asked: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement))
    first, *others = [asyncio.create_task(people.viewer(key)) for _ in range(100)]
    await asyncio.sleep(0)
    first.cancel()  # whoever asked first may leave
    assert len({viewer.user_id for viewer in await asyncio.gather(*others)}) == 1
    assert sum("FROM api_keys" in statement for statement in asked) == 1


async def test_all_who_ask_for_a_credential_that_is_gone_are_told_so(people: People) -> None:
    nobody = Credential.key("wb-" + "x" * 43)
    told = await asyncio.gather(*(people.viewer(nobody) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [Unauthenticated] * 3


async def test_a_user_without_a_password_cannot_log_in(engine: AsyncEngine, people: People) -> None:
    async with writing(engine) as connection:
        await connection.execute(update(users).values(password_hash=None))
    with pytest.raises(LoginRefused):
        await people.login("ada@example.org", PASSWORD, "")


async def test_an_ipv6_network_is_one_guesser(people: People) -> None:
    for guess in range(30):
        with pytest.raises(LoginRefused):
            await people.login(f"user{guess}@example.org", "wrong password!", f"2001:db8::{guess:x}")
    with pytest.raises(LoginThrottled):
        await people.login("another@example.org", "wrong password!", "2001:db8::ffff")


async def test_two_admins_cannot_take_each_other_out_at_once(engine: AsyncEngine) -> None:
    people = People(engine)
    ids = [await people.create_user(f"{name}@example.org", PASSWORD, "admin") for name in ("a", "b")]
    viewers = [
        BUILT_IN.viewer(Viewer(user_id=each, email=f"{name}@example.org", role="admin"))
        for each, name in zip(ids, ("a", "b"), strict=True)
    ]
    wishes = [
        people.users.update(Deed(viewer=viewer, action="userUpdate"), other, role="viewer")
        for viewer, other in zip(viewers, reversed(ids), strict=True)
    ]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert [isinstance(each, LastAdmin) for each in outcomes].count(True) == 1


async def test_denials_of_one_person_do_not_fill_the_disk(engine: AsyncEngine) -> None:
    trail = AuditTrail(engine)
    for _ in range(100):
        await trail.note_denied("eve", Entry(action="Query.users", outcome="denied", subject=""))
    rows, _ = await trail.page(AuditFilter(outcome="denied"), first=200)
    assert len(rows) == 60
