"""What is counted, noted and followed over all projects, narrowed to what one may see; and who may change limits alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from api.clock import now_ms
from api.repository.commits import WAYBILL
from api.repository.store import Edit
from tests.api.access_subjects import FOREIGN, OWN, email_of, settle
from tests.api.changes import change, text
from tests.api.conftest import ADMIN_KEY, Api, running
from tests.api.journalled import finished
from tests.repositories import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "2"}]}
OTHERS = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "3"}]}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys() -> AsyncIterator[dict[str, str]]:
    yield {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("narrowed") / "data", prepare) as api:
        yield api


# --- limits alone ---


async def test_whoever_may_change_limits_alone_changes_them_and_nothing_beside_them(api: Api, keys: dict[str, str]) -> None:
    mine = keys["own-limiter"]
    entry = {"project": OWN, "model": "sim-smart"}
    for mutation, wish in (
        ("projectUpdate", {"slug": OWN, "limits": LIMITS}),
        ("routingModelUpdate", {**entry, "limits": LIMITS}),
        ("routingModelUpdate", {**entry, "limits": None}),
        ("projectUpdate", {"slug": OWN, "limits": None}),
    ):
        assert "revision" in await change(api, mutation, key=mine, **wish), (mutation, wish)
    for mutation, more in (
        ("projectUpdate", {"slug": OWN, "limits": LIMITS, "description": "Mine"}),
        ("projectUpdate", {"slug": OWN, "labels": [{"key": "a", "value": "b"}]}),
        ("routingModelUpdate", {**entry, "guidance": "Often"}),
        ("routingUpdate", {"project": OWN, "models": []}),
    ):
        refused = await change(api, mutation, key=mine, **more)
        assert (refused["__typename"], refused.get("permission")) == ("NotAllowed", "project:write"), (mutation, more)
    refused = await change(api, "projectUpdate", key=keys["own-viewer"], slug=OWN, limits=LIMITS)
    assert refused["permission"] == "project:write"


# --- limits of a project that is named by its id ---


async def test_limits_of_a_project_are_those_of_the_project_however_it_is_named(api: Api, keys: dict[str, str]) -> None:
    assert "revision" in await change(api, "projectUpdate", slug=OWN, limits=LIMITS)
    query = "query($project: String) { limits(project: $project) { scope project limit } }"
    project = (await api.data(f'{{ project(slug: "{OWN}") {{ id }} }}'))["project"]["id"]
    for key in (ADMIN_KEY, keys["own-viewer"]):
        by_slug, by_id = [(await api.data(query, key, project=named))["limits"] for named in (OWN, project)]
        assert by_slug == by_id
        assert [each["project"] for each in by_id] == [OWN]
        (error,) = (await api.post(query, key, project="nope")).json()["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("NOT_FOUND", "there is no project 'nope'")


# --- what a stream of limit events tells ---


async def test_an_event_in_a_hidden_project_wakes_nobody_who_may_not_see_it(api: Api, keys: dict[str, str]) -> None:
    assert "revision" in await change(api, "projectUpdate", slug=FOREIGN, limits=OTHERS)
    assert "revision" in await change(api, "projectUpdate", slug=OWN, limits=LIMITS)
    query = 'subscription { limitEvents(after: "0") { cursor events { project cursor } } }'
    mine: list[Any] = []

    async def follow() -> None:
        async with aclosing(api.stream(query, keys["own-viewer"])) as payloads:
            async for payload in payloads:
                mine.append(payload["data"]["limitEvents"])
                if mine[-1]["events"]:
                    return

    async with aclosing(api.stream(query)) as everything, asyncio.timeout(60):
        following = asyncio.create_task(follow())
        await api.record(*(finished(number, project=FOREIGN, at_ms=now_ms(), token="laptop") for number in range(1, 5)))
        seen: list[str] = []
        while FOREIGN not in seen:
            payload = await anext(everything)
            seen += [each["project"] for each in payload["data"]["limitEvents"]["events"]]
        await api.record(*(finished(number, project=OWN, at_ms=now_ms(), token="laptop") for number in range(5, 9)))
        await following
    (batch,) = mine  # nothing came while the hidden project had its events
    assert {each["project"] for each in batch["events"]} == {OWN}
    assert batch["cursor"] == batch["events"][-1]["cursor"]


# --- blame across a rename ---


async def test_blame_of_a_renamed_project_tells_no_words_of_when_it_was_hidden(
    api: Api, keys: dict[str, str], tmp_path: Any
) -> None:
    made = await change(api, "projectCreate", name="Top secret", slug="top-secret", reason="Merger with ACME: hush")
    former = text(api, "projects/top-secret/project.yaml").replace("id: ", "id: renamed-").encode()
    files = {"projects/plain/project.yaml": former, "projects/plain/routing.yaml": b"models: []\npolicies: []\n"}
    # As an older version let people push it: the folder under another name, which Git takes for a rename.
    gone = {path.replace("plain", "top-secret"): None for path in files}
    edit = Edit(changes={**files, **gone}, author=WAYBILL, reason="Renamed", base=api.head())
    api.repository.commit(edit, check=lambda head, changes: None)
    assert "revision" in await change(api, "memberSet", project="plain", user=email_of("own-viewer"), role="viewer")
    query = """{ blame(path: "projects/plain/project.yaml", field: "name") {
      revision { commit reason author { email } } lines { revision { commit reason author { email } } } } }"""
    found = (await api.data(query, keys["own-viewer"]))["blame"]
    assert {each["revision"]["commit"] for each in found["lines"]} == {made["revision"]}
    assert [each["revision"]["reason"] for each in found["lines"]] == [None]
    assert (found["revision"]["reason"], found["revision"]["author"]) == (None, None)
    assert "Merger" in str(await api.data(query))


# --- the audit trail ---


async def test_the_audit_trail_names_no_project_that_its_reader_may_not_see(api: Api, keys: dict[str, str]) -> None:
    await change(api, "tokenCreate", key=keys["own-viewer"], project=OWN, name="x")
    await change(api, "tokenCreate", "value", project=FOREIGN, name="Shown")
    query = "query($f: AuditLogFilter) { auditLog(first: 100, filter: $f) { nodes { action outcome subject } } }"
    whole = (await api.data(query))["auditLog"]["nodes"]
    assert {"token_shown", "Mutation.tokenCreate"} <= {each["action"] for each in whole}
    assert {OWN, f"{FOREIGN}/shown"} & {each["subject"] for each in whole}
    narrowed = (await api.data(query, keys["auditor"]))["auditLog"]["nodes"]
    assert {each["action"] for each in narrowed} >= {"token_shown", "Mutation.tokenCreate"}
    assert not [each for each in narrowed if each["subject"].partition("/")[0] in (OWN, FOREIGN)]
    assert (await api.data(query, keys["auditor"], f={"subject": OWN}))["auditLog"]["nodes"] == []
    assert (await api.data(query, f={"subject": OWN}))["auditLog"]["nodes"]


# --- members ---


async def test_a_member_is_there_once_however_the_e_mail_is_written(api: Api, tmp_path: Any) -> None:
    path = f"projects/{OWN}/project.yaml"
    before = text(api, path)
    twice = before.replace(
        "members:\n", "members:\n  - {user: Twice@X.org, role: admin}\n  - {user: twice@x.org, role: viewer}\n", 1
    )
    person = Person(tmp_path / "clone", api.layout.repository)
    person.pull()
    refused = await asyncio.to_thread(person.push_changes, {path: twice.encode()})
    assert refused.returncode != 0
    assert "members[1].user" in refused.stderr
    assert "is in the list already" in refused.stderr
    assert text(api, path) == before


async def test_a_user_s_memberships_are_told_as_far_as_the_projects_are_seen(api: Api, keys: dict[str, str]) -> None:
    query = '{ users(search: "own-editor@") { nodes { memberships { projectSlug } } } }'
    for key, slugs in ((ADMIN_KEY, [OWN]), (keys["auditor"], [])):
        (user,) = (await api.data(query, key))["users"]["nodes"]
        assert [each["projectSlug"] for each in user["memberships"]] == slugs
