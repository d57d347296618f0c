"""What people may not see does not exist for them: in lists, look-ups and streams, and from one batch to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from api.clock import now_ms
from tests.api.access_subjects import FOREIGN, OWN, email_of, settle
from tests.api.conftest import ADMIN_KEY, Api, running
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEED = 'subscription { requestLogFeed(after: "0") { cursor events { projectSlug } } }'
LIVE = "subscription { requestLogFeed { cursor events { projectSlug } } }"
UPDATE = """mutation($input: UserUpdateInput!) { userUpdate(input: $input) {
  __typename ... on UserUpdated { user { disabledAt role } } ... on NotAllowed { permission } } }"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys() -> AsyncIterator[dict[str, str]]:
    yield {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("access") / "data", prepare) as api:
        await api.record(row(api, OWN), row(api, FOREIGN), row(api, OWN))
        yield api


_numbers = iter(range(1, 1_000_000))


def row(api: Api, slug: str) -> Any:
    return finished(next(_numbers), project=slug, at_ms=now_ms())


async def next_events(payloads: Any) -> Any:
    """The next answer of a feed that has events or errors."""
    async for payload in payloads:
        if payload.get("errors") or payload["data"]["requestLogFeed"]["events"]:
            return payload
    return None


@pytest.mark.parametrize(
    ("subject", "slugs"),
    [("viewer", {OWN, FOREIGN}), ("own-viewer", {OWN}), ("own-only", {OWN}), ("operator-in", {OWN, FOREIGN})],
)
async def test_lists_hold_what_the_viewer_may_see(api: Api, keys: dict[str, str], subject: str, slugs: set[str]) -> None:
    query = "{ projects { totalCount nodes { slug } } requestLogs { nodes { projectSlug } } viewer { restricted } }"
    data = await api.data(query, keys[subject])
    assert {each["slug"] for each in data["projects"]["nodes"]} == slugs
    assert data["projects"]["totalCount"] == len(slugs)
    assert {each["projectSlug"] for each in data["requestLogs"]["nodes"]} == slugs
    assert data["viewer"]["restricted"] is (slugs == {OWN})


async def test_a_filter_does_not_reach_what_may_not_be_seen(api: Api, keys: dict[str, str]) -> None:
    query = f'{{ requestLogs(filter: {{project: ["{FOREIGN}", "{OWN}"]}}) {{ nodes {{ projectSlug }} }} }}'
    seen = (await api.data(query, keys["own-viewer"]))["requestLogs"]["nodes"]
    assert {each["projectSlug"] for each in seen} == {OWN}


async def test_a_foreign_project_is_answered_like_one_that_does_not_exist(api: Api, keys: dict[str, str]) -> None:
    query = """mutation { projectUpdate(input: {slug: "%s", expectedRevision: "x", reason: "r"}) {
      __typename ... on NotFound { message } } }"""
    answers = [await api.data(query % slug, keys["own-editor"]) for slug in (FOREIGN, "no-such")]
    said = [
        answer["projectUpdate"]["message"].replace(slug, "…")
        for answer, slug in zip(answers, (FOREIGN, "no-such"), strict=True)
    ]
    assert said[0] == said[1]
    reads = [await api.data(f'{{ project(slug: "{slug}") {{ name }} }}', keys["own-editor"]) for slug in (FOREIGN, "no-such")]
    assert reads[0] == reads[1] == {"project": None}


async def test_a_look_up_finds_no_foreign_request(api: Api, keys: dict[str, str]) -> None:
    query = f'{{ requestLog(id: "{request_id(2)}") {{ id }} }}'
    found = (await api.data(query, keys["viewer"]))["requestLog"]["id"]
    assert await api.data(query, keys["own-viewer"]) == {"requestLog": None}
    assert await api.data(f'{{ node(id: "{found}") {{ id }} }}', keys["own-viewer"]) == {"node": None}


async def test_a_feed_holds_the_viewer_s_projects_and_its_cursor_passes_the_others(api: Api, keys: dict[str, str]) -> None:
    async with aclosing(api.stream(FEED, keys["own-viewer"])) as payloads:
        seen = (await next_events(payloads))["data"]["requestLogFeed"]
    assert {each["projectSlug"] for each in seen["events"]} == {OWN}
    assert int(seen["cursor"]) >= 3


async def test_viewers_of_different_projects_do_not_share_answers(api: Api, keys: dict[str, str]) -> None:
    subjects = ("viewer", "own-viewer", "operator", "own-only")

    async def slugs(subject: str) -> set[str]:
        async with aclosing(api.stream(FEED, keys[subject])) as payloads:
            return {each["projectSlug"] for each in (await next_events(payloads))["data"]["requestLogFeed"]["events"]}

    assert await asyncio.gather(*map(slugs, subjects)) == [{OWN, FOREIGN}, {OWN}, {OWN, FOREIGN}, {OWN}]


