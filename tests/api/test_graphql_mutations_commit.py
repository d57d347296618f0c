"""What every committing mutation promises: conflicts with every version, dry runs, retries, permissions by what changes."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from api.database.engine import open_engine, sqlite_url
from api.people import People
from core.published import ProxyState
from tests.api.changes import change, text
from tests.api.conftest import PASSWORD, VIEWER, Api
from tests.repositories import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTING = "projects/demo/routing.yaml"
PROJECT = "projects/demo/project.yaml"


# --- conflicts and dry runs ---


async def test_two_people_who_edit_different_files_never_conflict(api: Api) -> None:
    read_at = api.head()
    done = await asyncio.gather(
        change(api, "projectUpdate", slug="demo", description="Mine", expectedRevision=read_at),
        change(api, "routingModelMove", project="demo", model="sim-cheap", position=0, expectedRevision=read_at),
        change(api, "tokenCreate", project="demo", name="One", expectedRevision=read_at),
        change(api, "tokenCreate", project="demo", name="Two", expectedRevision=read_at),
        change(api, "projectUpdate", slug="support-bot", description="Yours", expectedRevision=read_at),
        change(api, "projectCreate", name="Three", expectedRevision=read_at),
    )
    assert [each["__typename"] for each in done] == [
        "ProjectUpdated", "RoutingUpdated", "TokenCreated", "TokenCreated", "ProjectUpdated", "ProjectCreated",
    ]  # fmt: skip
    assert len({each["revision"] for each in done}) == 6


async def test_a_step_on_a_routing_that_was_pushed_over_is_a_conflict_with_every_version(api: Api) -> None:
    read_at, before = api.head(), text(api, ROUTING)
    theirs = before + "# theirs\n"
    api.commit(ROUTING, theirs.encode())
    wish = {"project": "demo", "model": "sim-fast"}
    conflict = await change(api, "routingModelRemove", expectedRevision=read_at, **wish)
    assert (conflict["__typename"], conflict["headRevision"]) == ("Conflict", api.head())
    (file,) = conflict["files"]
    assert (file["path"], file["read"], file["head"]) == (ROUTING, before, theirs)
    assert "sim-fast" not in file["proposed"]
    assert (await change(api, "routingModelRemove", **wish))["__typename"] == "RoutingUpdated"
    assert (await change(api, "routingModelAdd", **wish))["__typename"] == "RoutingUpdated"


async def test_a_dry_run_says_what_would_change_and_changes_nothing(api: Api) -> None:
    head = api.head()
    done = await change(
        api, "projectUpdate", "project { description revision }", slug="support-bot", description="Other", dryRun=True
    )
    before = text(api, "projects/support-bot/project.yaml").splitlines()
    said = next(line for line in before if line.startswith("description: "))
    (diff,) = done["diff"]
    assert (done["dryRun"], done["revision"], done["project"]["description"]) == (True, head, "Other")
    assert (diff["path"], diff["change"]) == ("projects/support-bot/project.yaml", "MODIFIED")
    assert diff["unified"].startswith("--- a/projects/support-bot/project.yaml\n+++ b/projects/support-bot/project.yaml\n@@ ")
    changed = [line for line in diff["unified"].splitlines()[2:] if line[0] in "+-"]
    assert changed == [f"-{said}", "+description: Other"]
    deleted = await change(api, "projectDelete", slug="support-bot", dryRun=True)
    assert {(each["change"], each["path"].rsplit("/", 1)[1]) for each in deleted["diff"]} == {
        ("DELETED", "project.yaml"), ("DELETED", "routing.yaml"),
    }  # fmt: skip
    assert api.head() == head


async def test_what_a_dry_run_refuses_is_what_a_commit_refuses(api: Api) -> None:
    limits = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "-1"}]}
    for dry_run in (True, False):
        failed = await change(api, "projectUpdate", slug="demo", limits=limits, dryRun=dry_run)
        (problem,) = failed["problems"]
        line = problem["line"]
        assert (problem["file"], problem["field"]) == (PROJECT, "limits.rules[0].value")
        assert "from 0 to" in problem["reason"]
        assert line > 1
        assert failed["message"].startswith(f"{PROJECT}:{line}: limits.rules[0].value: ")
    both = {"rules": [{"metric": "CALLS", "value": "1"}]}
    failed = await change(api, "projectUpdate", slug="demo", limits=both)
    assert (failed["problems"][0]["field"], failed["problems"][0]["file"]) == ("limits.rules[0]", None)


# --- retries ---


@pytest.mark.parametrize(
    ("mutation", "fields", "wish"),
    [
        ("projectCreate", "project { slug }", {"name": "Again"}),
        ("routingModelAdd", "project { models }", {"project": "support-bot", "model": "local-model"}),
        ("memberSet", "user role", {"project": "demo", "user": VIEWER, "role": "viewer"}),
        ("memberRemove", "user", {"project": "demo", "user": VIEWER}),
    ],
)
async def test_a_retry_is_carried_out_once_and_says_the_same(
    api: Api, mutation: str, fields: str, wish: dict[str, Any]
) -> None:
    wish = {**wish, "expectedRevision": api.head(), "idempotencyKey": f"once-{mutation}"}
    first = await change(api, mutation, fields, **wish)
    await change(api, "tokenCreate", project="demo", name="Between")
    again = await change(api, mutation, fields, **wish)
    assert first["changedFiles"]
    assert (first.pop("replayed"), again.pop("replayed")) == (False, True)
    assert again == first
    other = await change(api, mutation, **{**wish, "reason": "another"})
    assert (other["__typename"], other["problems"][0]["field"]) == ("ValidationFailed", "idempotencyKey")


async def test_two_tries_at_once_make_one_token(api: Api) -> None:
    wish = {"project": "demo", "name": "Twice", "idempotencyKey": "both", "expectedRevision": api.head()}
    done = await asyncio.gather(*(change(api, "tokenCreate", "value token { token }", **wish) for _ in range(4)))
    assert len({each["revision"] for each in done}) == len({each["token"]["token"] for each in done}) == 1
    assert sum(each["value"] is not None for each in done) == 1


# --- who may ---


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def people(api: Api) -> dict[str, str]:
    """Keys of users who are members of `demo` alone, by role."""
    engine = open_engine(sqlite_url(api.layout.database))
    made = People(engine)
    keys: dict[str, str] = {}
    for role in ("viewer", "editor", "admin"):
        email = f"{role}@members.example"
        keys[role] = await made.create_key(await made.create_user(email, PASSWORD, "viewer", role.title()), "test")
        await change(api, "memberSet", project="demo", user=email, role=role)
    await engine.dispose()
    return keys


LIMITS = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "5"}]}
ALLOWED = [
    ("editor", "projectUpdate", {"slug": "demo", "description": "By an editor"}, None),
    ("viewer", "projectUpdate", {"slug": "demo", "description": "x"}, "project:write"),
    ("editor", "projectUpdate", {"slug": "demo", "limits": LIMITS}, "limit:write"),
    ("admin", "projectUpdate", {"slug": "demo", "limits": LIMITS}, None),
    ("editor", "projectDelete", {"slug": "demo"}, "project:delete"),
    ("editor", "projectCreate", {"name": "Own"}, "project:write"),
    ("editor", "tokenCreate", {"project": "demo", "name": "x"}, "token:write"),
    ("admin", "tokenCreate", {"project": "demo", "name": "x", "limits": LIMITS}, None),
    ("admin", "tokenCreate", {"project": "demo", "name": "x", "limits": {"mode": "DISABLE"}}, "model:write"),
    ("editor", "memberSet", {"project": "demo", "user": "n@example.org", "role": "viewer"}, "member:write"),
    ("admin", "memberSet", {"project": "demo", "user": "n@example.org", "role": "admin"}, None),
    ("editor", "routingModelMove", {"project": "demo", "model": "sim-fast", "position": 1}, None),
    ("editor", "routingModelUpdate", {"project": "demo", "model": "sim-fast", "limits": LIMITS}, "limit:write"),
    ("admin", "routingModelUpdate", {"project": "demo", "model": "sim-fast", "limits": LIMITS}, None),
    ("admin", "routingModelUpdate", {"project": "demo", "model": "sim-fast", "limits": {"mode": "DISABLE"}}, "model:write"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "mutation", "wish", "lacking"), ALLOWED)
async def test_a_change_takes_the_permissions_of_what_it_changes(
    api: Api, people: dict[str, str], role: str, mutation: str, wish: dict[str, Any], lacking: str | None
) -> None:
    head = api.head()
    done = await change(api, mutation, key=people[role], **wish)
    if lacking is None:
        assert "revision" in done, done
    else:
        assert (done["__typename"], done.get("permission"), api.head()) == ("NotAllowed", lacking, head)


async def test_a_limit_in_place_of_a_models_own_needs_that_models_permission(api: Api, people: dict[str, str]) -> None:
    path = "models/sim-cheap.yaml"
    own = text(api, path) + "\nlimits:\n  rules:\n    - {metric: calls, window: daily, value: 100}\n"
    api.commit(path, own.encode())
    await change(api, "tokenCreate", project="demo", name="So that it is published")
    wish = {"project": "demo", "model": "sim-cheap"}
    replacing = await change(api, "routingModelUpdate", key=people["admin"], limits=LIMITS, **wish)
    assert (replacing["__typename"], replacing["permission"]) == ("NotAllowed", "model:write")
    extending = await change(api, "routingModelUpdate", key=people["admin"], limits={**LIMITS, "mode": "EXTEND"}, **wish)
    assert extending["__typename"] == "RoutingUpdated"


async def test_another_project_does_not_exist_for_a_member(api: Api, people: dict[str, str]) -> None:
    wish = {"project": "support-bot", "name": "x"}
    assert (await change(api, "tokenCreate", key=people["admin"], **wish))["__typename"] == "NotFound"


# --- stopped means stopped ---


def says(api: Api, sequence: int) -> None:
    """A proxy of this very process says what it runs."""
    state = ProxyState(proxy_id="p1", pid=os.getpid(), revision="x", sequence=sequence, at_ms=0)
    api.layout.proxy_state("p1").write_bytes(msgspec.json.encode(state))


async def test_a_revocation_answers_when_every_proxy_runs_it_or_names_those_that_do_not(api: Api) -> None:
    made = [await change(api, "tokenCreate", "token { token }", project="demo", name=f"s{n}") for n in range(2)]
    first, second = (each["token"]["token"] for each in made)
    says(api, 0)
    try:
        late = await change(api, "tokenRevoke", project="demo", token=first)
        assert late["pendingProxies"] == ["p1"]
        before = api.head()
        revoking = asyncio.create_task(change(api, "tokenRevoke", project="demo", token=second))
        while api.head() == before:  # noqa: ASYNC110  # Git says nothing when the branch moves
            await asyncio.sleep(0.005)
        assert not revoking.done()
        says(api, 1_000_000)
        assert (await revoking)["pendingProxies"] == []
    finally:
        api.layout.proxy_state("p1").unlink()


# --- many at once ---


async def test_eight_writers_at_once_and_somebody_who_pushes_lose_nothing(api: Api, tmp_path: Any) -> None:
    names = [f"Writer {number}" for number in range(8)]
    made = [await change(api, "projectCreate", "project { slug }", name=name) for name in names]
    slugs = [each["project"]["slug"] for each in made]

    async def write(slug: str) -> list[str]:
        kept = []
        for number in range(4):
            done = await change(api, "tokenCreate", "token { token }", project=slug, name=f"t{number}")
            kept.append(f"projects/{slug}/tokens/{done['token']['token']}.yaml")
            assert (await change(api, "projectUpdate", slug=slug, description=f"at {number}"))["__typename"] == "ProjectUpdated"
            added = await change(
                api, "routingModelAdd", project=slug, model=("sim-fast", "sim-smart", "sim-cheap", "local-model")[number]
            )
            assert added["__typename"] == "RoutingUpdated"
        return kept

    def push() -> list[str]:
        person = Person(tmp_path / "clone", api.layout.repository)
        pushed = []
        for number in range(6):
            for _ in range(50):
                person.pull()
                if person.push_changes({f"notes/{number}.md": f"{number}\n".encode()}).returncode == 0:
                    pushed.append(f"notes/{number}.md")
                    break
        return pushed

    *written, pushed = await asyncio.gather(*(write(slug) for slug in slugs), asyncio.to_thread(push))
    files = api.repository.files(api.head())
    assert len(pushed) == 6
    assert {path for paths in written for path in paths} | set(pushed) <= files.keys()
    for slug in slugs:
        assert "description: at 3" in text(api, f"projects/{slug}/project.yaml")
        assert text(api, f"projects/{slug}/routing.yaml").count("- id: ") == 4
