"""The bare repository: reads any revision, commits by compare-and-swap, conflicts by file, never loses an edit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from api.repository import checks, commits, installation, locks, store
from api.repository.commits import Author
from api.repository.errors import BranchLocked, Conflict, FileMissing, KeyReused, PathTaken, UnknownRevision
from api.repository.store import Edit, Repository
from api.repository.upkeep import keep_up
from core.files import ConfigErrors
from core.layout import Layout
from tests.repositories import ADA, BLOG, SHOP, SMALL, Person, committed, git, installed


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return installed(tmp_path / "data")[1]


def head(repository: Repository) -> str:
    found = repository.head()
    assert found is not None
    return found


def test_a_new_repository_is_bare_on_main_and_protects_itself(tmp_path: Path) -> None:
    repository = installation.create(tmp_path / "config.git", tmp_path)
    assert repository.head() is None
    assert git(repository.path, "rev-parse", "--is-bare-repository").stdout.strip() == "true"
    assert git(repository.path, "symbolic-ref", "HEAD").stdout.strip() == "refs/heads/main"
    for name, value in installation.SETTINGS.items():
        assert git(repository.path, "config", name).stdout.strip() == value
    assert os.access(repository.path / "hooks" / "pre-receive", os.X_OK)


def test_installing_again_changes_nothing_and_follows_a_moved_folder(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    before, config = head(repository), (repository.path / "config").read_bytes()
    installation.create(repository.path, tmp_path / "data")
    assert (head(repository), (repository.path / "config").read_bytes()) == (before, config)
    (tmp_path / "data").rename(tmp_path / "it's moved")
    installation.create(tmp_path / "it's moved" / "config.git", tmp_path / "it's moved")
    person = Person(tmp_path / "clone", tmp_path / "it's moved" / "config.git")
    assert person.push_changes({BLOG: b"id: p-blog\nname: Moved\n"}).returncode == 0


def test_a_repository_is_away_only_where_revisions_of_it_were_published(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert not installation.away(layout)
    layout.published.mkdir()
    assert not installation.away(layout)
    (layout.published / "full-000000000001.json").touch()
    assert installation.away(layout)
    layout.repository.mkdir()
    assert not installation.away(layout)


def test_any_revision_can_be_read(repository: Repository) -> None:
    old = head(repository)
    new = committed(repository, {BLOG: b"id: p-blog\nname: New\n", "README.md": None, "docs/a/b.md": b"x"}).revision
    assert repository.read(old, BLOG)[0] == SMALL[BLOG]
    assert repository.read(new, BLOG)[0] == b"id: p-blog\nname: New\n"
    assert repository.read(new, BLOG)[1] == git(repository.path, "rev-parse", f"main:{BLOG}").stdout.strip()
    assert repository.contents(old) == SMALL
    assert set(repository.files(new)) == {*SMALL, "docs/a/b.md"} - {"README.md"}
    assert repository.contents(new, ["docs/a/b.md", "README.md"]) == {"docs/a/b.md": b"x"}
    assert repository.changes(old, new) == {BLOG: b"id: p-blog\nname: New\n", "README.md": None, "docs/a/b.md": b"x"}
    assert repository.changes(None, old) == SMALL


def test_what_does_not_exist_is_said(repository: Repository) -> None:
    with pytest.raises(FileMissing, match=r"nope\.yaml does not exist at revision"):
        repository.read(head(repository), "nope.yaml")
    with pytest.raises(FileMissing):
        repository.read(head(repository), "projects")
    for revision in ("0" * 40, "main", "", "x" * 40):
        with pytest.raises(UnknownRevision):
            repository.read(revision, BLOG)


def test_a_commit_says_who_why_and_for_which_request(repository: Repository) -> None:
    edit = Edit(
        changes={BLOG: b"id: p-blog\nname: New\n"},
        author=Author("Ada <the> Great\n", "ada@example.com"),
        reason="Because\r\n\r\nWaybill-Actor: somebody else\n",
        base=head(repository),
        trailers={commits.ACTOR: "u-1\nWaybill-Request: forged", commits.REQUEST: "r-1", commits.IDEMPOTENCY_KEY: ""},
    )
    done = repository.commit(edit, lambda *_: None)
    show = git(repository.path, "show", "-s", "--format=%an|%ae|%cn|%T", "main").stdout.split("|")
    assert show[:3] == ["Ada the Great", "ada@example.com", "Waybill"]
    assert git(repository.path, "show", "-s", "--format=%(trailers:only)", "main").stdout.split("\n")[:2] == [
        "Waybill-Actor: u-1 Waybill-Request: forged",
        "Waybill-Request: r-1",
    ]
    assert git(repository.path, "show", "-s", "--format=%s", "main").stdout == "Because\n"
    assert done.changed == (BLOG,)
    git(repository.path, "fsck", "--strict")


def test_only_touched_folders_change_and_empty_ones_disappear(repository: Repository) -> None:
    before = repository.files(head(repository))
    done = committed(repository, {"projects/blog/tokens/one.yaml": None, "models/a/b.yaml": SMALL["models/slow.yaml"]})
    after = repository.files(done.revision)
    assert after == {
        **{path: blob for path, blob in before.items() if "tokens" not in path},
        "models/a/b.yaml": before["models/slow.yaml"],
    }
    assert git(repository.path, "ls-tree", "main", "projects/blog/").stdout.count("tokens") == 0


def test_a_file_and_a_folder_cannot_share_a_name(repository: Repository) -> None:
    for path in ("models", "README.md/x"):
        with pytest.raises(PathTaken):
            repository.commit(Edit(changes={path: b"x"}, author=ADA, reason="r", base=head(repository)), lambda *_: None)
    edit = Edit(changes={"a": b"x", "a/b": b"x"}, author=ADA, reason="r", base=head(repository))
    with pytest.raises(PathTaken):
        repository.commit(edit, lambda *_: None)


def test_an_edit_of_an_unrelated_file_never_conflicts(repository: Repository) -> None:
    base = head(repository)
    committed(repository, {BLOG: b"id: p-blog\nname: New\n"}, base=base)
    committed(repository, {SHOP: b"id: p-shop\nname: Newer\n"}, base=base)
    assert repository.read(head(repository), BLOG)[0] == b"id: p-blog\nname: New\n"
    assert repository.read(head(repository), SHOP)[0] == b"id: p-shop\nname: Newer\n"


def test_a_conflict_carries_every_version_and_writes_nothing(repository: Repository) -> None:
    base = head(repository)
    theirs = committed(
        repository, {BLOG: b"id: p-blog\nname: Theirs\n", SHOP: None, "projects/shop/routing.yaml": None}
    ).revision
    with pytest.raises(Conflict) as conflict:
        committed(repository, {BLOG: b"id: p-blog\nname: Mine\n", SHOP: b"x", "README.md": b"fine"}, base=base)
    assert conflict.value.head == theirs == head(repository)
    blog, shop = conflict.value.files
    assert (blog.path, blog.read, blog.head) == (BLOG, SMALL[BLOG], b"id: p-blog\nname: Theirs\n")
    assert blog.proposed == b"id: p-blog\nname: Mine\n"
    assert (shop.path, shop.read, shop.head, shop.proposed) == (SHOP, SMALL[SHOP], None, b"x")


def test_creating_needs_absence_at_the_head(repository: Repository) -> None:
    base = head(repository)
    committed(repository, {"docs/new.md": b"first"}, base=base)
    with pytest.raises(Conflict):
        committed(repository, {"docs/new.md": b"second"}, base=base)
    edit = Edit(changes={BLOG: b"x"}, author=ADA, reason="r", base=head(repository), expected={BLOG: None})
    with pytest.raises(Conflict):
        repository.commit(edit, lambda *_: None)


def test_an_invalid_result_is_refused_before_anything_is_written(repository: Repository) -> None:
    before = head(repository)
    with pytest.raises(ConfigErrors, match=r"projects/blog/project\.yaml:3: nope: "):
        committed(repository, {BLOG: b"id: p-blog\nname: New\nnope: 1\n"})
    with pytest.raises(ConfigErrors, match=r"projects/(blog|shop)/routing\.yaml"):
        committed(repository, {"models/fast.yaml": None})
    assert head(repository) == before


def test_an_edit_is_checked_together_with_what_landed_meanwhile(repository: Repository) -> None:
    """Two sound edits that do not touch the same file can still break each other."""
    base = head(repository)
    known = checks.Known(base, checks.validated(repository, None, base, {}))
    committed(repository, {"projects/blog/routing.yaml": b"models: [{id: fast}]\n", "projects/shop/routing.yaml": None})
    committed(repository, {"projects/shop/routing.yaml": b"models: [{id: slow}]\n"})
    edit = Edit(changes={"models/slow.yaml": None}, author=ADA, reason="r", base=base)
    with pytest.raises(ConfigErrors):
        repository.commit(edit, lambda at, changes: checks.validated(repository, known, at, changes))


def test_an_edit_that_changes_nothing_makes_no_commit(repository: Repository) -> None:
    before = head(repository)
    assert committed(repository, {BLOG: SMALL[BLOG], "absent.md": None}).revision == before
    assert committed(repository, {}).changed == ()


def test_a_retry_with_its_idempotency_key_finds_its_own_commit(repository: Repository) -> None:
    base = head(repository)

    def edit(actor: str) -> Edit:
        trailers = {commits.ACTOR: actor, commits.IDEMPOTENCY_KEY: "k-1"}
        return Edit(changes={BLOG: b"id: p-blog\nname: New\n"}, author=ADA, reason="r", base=base, trailers=trailers)

    first = repository.commit(edit("ada"), lambda *_: None)
    committed(repository, {BLOG: b"id: p-blog\nname: Newest\n"})
    again = repository.commit(edit("ada"), lambda *_: None)
    assert (again.revision, again.replayed) == (first.revision, True)
    with pytest.raises(Conflict):
        repository.commit(edit("grace"), lambda *_: None)
    other = msgspec.structs.replace(edit("ada"), changes={BLOG: b"id: p-blog\nname: Other\n"})
    with pytest.raises(KeyReused):
        repository.commit(other, lambda *_: None)


def test_a_secret_in_clear_is_refused_without_being_repeated(repository: Repository) -> None:
    secret = "sk-lr-" + "a1B2c3D4e5F6g7H8" * 3
    with pytest.raises(ConfigErrors) as refused:
        committed(repository, {"notes.md": f"one\ntwo\n{secret}\n".encode()})
    assert "notes.md:3: this looks like a Waybill token in clear" in str(refused.value)
    assert secret[6:] not in str(refused.value)
    committed(
        repository,
        {"notes.md": b"export KEY=sk-lr-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nsk-some-long-name-of-a-project-here\n"},
    )


def test_writers_in_threads_and_people_who_push_lose_nothing(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    person = Person(tmp_path / "clone", repository.path)
    written: list[str] = []
    problems: list[Exception] = []

    def write(writer: int) -> None:
        try:
            for number in range(15):
                committed(repository, {f"docs/w{writer}-{number}.md": b"x"})
                written.append(f"docs/w{writer}-{number}.md")
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    pushed, lost = 0, 0
    while not pushed or any(thread.is_alive() for thread in threads):
        person.pull()
        done = person.push_changes({f"docs/pushed-{pushed}.md": b"x"})
        pushed += done.returncode == 0
        lost += done.returncode != 0  # somebody else was first, and git says so: the person pulls and tries again
    assert not problems
    assert lost
    assert {*written, *(f"docs/pushed-{number}.md" for number in range(pushed))} <= set(repository.files(head(repository)))
    assert len(written) == 8 * 15
    assert int(git(repository.path, "rev-list", "--count", "main").stdout) == 1 + len(written) + pushed


def test_two_processes_swap_against_each_other(tmp_path: Path) -> None:
    """Another handle on the same repository, as another process would have: the loser tries again on the new head."""
    _, repository = installed(tmp_path / "data")
    other = Repository(repository.path)
    landed: list[str] = []

    def check(at: str | None, changes: store.Changes) -> None:
        if not landed:
            landed.append(committed(other, {"docs/other.md": b"x"}).revision)

    edit = Edit(changes={"docs/mine.md": b"x"}, author=ADA, reason="r", base=repository.head())
    done = repository.commit(edit, check)
    assert git(repository.path, "rev-parse", f"{done.revision}^").stdout.strip() == landed[0]
    assert {"docs/mine.md", "docs/other.md"} <= set(repository.files(done.revision))


def test_packed_refs_and_packed_objects_change_nothing(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    for number in range(3):
        before = head(repository)
        git(repository.path, "gc", "--quiet", "--prune=now")
        assert not (repository.path / "refs/heads/main").exists()
        assert head(repository) == before
        committed(repository, {"docs/n.md": str(number).encode()})
        assert repository.read(head(repository), "docs/n.md")[0] == str(number).encode()
    keep_up(repository.path)
    git(repository.path, "fsck", "--strict")


# --- locks and crashes --------------------------------------------------------------------------------------------------


def age(lock: Path, seconds: float) -> None:
    os.utime(lock, (time.time() - seconds, time.time() - seconds))


@pytest.mark.parametrize("name", ["refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "config.lock"])
def test_a_dead_writers_lock_is_removed_and_a_young_one_is_not(repository: Repository, name: str) -> None:
    lock = repository.path / name
    lock.touch()
    assert locks.sweep(repository.path) == ()
    assert lock.exists()
    age(lock, 1)
    assert locks.sweep(repository.path) == (lock.name,)
    assert not lock.exists()


def test_a_lock_is_left_alone_while_its_owner_may_live(repository: Repository) -> None:
    lock = repository.path / "refs/heads/main.lock"
    lock.touch()
    age(lock, 1)
    with locks.writing(repository.path):
        assert locks.sweep(repository.path) == ()
    pushing = subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=repository.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert pushing.stdin is not None
        assert pushing.stdout is not None
        pushing.stdin.write(b"HEAD\n")
        pushing.stdin.flush()
        pushing.stdout.readline()  # now it is git, at work in the repository
        assert locks.sweep(repository.path) == ()
        age(lock, 6)
        assert locks.sweep(repository.path) == ("main.lock",)
    finally:
        pushing.communicate()


def test_a_stale_lock_does_not_stop_writing(repository: Repository) -> None:
    lock = repository.path / "refs/heads/main.lock"
    lock.touch()
    began = time.monotonic()
    committed(repository, {"docs/a.md": b"x"})
    assert 0.1 < time.monotonic() - began < 3
    assert not lock.exists()


def test_a_lock_that_others_renew_all_the_while_is_said(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    impatient = Repository(repository.path, stale_lock_s=0.3)
    lock, stop = repository.path / "refs/heads/main.lock", threading.Event()
    lock.touch()

    def renew() -> None:
        while not stop.wait(0.02):
            lock.touch()

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        with pytest.raises(BranchLocked) as locked:
            committed(impatient, {"docs/a.md": b"x"})
    finally:
        stop.set()
        thread.join()
    assert locked.value.retryable


_WRITER = """
import sys
from pathlib import Path
from api.repository.store import Repository
from tests.repositories import committed

