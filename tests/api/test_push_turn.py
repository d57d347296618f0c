"""A push that is being checked has its turn: what others commit lands before it or after it, never in between."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest

from api.repository import locks, pushes
from api.repository.store import BRANCH, Repository
from core.layout import Layout
from tests.repositories import Person, committed, installed, refusal, token

Place = tuple[Layout, Repository, Person]
TOKENS = {f"projects/blog/tokens/t{number}.yaml": token(number) for number in range(2, 40)}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    layout, repository = installed(tmp_path / "data")
    return layout, repository, Person(tmp_path / "clone", layout.repository)


def test_what_is_committed_during_the_check_of_a_push_comes_after_it(place: Place) -> None:
    layout, repository, person = place
    theirs: list[str] = []

    def commit_meanwhile() -> None:
        wait_for_a_turn(layout.repository)
        theirs.append(committed(Repository(layout.repository), {"docs/theirs.md": b"x"}).revision)

    meanwhile = threading.Thread(target=commit_meanwhile)
    meanwhile.start()
    revision = person.commit(TOKENS)
    done = person.push()
    meanwhile.join(30)
    assert (done.returncode, refusal(done)) == (0, [])
    assert repository.parent(theirs[0]) == revision
    assert repository.head() == theirs[0]


def wait_for_a_turn(repository: Path) -> None:
    """Until another process holds the writers' lock. To ask for it instead would hold it up."""
    lock = repository / "waybill-writer"
    give_up = time.monotonic() + 30
    while not (lock.exists() and f":{lock.stat().st_ino} " in Path("/proc/locks").read_text()):
        assert time.monotonic() < give_up


def test_the_turn_ends_with_the_push(place: Place) -> None:
    layout, _, person = place
    assert person.push_changes({"projects/blog/project.yaml": b"name: 1\n"}).returncode == 1
    with locks.writing(layout.repository) as alone:
        assert alone


def test_whoever_pushes_onto_a_branch_that_has_moved_is_told_to_pull(place: Place) -> None:
    layout, repository, _ = place
    old = repository.head()
    new = committed(repository, {"docs/theirs.md": b"x"}).revision
    answer = io.StringIO()
    status = pushes.run(layout.repository, layout.data, {}, [f"{old} {new} {BRANCH}\n"], answer)
    assert status == 1
    assert answer.getvalue() == "waybill: main has moved since you fetched it: `git pull --rebase`, then push again\n"
