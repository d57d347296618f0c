"""History as values: fields by name, what may be seen, logs of files and fields, blame, the past as a catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from api.access import Viewer
from api.history import BadField, History, Sight, Topic
from api.history.fields import lines_of, steps_of, value_in
from api.history.reader import BadCursor
from api.repository.errors import UnknownRevision
from api.repository.log import GitLog
from api.repository.store import Repository
from core.config import Config, Model, Provider
from tests.repositories import BLOG, SHOP, Person, committed, installed, project

ROUTING = b"""# by hand
models:
  - id: fast
    limits:
      rules:
        - {metric: calls, window: daily, value: 5}
  - id: openai/gpt-4.1  # the other one
    guidance: |
      Be brief.
      Be kind.
labels: {a.b: "1"}
"""


@pytest.mark.parametrize(
    ("field", "value", "lines"),
    [
        ("models[0].id", "fast", (3, 3)),
        ("models[id=fast].limits.rules[0].value", 5, (6, 6)),
        ("models[id=openai/gpt-4.1].guidance", "Be brief.\nBe kind.\n", (8, 10)),
        ("models[id=fast].limits", {"rules": [{"metric": "calls", "window": "daily", "value": 5}]}, (4, 6)),
        ("labels[a.b]", "1", (11, 11)),
    ],
)
def test_a_field_is_found_by_its_name(field: str, value: object, lines: tuple[int, int]) -> None:
    steps = steps_of(field)
    assert value_in(ROUTING, steps) == (value,)
    assert lines_of(ROUTING, steps) == lines


@pytest.mark.parametrize("field", ["models[7]", "models[id=slow]", "models.id", "name", "labels.a.b", "models[id=fast].id.x"])
def test_a_field_that_is_not_there_has_no_value_and_no_lines(field: str) -> None:
    assert value_in(ROUTING, steps_of(field)) == ()
    assert lines_of(ROUTING, steps_of(field)) is None


@pytest.mark.parametrize("field", ["", ".", "a..b", "a[", "a]", ".a", "a[]", "a[b=c", "x" * 400])
def test_what_names_no_field_is_refused(field: str) -> None:
    with pytest.raises(BadField):
        steps_of(field)


def test_a_file_that_is_not_yaml_has_no_fields() -> None:
    assert value_in(b"a: [", steps_of("a")) == ()
    assert lines_of(b"a: [", steps_of("a")) is None


MEMBER = Sight(projects=frozenset({"blog"}), models=True)


@pytest.mark.parametrize(
    ("sight", "seen", "unseen"),
    [
        (Sight(projects=None, models=True), ["waybill.yaml", BLOG, SHOP, "models/fast.yaml", "README.md"], []),
        (Sight(projects=None, models=False), [BLOG, SHOP], ["waybill.yaml", "roles.yaml", "models/fast.yaml", "README.md"]),
        (MEMBER, [BLOG, "models/a/b.yaml", "providers/sim.yaml"], [SHOP, "projects/blog2/project.yaml", "waybill.yaml"]),
        (Sight(projects=frozenset(), models=False), [], [BLOG, "models/fast.yaml", "waybill.yaml"]),
    ],
)
def test_what_is_seen(sight: Sight, seen: list[str], unseen: list[str]) -> None:
    assert [path for path in seen + unseen if sight.sees(path)] == seen


@pytest.mark.parametrize(
    ("topic", "paths"),
    [
        (None, ("projects/blog", "models", "providers")),
        ("projects", ("projects/blog",)),
        ("projects/blog", ("projects/blog",)),
        ("projects/shop", None),
        ("projects/blo", None),
        ("models/fast.yaml", ("models/fast.yaml",)),
        ("waybill.yaml", None),
    ],
)
def test_a_topic_is_narrowed_to_what_is_seen(topic: str | None, paths: tuple[str, ...] | None) -> None:
    assert MEMBER.narrowed(topic) == paths


@pytest.mark.parametrize(
    "path", ["..", "../x", "/etc/passwd", "a//b", "./a", "a\0b", "a\nb", "a/", "projects/../waybill.yaml", ""]
)
def test_what_is_no_path_is_nothing(path: str) -> None:
    everything = Sight(projects=None, models=True)
    assert not everything.sees(path)
    assert everything.narrowed(path) is None


def test_a_restricted_viewer_sees_their_projects_and_the_models() -> None:
    viewer = Viewer(
        user_id="u", email="e", role="viewer", restricted=True,
        permissions=frozenset({"project:read", "model:read"}), grants={"blog": frozenset({"project:read"})},
    )  # fmt: skip
    providers = {
        id: Provider(kind="simulated", project=owner) for id, owner in (("all", None), ("own", "blog"), ("other", "shop"))
    }
    models = {f"at-{id}": Model(provider=id, upstream_name="x") for id in providers}
    sight = Sight.of(viewer, providers, models)
    assert (sight.projects, sight.models) == (MEMBER.projects, MEMBER.models)
    assert [id for id in ("all", "own", "other", "absent") if sight.sees(f"providers/{id}.yaml")] == ["all", "own"]
    assert [id for id in (*models, "absent") if sight.sees(f"models/{id}.yaml")] == ["at-all", "at-own"]
    assert sight.narrowed("providers") == ("providers/all.yaml", "providers/own.yaml")
    assert sight.words("is that of projects/shop/project.yaml, not of projects/blog/project.yaml") == (
        "is that of a file that you may not see, not of projects/blog/project.yaml"
    )
    assert sight.words("there is no provider `x`: providers/x.yaml would be its file").endswith(
        "providers/x.yaml would be its file"
    )
    assert Sight.of(None, providers, models).sees(BLOG) is False
    everybody = Viewer(user_id="u", email="e", role="viewer", permissions=frozenset({"project:read", "model:read"}))
    assert Sight.of(everybody, providers, models) == Sight(projects=None, models=True, addresses=False)
    for path, version, read in (
        ("providers/own.yaml", b"kind: simulated\nproject: blog\n", True),
        ("providers/own.yaml", b"kind: simulated\nproject: shop\n", False),
        ("providers/own.yaml", b"kind: simulated\n", True),
        ("models/at-own.yaml", b"provider: own\n", True),
        ("models/at-own.yaml", b"provider: other\n", False),
        ("models/at-own.yaml", b"{", False),
        (BLOG, b"project: shop\n", True),
    ):
        assert (sight.reads(path, version), ALL.reads(path, version)) == (read, True)


# --- against a repository -----------------------------------------------------------------------------------------------

ALL = Sight(projects=None, models=True)
LIMITED = b"id: p-blog\nname: The blog\nlimits:\n  rules:\n    - {metric: calls, window: daily, value: %d}\n"


@pytest_asyncio.fixture
async def past(tmp_path: Path) -> AsyncIterator[tuple[Repository, History, list[str]]]:
    """A repository with six revisions: the first, a limit, another file, the limit raised, renamed, the limit gone."""
    _, repository = installed(tmp_path / "data")
    revisions = [repository.head() or ""]
    for changes in (
        {BLOG: LIMITED % 5},
        {SHOP: b"id: p-shop\nname: Shop\n"},
        {BLOG: LIMITED % 9},
        {BLOG: b"# all new\n" + (LIMITED % 9).replace(b"The blog", b"Journal")},
        {BLOG: b"id: p-blog\nname: Journal\n"},
    ):
        revisions.append(committed(repository, changes).revision)
    yield repository, History(repository, lambda: (None, Config())), revisions


async def test_a_history_is_of_the_repository_a_folder_or_a_file(past: tuple[Repository, History, list[str]]) -> None:
    _, history, made = past

    async def log(path: str | None, sight: Sight = ALL) -> list[int]:
        page = await history.page(Topic(path=path), sight, 50)
        return [made.index(listed.commit.revision) for listed in page.commits]

    assert await log(None) == [5, 4, 3, 2, 1, 0]
    assert await log("projects/shop") == await log(SHOP) == [2, 0]
    assert await log("projects/blog") == [5, 4, 3, 1, 0]
    assert await log("projects/*") == await log("no/such.yaml") == await log(":(top)projects") == await log("--all") == []
    assert await log(None, Sight(projects=frozenset({"shop"}), models=False)) == [2, 0]
    assert await log("projects/blog", Sight(projects=frozenset({"shop"}), models=False)) == []


async def test_a_history_of_a_field_has_what_changed_its_value(past: tuple[Repository, History, list[str]]) -> None:
    _, history, made = past
    topic = Topic(path=BLOG, field=steps_of("limits.rules[0].value"))
    page = await history.page(topic, ALL, 50)
    assert [made.index(listed.commit.revision) for listed in page.commits] == [5, 3, 1]
    assert (page.more, page.commits[0].commit.reason, page.commits[0].commit.author.name) == (False, "A reason", "Ada")


async def test_pages_go_on_where_the_last_one_ended_whatever_is_committed_meanwhile(
    past: tuple[Repository, History, list[str]],
) -> None:
    repository, history, made = past
    for topic in (Topic(), Topic(path=BLOG, field=steps_of("limits"))):
        whole = [listed.commit.revision for listed in (await history.page(topic, ALL, 50)).commits]
        found, after = [], None
        while True:
            page = await history.page(topic, ALL, 2, after)
            found += [listed.commit.revision for listed in page.commits]
            if not page.more:
                break
            after = page.end
            committed(repository, {f"projects/p{len(found)}/project.yaml": b"id: x%d\nname: y%d\n" % ((len(found),) * 2)})
        assert found == whole
        repository.git.references["refs/heads/main"].set_target(made[-1])


async def test_a_field_that_changes_seldom_is_looked_for_page_by_page(
    past: tuple[Repository, History, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, history, made = past
    monkeypatch.setattr("api.history.reader.MOST_SCANNED", 2)
    monkeypatch.setattr("api.history.reader._BATCH", 2)
    topic, found, after, pages = Topic(path=BLOG, field=steps_of("id")), [], None, 0
    while True:
        page = await history.page(topic, ALL, 50, after)
        found += [made.index(listed.commit.revision) for listed in page.commits]
        pages += 1
        if not page.more:
            break
        after = page.end
    assert (found, pages) == ([0], 3)


async def test_a_cursor_that_is_none_is_refused(past: tuple[Repository, History, list[str]]) -> None:
    _, history, _ = past
    with pytest.raises(BadCursor):
        await history.page(Topic(), ALL, 2, "--all")
    with pytest.raises(UnknownRevision):
        await history.page(Topic(), ALL, 2, "1" * 40 + ".3")


async def test_blame_names_the_commit_that_changed_a_line_of_the_field_last(
    past: tuple[Repository, History, list[str]],
) -> None:
    _, history, made = past
    found = await history.blame(BLOG, steps_of("limits"), made[4], ALL)
    assert found is not None
    assert (made.index(found.last.revision), found.first_line) == (3, 4)
    assert [(text, made.index(commit.revision)) for text, commit in found.lines] == [
        ("limits:", 1),
        ("  rules:", 1),
        ("    - {metric: calls, window: daily, value: 9}", 3),
    ]
    assert await history.blame(BLOG, steps_of("limits"), None, ALL) is None
    assert await history.blame("projects/none/project.yaml", steps_of("limits"), None, ALL) is None


async def test_a_file_and_a_project_as_they_were(past: tuple[Repository, History, list[str]]) -> None:
    _, history, made = past
    file = await history.file(BLOG, made[1], ALL)
    assert file is not None
    assert file.content == LIMITED % 5
    entry = (await history.catalogue(made[3])).project("blog")
    assert entry is not None
    assert (entry.project.name, entry.project.limits.rules[0].value, entry.models) == ("The blog", 9, ("fast", "slow"))
    with pytest.raises(UnknownRevision):
        await history.catalogue("0" * 40)


async def test_the_past_is_told_from_the_published_configuration_by_what_differs(tmp_path: Path) -> None:
    from core import files

    _, repository = installed(tmp_path / "data")
    old = repository.head() or ""
    committed(repository, {**project("new"), BLOG: b"id: p-blog\nname: Journal\n", "projects/shop/routing.yaml": None})
    head = repository.head() or ""
    history = History(repository, lambda: (head, files.load(repository.contents(head))))
    catalogue = await history.catalogue(old)
    assert [(entry.slug, entry.project.name, len(entry.models)) for entry in catalogue] == [
        ("blog", "The blog", 2),
        ("shop", "The shop", 2),
    ]


async def test_what_is_not_on_the_branch_is_unknown(past: tuple[Repository, History, list[str]]) -> None:
    repository, history, made = past
    repository.git.references["refs/heads/main"].set_target(made[2])
    assert (await history.commit(made[2])).revision == made[2]
    for revision in (made[3], "main", "HEAD", made[0][:12], "--all", ""):
        with pytest.raises(UnknownRevision):
            await history.commit(revision)


def test_a_merge_is_one_step_of_the_branch(tmp_path: Path) -> None:
    _, repository = installed(tmp_path / "data")
    start = repository.head() or ""
    person = Person(tmp_path / "clone", repository.path)
    from tests.repositories import git

    git(person.folder, "checkout", "--quiet", "-b", "side")
    person.commit({SHOP: b"id: p-shop\nname: Side\n"})
    git(person.folder, "checkout", "--quiet", "main")
    first = person.commit({BLOG: b"id: p-blog\nname: Main\n"})
    git(person.folder, "merge", "--quiet", "--no-ff", "--message", "Together", "side")
    assert person.push().returncode == 0
    log = GitLog(repository)
    head = repository.head() or ""
    assert log.between(start, head, 10) == [first, head]
    assert log.changed(head) == [SHOP]
    assert len(log.log(head, [], skip=0, limit=10)) == 4
