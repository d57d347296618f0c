"""A push is checked at push time, by a real `git push` through the installed hook, with nothing of Waybill running."""

from __future__ import annotations

import os
import resource
import secrets
from pathlib import Path

import pytest

from api.compilation import compiled
from api.publications import Publications
from api.repository.store import MAX_FILE_BYTES, Repository
from core.layout import Layout
from tests.repositories import BLOG, SHOP, SMALL, Person, committed, git, installed, large, refusal, token

Place = tuple[Layout, Repository, Person]
INTRODUCTION = "waybill: this push does not validate, so nothing was changed:"


@pytest.fixture(params=["published", "nothing published"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    layout, repository = installed(tmp_path / "data")
    if request.param == "published":
        publish(layout, repository)
    return layout, repository, Person(tmp_path / "clone", layout.repository)


def publish(layout: Layout, repository: Repository) -> None:
    head = repository.head()
    assert head is not None
    Publications(layout.published).write_full(compiled(repository, None, head, 1))


def test_a_sound_push_is_accepted_without_a_word(place: Place) -> None:
    _, repository, person = place
    revision = person.commit({BLOG: b"id: p-blog\nname: Pushed # by hand\n", "docs/notes.md": b"x"})
    done = person.push()
    assert (done.returncode, refusal(done)) == (0, [])
    assert repository.head() == revision


def test_a_refused_push_names_file_line_field_and_reason(place: Place) -> None:
    _, repository, person = place
    before = repository.head()
    done = person.push_changes(
        {
            BLOG: b"id: p-blog\nname: Blog\ntimeouts:\n  timeout_ms: 0\n",
            "projects/shop/routing.yaml": b"models:\n  - id: fast\n  - id: gone\n",
            "waybill.yaml": b"format: 1\nformat: 1\n",
        }
    )
    assert done.returncode == 1
    introduction, blog, rest = refusal(done)[0], refusal(done)[1], refusal(done)[1:]
    assert introduction == INTRODUCTION
    assert blog.startswith("projects/blog/project.yaml:4: timeouts.timeout_ms: ")
    assert any(line.startswith("waybill.yaml:2: `format` is given twice") for line in rest)
    assert repository.head() == before
    person.pull()
    done = person.push_changes({"projects/shop/routing.yaml": b"models:\n  - id: fast\n  - id: gone\n"})
    assert refusal(done)[0] == INTRODUCTION
    assert refusal(done)[1].startswith("projects/shop/routing.yaml:3: models[1].id: ")
    assert len(refusal(done)) == 2


def test_what_a_push_breaks_elsewhere_is_refused(place: Place) -> None:
    _, _, person = place
    done = person.push_changes({"models/fast.yaml": None})
    assert refusal(done)[1].startswith("models/fast.yaml:1: this change breaks projects/blog/routing.yaml: models[0].id: ")


@pytest.mark.parametrize("place", ["published"], indirect=True)
class TestWhateverIsPublished:
    """What does not depend on where the check starts from."""

    def test_a_slug_is_never_given_to_another_project(self, place: Place) -> None:
        _, repository, person = place
        folder = {path: data for path, data in SMALL.items() if path.startswith("projects/shop/")}
        other = {**folder, SHOP: b"name: Another shop\nid: p-other\n"}
        expected = f"{SHOP}:2: id: `shop` is the slug of the project with the id `p-shop`, for ever: "
        assert refusal(person.push_changes(other))[1].startswith(expected)
        person.pull()
        assert person.push_changes(dict.fromkeys(folder)).returncode == 0
        head = repository.head()
        assert refusal(person.push_changes(other))[1].startswith(expected)
        assert repository.head() == head
        person.pull()
        assert person.push_changes(folder).returncode == 0  # the project itself comes back
        person.commit(dict.fromkeys(folder))
        assert refusal(person.push_changes(other))[1].startswith(expected)  # deleted and made in one push

    def test_only_main_can_be_pushed_to(self, place: Place) -> None:
        _, repository, person = place
        revision = person.commit({"docs/a.md": b"x"})
        git(person.folder, "tag", "v1")
        for arguments, name in (
            (("origin", "HEAD:refs/heads/other"), "other"),
            (("origin", "v1"), "refs/tags/v1"),
            (("origin", "main", "v1"), "refs/tags/v1"),
        ):
            done = person.push(*arguments)
            assert refusal(done) == [
                f"waybill: only the branch main can be pushed to, not {name}; push your commit with `git push origin HEAD:main`"
            ]
        assert repository.head() != revision
        done = person.push("origin", ":main")
        assert refusal(done) == ["waybill: the branch main cannot be deleted: it is the configuration"]

    def test_history_is_never_rewritten(self, place: Place) -> None:
        _, repository, person = place
        committed(repository, {"docs/theirs.md": b"x"})
        head = repository.head()
        done = person.push_changes({"docs/mine.md": b"x"})
        assert "fetch first" in done.stderr
        assert "denying non-fast-forward" in person.push("--force", "origin", "main").stderr
        assert repository.head() == head

    def test_a_token_in_clear_is_refused_wherever_it_is_in_the_push(self, place: Place) -> None:
        _, repository, person = place
        before, value = repository.head(), "sk-lr-" + secrets.token_urlsafe(32)
        done = person.push_changes({"docs/a.md": f"one\n{value}\n".encode()})
        assert refusal(done)[1].startswith("docs/a.md:2: this looks like a Waybill token in clear: ")
        assert value[6:] not in done.stderr
        person.commit({"docs/a.md": b"taken out again\n"})
        done = person.push()
        assert refusal(done)[1].startswith("docs/a.md:2: this looks like a Waybill token in clear: ")
        assert "take it out of the history too" in done.stderr
        assert repository.head() == before

    def test_a_token_in_a_files_name_is_refused_without_being_repeated(self, place: Place) -> None:
        _, repository, person = place
        before, value = repository.head(), "sk-lr-" + secrets.token_urlsafe(32)
        revision = person.commit({f"docs/{value}.md": b"x"})
        done = person.push()
        assert refusal(done)[1].startswith(f"the name of a file of commit {revision[:12]}:1: this looks like a Waybill token")
        assert value[6:] not in done.stderr
        assert repository.head() == before

    def test_a_token_in_an_authors_name_is_refused_without_being_repeated(self, place: Place) -> None:
        _, repository, person = place
        before, value = repository.head(), "sk-lr-" + secrets.token_urlsafe(32)
        git(person.folder, "config", "user.name", value)
        revision = person.commit({"docs/a.md": b"x"})
        done = person.push()
        assert refusal(done)[1].startswith(f"author of commit {revision[:12]}:1: this looks like a Waybill token in clear: ")
        assert value[6:] not in done.stderr
        assert repository.head() == before

    def test_a_file_that_is_too_large_is_refused_wherever_it_is_in_the_push(self, place: Place) -> None:
        _, repository, person = place
        before = repository.head()
        fault = f"has {MAX_FILE_BYTES + 1} bytes: at most {MAX_FILE_BYTES} are kept of any file here"
        done = person.push_changes({"docs/a.bin": b"\0" * (MAX_FILE_BYTES + 1)})
        assert refusal(done)[1:] == [f"docs/a.bin:1: the file {fault}"]
        revision = git(person.folder, "rev-parse", "HEAD").stdout[:12]
        person.commit({"docs/a.bin": b"\0" * MAX_FILE_BYTES})
        done = person.push()
        assert refusal(done)[1:] == [f"docs/a.bin:1: the file {fault} (in commit {revision}: take it out of the history too)"]
        assert repository.head() == before
        person.pull()
        assert person.push_changes({"docs/a.bin": b"\0" * MAX_FILE_BYTES}).returncode == 0

    def test_nobody_else_commits_as_waybill(self, place: Place) -> None:
        _, repository, person = place
        before, ours = repository.head(), ("-c", "user.name=Waybill", "-c", "user.email=waybill@localhost")
        person.write({"docs/a.md": b"x"})
        git(person.folder, "add", "--all")
        git(person.folder, *ours, "commit", "--quiet", "--message", "Mine\n\nWaybill-Actor: u-1", "--author", "Ada <ada@x.org>")
        revision = git(person.folder, "rev-parse", "HEAD").stdout[:12]
        done = person.push()
        assert refusal(done)[1].startswith(f"commit {revision}:1: it says that Waybill <waybill@localhost> committed it, ")
        assert repository.head() == before
        git(person.folder, "rebase", "--quiet", "--force-rebase", "origin/main")  # as it says
        assert person.push().returncode == 0

    def test_commits_of_waybill_can_be_taken_back_picked_and_rebased(self, place: Place) -> None:
        _, repository, person = place
        committed(repository, {"docs/theirs.md": b"x"})
        person.pull()
        git(person.folder, "revert", "--no-edit", "HEAD")
        git(person.folder, "cherry-pick", "HEAD~1")
        assert person.push().returncode == 0

    def test_a_projects_folder_keeps_its_name(self, place: Place) -> None:
        """Its use and its limits are filed under the slug: under another one they would begin anew."""
        _, repository, person = place
        before = repository.head()
        git(person.folder, "mv", "projects/blog", "projects/diary")
        person.commit({})
        done = person.push()
        assert refusal(done)[1].startswith("projects/diary/project.yaml:2: id: the project with the id `p-blog` is `blog`")
        assert repository.head() == before

    def test_a_token_in_a_commits_message_is_refused(self, place: Place) -> None:
        _, repository, person = place
        before = repository.head()
        revision = person.commit({"docs/a.md": b"x"}, message=f"Use it\n\nsk-lr-{'a1B2c3D4' * 5}")
        done = person.push()
        assert refusal(done)[1].startswith(f"message of commit {revision[:12]}:3: this looks like a Waybill token in clear: ")
        assert repository.head() == before

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("an API key", "sk-proj-" + secrets.token_hex(24)),
            ("an Anthropic key", "sk-ant-api03-" + secrets.token_urlsafe(40)),
            ("an AWS access key", "AKIAQ2W3E4R5T6Y7U8I9"),
            ("a private key", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ],
        ids=["openai", "anthropic", "aws", "private"],  # the values differ from one worker to the next
    )
    def test_other_keys_are_recognised(self, place: Place, kind: str, value: str) -> None:
        done = place[2].push_changes({"docs/a.md": f"key: {value}\n".encode()})
        assert refusal(done)[1].startswith(f"docs/a.md:1: this looks like {kind} in clear: ")

    def test_only_ordinary_files_with_readable_names(self, place: Place) -> None:
        _, _, person = place
        (person.folder / "link.yaml").symlink_to("/etc/passwd")
        done = person.push_changes({})
        assert refusal(done)[1:] == ["link.yaml:1: this is a symbolic link or a submodule: only ordinary files can be pushed"]
        person.pull()
        git(person.folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
        git(person.folder, "commit", "--quiet", "--message", "submodule")
        assert refusal(person.push())[1].startswith("sub:1: this is a symbolic link or a submodule")

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            (b"docs/a\x1b[31m.md", r"docs/a\x1b[31m.md:1: the path has control or invisible characters"),
            (b"docs/\xff\xfe.md", r"docs/\xff\xfe.md:1: the path is not UTF-8 text"),
            ("docs/a\u202eb.md".encode(), r"docs/a\u202eb.md:1: the path has control or invisible characters"),
            (b"docs/a.md ", "docs/a.md :1: a name in the path begins or ends with a space"),
        ],
    )
    def test_odd_paths_are_refused_and_escaped(self, place: Place, name: bytes, line: str) -> None:
        _, _, person = place
        (person.folder / "docs").mkdir()
        (person.folder / os.fsdecode(name)).write_bytes(b"x")
        assert refusal(person.push_changes({}))[1].startswith(line)

    def test_a_users_own_git_configuration_does_not_switch_the_check_off(self, place: Place, tmp_path: Path) -> None:
        _, _, person = place
        revision = person.commit({BLOG: b"id: p-blog\n"})
        (tmp_path / "hooks").mkdir()
        done = git(person.folder, "-c", f"core.hooksPath={tmp_path / 'hooks'}", "push", "origin", "main", check=False)
        assert done.returncode == 1
        assert place[1].head() != revision

    def test_a_dead_writers_lock_does_not_refuse_a_push(self, place: Place) -> None:
        _, repository, person = place
        (repository.path / "refs/heads/main.lock").touch()
        assert person.push_changes({"docs/a.md": b"x"}).returncode == 0

    def test_a_push_after_gc_is_checked_too(self, place: Place) -> None:
        _, repository, person = place
        git(repository.path, "gc", "--quiet", "--prune=now")
        assert person.push_changes({BLOG: b"id: p-blog\n"}).returncode == 1
        person.pull()
        assert person.push_changes({BLOG: b"id: p-blog\nname: Packed\n"}).returncode == 0

    def test_a_check_that_breaks_refuses(self, place: Place) -> None:
        layout, _, person = place
        for file in layout.published.iterdir():
            file.write_bytes(b"{")
        assert person.push_changes({BLOG: b"id: p-blog\n"}).returncode == 1  # unreadable state: all files are read instead
        layout.published.chmod(0o700)
        hook = layout.repository / "hooks/pre-receive"
        hook.write_text(hook.read_text().replace("-m api.repository.hook", "-m api.repository.nowhere"))
        assert person.push().returncode == 1


