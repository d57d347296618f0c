"""A full disk is no mistake of ours: what cannot be written is said and not half done, and goes on when there is room again."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLError
from pygit2 import GitError
from sqlalchemy.exc import OperationalError

from api.graphql.errors import answer_errors
from api.repository.errors import RepositoryError
from tests.api.conftest import ADMIN, PASSWORD, Api, running
from tests.repositories import git

CREATE = """mutation($name: String!, $once: String!, $head: String!) {
  projectCreate(input: {name: $name, reason: "Room for it", idempotencyKey: $once, expectedRevision: $head}) {
    __typename ... on ProjectCreated { project { slug } change { replayed } } } }"""
LOGIN = "mutation($email: String!, $password: String!) { login(input: {email: $email, password: $password}) { __typename } }"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 48 MB of its own."""
    place = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "waybill", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system takes root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(disk: Path) -> AsyncIterator[Api]:
    async with running(disk / "data") as api:
        yield api


class Filler:
    """A file that takes what room is left on a disk."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "filler"
        with self._file.open("wb", buffering=0) as file:
            piece = b"x" * 65_536
            while piece:
                try:
                    file.write(piece)
                except OSError:
                    piece = piece[: len(piece) // 2]

    def make_room(self) -> None:
        self._file.unlink(missing_ok=True)


@pytest.fixture
def full(api: Api, disk: Path) -> Iterator[Filler]:
    filler = Filler(disk)
    yield filler
    filler.make_room()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_change_is_refused_whole_and_its_retry_does_it_once(api: Api, full: Filler) -> None:
    head = api.head()
    wish = {"name": "Late", "once": "late-1", "head": head}
    error = refused(await api.post(CREATE, **wish))
    assert error["message"].startswith("the server's disk is full")
    assert api.head() == head
    full.make_room()
    made = (await api.data(CREATE, **wish))["projectCreate"]
    assert (made["project"]["slug"], made["change"]["replayed"]) == ("late", False)
    assert (await api.data(CREATE, **wish))["projectCreate"]["change"]["replayed"]
    await asyncio.to_thread(git, api.layout.repository, "fsck", "--strict", "--full")
    assert list(api.layout.repository.rglob("*.lock")) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_only_read_is_answered(api: Api, full: Filler) -> None:
    projects = await api.data("{ projects { nodes { slug today { calls } } } revision { commit } }")
    assert projects["revision"]["commit"] == api.head()


@pytest.mark.asyncio(loop_scope="module")
async def test_whoever_logs_in_is_told(api: Api, full: Filler) -> None:
    who = {"email": ADMIN, "password": PASSWORD}
    assert refused(await api.post(LOGIN, None, **who))["message"].startswith("the server's disk is full")
    full.make_room()
    assert (await api.data(LOGIN, None, **who))["login"]["__typename"] == "LoggedIn"


def refused(answer: Any) -> dict[str, Any]:
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE", error
    found: dict[str, Any] = error
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_whoever_presents_a_key_that_is_none_is_refused_all_the_same(api: Api, full: Filler) -> None:
    assert (await api.post("{ viewer { email } }", "wb-nobody")).status_code == 401


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        GitError("failed to write chunk to the file: No space left on device"),
        caused_by(RepositoryError("the branch could not be moved"), OSError(errno.ENOSPC, "No space left on device")),
        OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
    ],
    ids=repr,
)
def test_a_full_disk_is_told_from_a_mistake_of_ours(error: Exception) -> None:
    (shown,) = answer_errors([GraphQLError("INSERT failed", path=["login"], original_error=error)], "r-1")
    assert shown["extensions"] == {"code": "UNAVAILABLE", "requestId": "r-1"}
    assert shown["message"].startswith("the server's disk is full")


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "x"), GitError("object not found"), RuntimeError("no space left")], ids=repr
)
def test_any_other_failure_stays_one(error: Exception) -> None:
    (shown,) = answer_errors([GraphQLError("x", path=["login"], original_error=error)], "r-1")
    assert (shown["extensions"]["code"], shown["message"]) == ("INTERNAL", "internal error")