async def test_a_removed_member_s_open_stream_ends_at_the_next_batch(api: Api, keys: dict[str, str]) -> None:
    async with aclosing(api.stream(FEED, keys["own-only"])) as payloads:
        assert (await next_events(payloads))["data"]["requestLogFeed"]["events"]
        path = f"projects/{OWN}/project.yaml"
        text = api.repository.read(api.head(), path)[0].decode()
        line = next(each for each in text.splitlines(keepends=True) if email_of("own-only") in each)
        await published(api, api.commit(path, text.replace(line, "").encode(), "Removed"))
        await api.record(row(api, OWN))
        ended = await next_events(payloads)
    assert [error["extensions"]["code"] for error in ended["errors"]] == ["FORBIDDEN"]
    assert (await api.post("{ projects { totalCount } }", keys["own-only"])).json()["errors"][0]["extensions"][
        "code"
    ] == "FORBIDDEN"


async def test_a_new_member_s_open_stream_widens_from_its_cursor(api: Api, keys: dict[str, str]) -> None:
    async with aclosing(api.stream(FEED, keys["own-editor"])) as payloads:
        assert await next_events(payloads)
        path = f"projects/{FOREIGN}/project.yaml"
        text = api.repository.read(api.head(), path)[0].decode()
        added = f"{text}\nmembers:\n  - {{user: {email_of('own-editor').upper()}, role: viewer}}\n"
        await published(api, api.commit(path, added.encode(), "Added"))
        await api.record(row(api, FOREIGN), row(api, OWN))
        seen: list[str] = []
        while FOREIGN not in seen:
            batch = (await next_events(payloads))["data"]["requestLogFeed"]["events"]
            seen += [each["projectSlug"] for each in batch]
    assert seen[-2:] == [FOREIGN, OWN]
    assert FOREIGN not in seen[:-2]
    await published(api, api.commit(path, text.encode(), "As it was"))


async def test_a_disabled_user_s_open_stream_ends_at_the_next_batch(api: Api, keys: dict[str, str]) -> None:
    found = await api.data('{ users(search: "auditor") { nodes { id } } }')
    async with aclosing(api.stream(FEED, keys["secret-reader"])) as payloads:
        assert await next_events(payloads)
        found = await api.data('{ users(search: "secret-reader@") { nodes { id } } }')
        wish = {"id": found["users"]["nodes"][0]["id"], "disabled": True, "reason": "Left"}
        done = await api.data(UPDATE, input=wish)
        assert done["userUpdate"]["__typename"] == "UserUpdated"
        await api.record(row(api, OWN))
        ended = await next_events(payloads)
    assert [error["extensions"]["code"] for error in ended["errors"]] == ["UNAUTHENTICATED"]
    assert (await api.post("{ __typename }", keys["secret-reader"])).status_code == 401
    await api.data(UPDATE, input=wish | {"disabled": False})
    assert (await api.post("{ __typename }", keys["secret-reader"])).status_code == 200


async def test_what_was_denied_is_in_the_audit_once_a_request(api: Api, keys: dict[str, str]) -> None:
    await api.post("{ a: users { nodes { id } } b: users { nodes { id } } }", keys["viewer"])
    await api.post(f'{{ project(slug: "{FOREIGN}") {{ name }} }}', keys["own-viewer"])
    query = "query($f: AuditLogFilter) { auditLog(first: 5, filter: $f) { nodes { action outcome subject detail } } }"
    rows = (await api.data(query, f={"outcome": "DENIED", "action": "Query.users"}))["auditLog"]["nodes"]
    assert [(each["subject"], each["detail"]["permission"]) for each in rows] == [("", "user:read")]
    rows = (await api.data(query, f={"outcome": "DENIED", "subject": FOREIGN}))["auditLog"]["nodes"]
    assert rows[0]["action"] == "Query.project"


async def published(api: Api, revision: str) -> None:
    """Wait until the API answers from this revision: nothing else tells from outside."""
    async with asyncio.timeout(10):
        while (await api.data("{ revision { commit } }", ADMIN_KEY))["revision"]["commit"] != revision:  # noqa: ASYNC110  # as a client sees it
            await asyncio.sleep(0.01)


async def test_who_writes_models_in_a_project_has_providers_there_alone(api: Api, keys: dict[str, str]) -> None:
    document = """mutation($input: ProviderCreateInput!) { providerCreate(input: $input) {
      __typename ... on NotAllowed { permission } ... on ValidationFailed { message } } }"""
    wish = {"expectedRevision": api.head(), "reason": "Ours", "dryRun": True, "providerId": "ours", "kind": "SIMULATED"}
    answers = [
        (await api.data(document, keys["own-modeller"], input=wish | project))["providerCreate"]["__typename"]
        for project in ({"project": OWN}, {"project": FOREIGN}, {})
    ]
    assert answers == ["ProviderCreated", "NotFound", "NotAllowed"]