def test_the_first_push_into_an_empty_repository_is_checked(tmp_path: Path) -> None:
    from api.repository import installation

    repository = installation.create(tmp_path / "config.git", tmp_path)
    person = Person(tmp_path / "clone", repository.path)
    git(person.folder, "checkout", "--quiet", "-B", "main")
    done = person.push_changes({"projects/a/project.yaml": b"id: a\nname: A\n"})
    assert refusal(done)[1].startswith("waybill.yaml:1: is missing")
    assert person.push_changes(dict(SMALL)).returncode == 0
    assert repository.head() is not None


def test_ten_files_into_eleven_thousand_take_less_than_a_second(tmp_path: Path) -> None:
    layout, repository = installed(tmp_path / "data", large(projects=900, tokens=10), fsync=False, check=False)
    publish(layout, repository)
    assert len(repository.files(repository.head() or "")) > 10_800
    person = Person(tmp_path / "clone", layout.repository, sparse=True)
    spent = []
    for push in range(3):
        person.commit({f"projects/p{number:04d}/tokens/t1.yaml": token(90_000 + 10 * push + number) for number in range(10)})
        began = children_cpu_s()
        done = person.push()
        spent.append(children_cpu_s() - began)
        assert done.returncode == 0, done.stderr
    assert min(spent) < 1.0, spent


def children_cpu_s() -> float:
    """CPU seconds of the processes that have ended: a busy machine does not stretch them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
