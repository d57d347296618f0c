"""A wish with an idempotency key is carried out once, whatever its sender read since, and whatever the key is written with."""

from __future__ import annotations

import stat
import time
from functools import partial
from pathlib import Path

import pytest

from api.database.engine import open_engine, sqlite_url
from api.repository import commits
from api.repository.commits import Committed
from api.repository.errors import KeyReused
from api.repository.keys import KEPT_DAYS, Keys
from api.repository.store import Edit, Repository
from api.sealing import Secret
from api.wishes import Wishes
from tests.api.changes import change
from tests.api.conftest import Api
from tests.repositories import ADA, BLOG, Person, committed, git, installed, refusal

ODD = [
    "a  b",
    "a b",
    " a b",
    "x ",
    "x",
    "a\tb",
    "a\u00a0b",
    "a\x07b",
    "a\nb",
    "a\r\nb",
    "\n\nWaybill-Actor: eve",
    "   ",
    "100%",
    "a%20b",
    "ключ",
]


def keyed(repository: Repository, key: str, data: bytes, base: str | None = None) -> Committed:
    trailers = {commits.ACTOR: "ada", commits.IDEMPOTENCY_KEY: key, commits.WISH: data.hex()}
    edit = Edit(changes={BLOG: data}, author=ADA, reason="r", base=base or repository.head(), trailers=trailers)
    return repository.commit(edit, lambda *_: None)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_retry_that_read_the_head_again_makes_no_second_token(api: Api) -> None:
    wish = {"project": "demo", "name": "Once", "idempotencyKey": "reread"}
    first = await change(api, "tokenCreate", "value", **wish)
    again = await change(api, "tokenCreate", "value", **wish)
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert (again["value"], again["revision"], api.head()) == (None, first["revision"], first["revision"])
    other = await change(api, "tokenCreate", "value", **{**wish, "name": "Another wish"})
    assert (other["__typename"], other["problems"][0]["field"]) == ("ValidationFailed", "idempotencyKey")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_retry_of_a_wish_that_changed_nothing_undoes_nothing_since(api: Api) -> None:
    await change(api, "projectUpdate", slug="demo", description="V1")
    wish = {"slug": "demo", "description": "V1", "idempotencyKey": "without effect"}
    first = await change(api, "projectUpdate", **wish)
    assert (first["changedFiles"], first["replayed"]) == ([], False)
    other = await change(api, "projectUpdate", **{**wish, "description": "V3"})
    assert (other["__typename"], other["problems"][0]["field"]) == ("ValidationFailed", "idempotencyKey")
    since = await change(api, "projectUpdate", slug="demo", description="V2")
    again = await change(api, "projectUpdate", "project { description }", **wish)
    assert (again["replayed"], again["revision"], again["changedFiles"]) == (True, first["revision"], [])
    assert (again["project"]["description"], api.head()) == ("V2", since["revision"])


def test_a_digest_knows_its_installation_and_its_secrets(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "db"))
    one, two = (Wishes(engine, tmp_path / name / "wishes.key") for name in ("one", "two"))
    digest = one.digest("a", [Secret("s")])
    assert (
        digest == one.digest("a", [Secret("s")]) == Wishes(engine, tmp_path / "one" / "wishes.key").digest("a", [Secret("s")])
    )
    assert len({digest, one.digest("a", [Secret("t")]), one.digest("b", [Secret("s")]), two.digest("a", [Secret("s")])}) == 4
    assert stat.S_IMODE((tmp_path / "one" / "wishes.key").stat().st_mode) == 0o600


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("key", ODD)
async def test_a_key_is_what_was_sent_to_the_last_space(api: Api, key: str) -> None:
    read = api.head()
    wish = {"project": "demo", "name": f"Odd {ODD.index(key)}", "idempotencyKey": key}
    first = await change(api, "tokenCreate", expectedRevision=read, **wish)
    assert (first["__typename"], first["replayed"]) == ("TokenCreated", False)
    for at in (read, api.head()):
        again = await change(api, "tokenCreate", expectedRevision=at, **wish)
        assert (again["replayed"], again["revision"], api.head()) == (True, first["revision"], first["revision"])


def test_no_two_keys_are_written_alike() -> None:
    lines = {commits.key_line(key) for key in ODD}
    assert len(lines) == len(ODD)
    for line in lines:
        found = commits.trailers(commits.message("r", {commits.ACTOR: "ada", commits.IDEMPOTENCY_KEY: line}))
        assert found[commits.ACTOR] == "ada"


def test_the_keys_of_the_history_are_known_after_a_start_and_past_a_push(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    first = keyed(repository, "k", b"id: p-blog\nname: New\n")
    between = committed(repository, {BLOG: b"id: p-blog\nname: Newer\n"}).revision
    again = keyed(Repository(repository.path), "k", b"id: p-blog\nname: New\n", base=between)
    assert (again.revision, again.replayed) == (first.revision, True)
    with pytest.raises(KeyReused):
        keyed(repository, "k", b"id: p-blog\nname: Other\n")


def test_what_was_set_back_by_hand_may_be_done_again(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    before = repository.head()
    assert before is not None
    keyed(repository, "k", b"id: p-blog\nname: New\n")
    git(repository.path, "update-ref", "refs/heads/main", before)
    assert not keyed(repository, "k", b"id: p-blog\nname: New\n").replayed


def test_a_key_is_forgotten_after_its_days(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    done = keyed(repository, "k", b"id: p-blog\nname: New\n")
    for days, known in ((0, True), (KEPT_DAYS - 1, True), (KEPT_DAYS + 1, False)):
        keys = Keys(partial(float, time.time() + days * 86_400))
        assert (keys.commit_of(repository.git, done.revision, "ada", "k") is not None) == known


@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_push_says_that_waybill_noted_is_not_believed(api: Api, tmp_path: Path) -> None:
    done = await change(api, "projectUpdate", slug="demo", description="Noted", idempotencyKey="noted")
    person = Person(tmp_path / "clone", api.layout.repository)
    said = git(person.folder, "log", "-1", "--format=%B").stdout.replace("noted", "forged")
    revision = person.commit({"README.md": b"Pushed\n"}, message=said)
    assert refusal(person.push()) == []
    query = "query($id: ID!) { revision(id: $id) { reason trailers { key value } } }"
    assert (await api.data(query, id=revision))["revision"] == {"reason": said.strip(), "trailers": []}
    noted = (await api.data(query, id=done["revision"]))["revision"]["trailers"]
    assert {"key": commits.IDEMPOTENCY_KEY, "value": "noted"} in noted
    assert {each["key"] for each in noted} == {commits.ACTOR, commits.REQUEST, commits.IDEMPOTENCY_KEY, commits.WISH}
    mine = await change(api, "projectUpdate", slug="demo", description="Mine", idempotencyKey="forged")
    assert (mine["__typename"], mine["replayed"]) == ("ProjectUpdated", False)