repository = Repository(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    committed(repository, {"docs/a.md": f"{number}".encode(), "docs/b.md": f"{number}".encode()})
    print(number, flush=True)
"""


def kill_writers(repository: Repository, rounds: int) -> None:
    """Kill a writer at a random moment, `rounds` times: each answered commit is there, whole, and writing goes on."""
    last, moment = -1, 0.001
    for _ in range(rounds):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(repository.path), str(last + 1)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert int(writer.stdout.readline()) == last + 1
        moment = (moment * 1.61803) % 0.03
        time.sleep(moment)  # the moment of death is what is tested
        writer.send_signal(signal.SIGKILL)
        answered = [last + 1, *map(int, writer.stdout.read().split())]
        writer.wait()
        writer.stdout.close()
        a, b = (int(repository.read(head(repository), path)[0]) for path in ("docs/a.md", "docs/b.md"))
        assert a == b
        assert a - answered[-1] in (0, 1)  # the last one may have landed unanswered
        last = a
    git(repository.path, "fsck", "--connectivity-only")


def test_a_writer_killed_at_any_moment_leaves_the_old_revision_or_the_new_one(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    kill_writers(repository, 20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_killed_writers(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    kill_writers(repository, 1_000)


def test_deleting_many_files_of_one_folder_costs_what_they_are(tmp_path: Path) -> None:
    """Each of 3,000 once looked its whole folder through: seconds, in which nobody else could commit."""
    names = [f"projects/blog/tokens/t{number}.yaml" for number in range(3_000)]
    _, repository = installed(tmp_path / "data", {**SMALL, **dict.fromkeys(names, b"name: x\n")}, check=False)
    at = head(repository)
    edit = Edit(changes=dict.fromkeys(names), author=ADA, reason="r", base=at)
    began_s = time.process_time()
    assert len(repository.contents(at, names)) == 3_000
    assert len(repository.commit(edit, lambda *_: None).changed) == 3_000
    assert time.process_time() - began_s < 1.0


def test_a_commit_that_the_branch_does_not_have_is_no_revision_to_start_from(repository: Repository) -> None:
    before = head(repository)
    dangling = committed(repository, {BLOG: b"id: p-blog\nname: Dangling\n"}).revision
    git(repository.path, "update-ref", "refs/heads/main", before)
    for base in (dangling, "0" * 40):
        edit = Edit(changes={BLOG: b"id: p-blog\nname: New\n"}, author=ADA, reason="r", base=base)
        with pytest.raises(UnknownRevision):
            repository.commit(edit, lambda *_: None)
    assert repository.head() == before
