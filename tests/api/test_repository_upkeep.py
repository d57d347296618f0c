"""The repository's housekeeping: it runs by itself, never stops a commit, and gets over what a killed one left."""

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path

import pygit2
import pytest

from api.history import History, Sight, Topic
from api.repository import upkeep
from api.repository.errors import GitFailed
from api.repository.store import Repository
from api.repository.upkeep import Upkeep, keep_up
from core.config import Config
from tests.repositories import BLOG, committed, git, installed


def name(number: int) -> dict[str, bytes | None]:
    return {BLOG: b"id: p-blog\nname: N%d\n" % number}


def many_objects(repository: Repository) -> None:
    """So many that they are to be packed: git looks how many there are whose ids begin with 17."""
    git(repository.path, "config", "gc.auto", "1")
    texts = (f"{number}\n".encode() for number in range(10_000))
    seventeen = itertools.islice((text for text in texts if str(pygit2.hash(text)).startswith("17")), 5)
    committed(repository, {f"docs/{number}.md": text for number, text in enumerate(seventeen)})


async def test_objects_are_packed_and_the_history_stays_as_it_was(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data", fsync=False)
    many_objects(repository)
    made = [committed(repository, name(number)).revision for number in range(20)]
    keep_up(repository.path)
    assert list((repository.path / "objects" / "pack").glob("*.pack"))
    assert (repository.path / "objects" / "info" / "commit-graph").exists()
    assert "count: 0\n" in git(repository.path, "count-objects", "-v").stdout
    page = await History(repository, lambda: (None, Config())).page(Topic(path=BLOG), Sight(projects=None, models=True), 50)
    assert [listed.commit.revision for listed in page.commits][:20] == made[::-1]
    committed(repository, name(99))
    assert git(repository.path, "fsck", "--strict", "--full").returncode == 0


def test_commits_go_on_while_it_runs(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data", fsync=False)
    many_objects(repository)
    done = threading.Event()
    failures: list[BaseException] = []

    def tend() -> None:
        try:
            while not done.is_set():
                keep_up(repository.path)
        except BaseException as error:  # told to the test
            failures.append(error)

    worker = threading.Thread(target=tend)
    worker.start()
    try:
        made = [committed(repository, name(number)).revision for number in range(100)]
    finally:
        done.set()
        worker.join()
    assert failures == []
    log = git(repository.path, "log", "--format=%H", "main").stdout.split()
    assert log[:100] == made[::-1]
    assert git(repository.path, "fsck", "--strict", "--full").returncode == 0


def test_locks_of_a_killed_one_are_cleared_and_those_of_a_living_one_respected(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data", fsync=False)
    lock = repository.path / "objects" / "info" / "commit-graph.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    with pytest.raises(GitFailed):
        keep_up(repository.path)
    assert lock.exists()
    long_ago = time.time() - 2 * upkeep._DEAD_AFTER_S
    os.utime(lock, (long_ago, long_ago))
    keep_up(repository.path)
    assert not lock.exists()


async def test_it_is_due_after_many_commits_or_after_a_while_with_one(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data", fsync=False)
    revisions, now_s = 7, 0.0
    job = Upkeep(repository.path, lambda: revisions, lambda: now_s)
    assert job.due, "what the last process left is not known"
    await job.tend()
    now_s += 10 * upkeep.AFTER_S
    assert not job.due, "nothing was committed"
    revisions += 1
    assert job.due
    await job.tend()
    revisions += upkeep.AFTER_REVISIONS - 1
    assert not job.due
    revisions += 1
    assert job.due


async def test_what_fails_is_logged_and_tried_again(tmp_path: Path) -> None:
    job = Upkeep(tmp_path / "nowhere", lambda: 1)
    await job.tend()
