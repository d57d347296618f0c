"""`projectUpdate`: one commit, its publication, and everything that may happen instead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.repository import commits
from tests.api.conftest import ADMIN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPDATE = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename
  ... on ProjectUpdated { change { revision changedFiles dryRun pendingProxies replayed diff { path change unified } }
    project { name revision timeouts { timeoutMs idleTimeoutMs } } }
  ... on Conflict { code message headRevision files { path read head proposed } }
  ... on ValidationFailed { code message problems { file line field reason } }
  ... on NotAllowed { code permission }
  ... on NotFound { code message } } }"""
PATH = "projects/demo/project.yaml"


async def update(api: Api, key: str | None = None, **wish: Any) -> dict[str, Any]:
    wish = {"slug": "demo", "expectedRevision": api.head(), "reason": "test", **wish}
    answer = await (api.data(UPDATE, key, input=wish) if key else api.data(UPDATE, input=wish))
    done = answer["projectUpdate"]
    return {**done.pop("change", {}), **done}


def text(api: Api, path: str = PATH) -> str:
    return api.repository.read(api.head(), path)[0].decode()


async def test_a_change_is_one_commit_by_its_author_and_is_published(api: Api) -> None:
    before = text(api)
    done = await update(api, name="Demo two", timeouts={"timeoutMs": 90_000, "idleTimeoutMs": 7_000}, reason="Slow models")
    assert done["__typename"] == "ProjectUpdated"
    assert (done["revision"], done["changedFiles"], done["dryRun"], done["pendingProxies"]) == (api.head(), [PATH], False, [])
    assert done["project"] == {
        "name": "Demo two", "revision": api.head(), "timeouts": {"timeoutMs": 90_000, "idleTimeoutMs": 7_000},
    }  # fmt: skip
    commit = api.repository.git[api.head()]
    assert commit.message.startswith("Slow models\n")
    assert (commit.author.name, commit.author.email, commit.committer.name) == ("Admin", ADMIN, "Waybill")
    assert commits.REQUEST in commits.trailers(commit.message)
    assert (await api.data("{ revision { commit } }"))["revision"]["commit"] == api.head()
    kept = [line for line in text(api).splitlines() if line.startswith("#")]
    assert kept == [line for line in before.splitlines() if line.startswith("#")]


async def test_null_unsets_a_timeout_and_what_is_left_out_stays(api: Api) -> None:
    await update(api, timeouts={"timeoutMs": 50_000, "idleTimeoutMs": 5_000})
    done = await update(api, timeouts={"idleTimeoutMs": None})
    assert done["project"]["timeouts"] == {"timeoutMs": 50_000, "idleTimeoutMs": None}


async def test_nothing_to_change_makes_no_commit(api: Api) -> None:
    head = api.head()
    name = (await api.data('{ project(slug: "demo") { name } }'))["project"]["name"]
    done = await update(api, name=name)
    assert (done["revision"], done["changedFiles"], api.head()) == (head, [], head)


async def test_an_unrelated_commit_is_no_conflict(api: Api) -> None:
    read_at = api.head()
    api.commit("README.md", b"changed\n")
    done = await update(api, expectedRevision=read_at, name="Still mine")
    assert done["__typename"] == "ProjectUpdated"
    assert text(api, "README.md") == "changed\n"


async def test_a_change_to_the_same_file_is_a_conflict_with_every_version(api: Api) -> None:
    read_at, before = api.head(), text(api)
    theirs = before.replace("description: A first project", "description: Their project")
    api.commit(PATH, theirs.encode())
    conflict = await update(api, expectedRevision=read_at, name="Mine")
    assert (conflict["__typename"], conflict["code"], conflict["headRevision"]) == ("Conflict", "CONFLICT", api.head())
    (file,) = conflict["files"]
    assert (file["path"], file["read"], file["head"]) == (PATH, before, theirs)
    assert "name: Mine" in file["proposed"]
    assert text(api) == theirs


async def test_of_parallel_changes_to_one_file_exactly_one_wins(api: Api) -> None:
    read_at = api.head()
    answers = await asyncio.gather(*(update(api, expectedRevision=read_at, name=f"Racer {n}") for n in range(5)))
    assert sorted(answer["__typename"] for answer in answers) == ["Conflict"] * 4 + ["ProjectUpdated"]


async def test_a_dry_run_checks_everything_and_commits_nothing(api: Api) -> None:
    head, before = api.head(), text(api)
    done = await update(api, name="Only looking", dryRun=True)
    assert (done["dryRun"], done["project"]["name"], done["changedFiles"]) == (True, "Only looking", [PATH])
    failed = await update(api, name="Support bot", dryRun=True)
    assert failed["__typename"] == "ValidationFailed"
    assert (api.head(), text(api)) == (head, before)


async def test_a_retry_with_its_key_is_carried_out_once(api: Api) -> None:
    wish = {"expectedRevision": api.head(), "name": "Once", "idempotencyKey": "k-1"}
    first = await update(api, **wish)
    second = await update(api, **wish)
    assert first["__typename"] == second["__typename"] == "ProjectUpdated"
    assert first["revision"] == second["revision"] == api.head()


async def test_a_key_that_was_used_for_another_wish_carries_nothing_out_and_says_so(api: Api) -> None:
    wish = {"expectedRevision": api.head(), "name": "One wish", "idempotencyKey": "k-2"}
    done = await update(api, **wish)
    failed = await update(api, **{**wish, "name": "Another wish"})
    assert failed["__typename"] == "ValidationFailed"
    assert failed["problems"][0]["field"] == "idempotencyKey"
    assert done["revision"] == api.head()


@pytest.mark.parametrize(
    ("wish", "field", "reason"),
    [
        ({"timeouts": {"timeoutMs": 0}}, "timeouts.timeout_ms", "from 1 to"),
        ({"timeouts": {"idleTimeoutMs": 86_400_001}}, "timeouts.idle_timeout_ms", "from 1 to"),
        ({"name": "  "}, "name", "1 to 200"),
        ({"name": "SUPPORT BOT"}, "name", "must be unique"),
        ({"reason": "  "}, "reason", "say why"),
        ({"expectedRevision": "0" * 40}, "expectedRevision", "no revision"),
        ({"expectedRevision": "HEAD"}, "expectedRevision", "no revision"),
        ({"idempotencyKey": ""}, "idempotencyKey", "characters"),
        ({"reason": f"use sk-lr-{'a1B2c3D4' * 5} now"}, "reason", "a Waybill token in clear"),
        ({"idempotencyKey": f"sk-lr-{'a1B2c3D4' * 5}"}, "idempotencyKey", "a Waybill token in clear"),
    ],
)
async def test_a_wish_that_cannot_be_is_answered_with_its_field(
    api: Api, wish: dict[str, Any], field: str, reason: str
) -> None:
    head = api.head()
    failed = await update(api, **wish)
    assert failed["__typename"] == "ValidationFailed"
    assert failed["problems"][0]["field"] == field
    assert reason in failed["problems"][0]["reason"]
    assert api.head() == head


@pytest.mark.parametrize("slug", ["none", "", "../providers/openai", "Demo"])
async def test_what_is_no_project_is_not_found(api: Api, slug: str) -> None:
    assert (await update(api, slug=slug, name="x"))["__typename"] == "NotFound"


async def test_without_the_permission_nothing_is_written(api: Api) -> None:
    head = api.head()
    assert await update(api, api.viewer_key, name="Mine now") == {
        "__typename": "NotAllowed", "code": "NOT_ALLOWED", "permission": "project:write",
    }  # fmt: skip
    assert api.head() == head
