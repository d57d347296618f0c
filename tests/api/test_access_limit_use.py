"""What all projects together used is shown to whoever may see all of them, wherever limits are spoken of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from api.clock import now_ms
from core.routing.decision import Decision
from tests.api.access_subjects import OWN, settle
from tests.api.conftest import ADMIN_KEY, Api, running
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = "\nlimits:\n  rules:\n    - {metric: calls, window: daily, value: 1}\n"
SAID = "the daily call limit of the platform is used up: 11 of 1 used, until 2026-09-21T00:00:00Z"
EXPLAIN = """query($project: String!, $request: RequestInput!) { explain(project: $project, request: $request) {
  limits { scope used } dropped { reason } } }"""
PROJECTS = """{ projects(first: 10) { nodes { slug today { calls } trend { calls } limitUse { used }
  tokens(first: 2) { nodes { limitUse { used } } } } } }"""
TRACE = "query($id: ID!) { requestLog(id: $id) { error trace { dropped { reason } attempts { error } } } }"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys() -> AsyncIterator[dict[str, str]]:
    yield {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("sums") / "data", prepare) as api:
        for path in ("waybill.yaml", "models/sim-fast.yaml", f"projects/{OWN}/project.yaml"):
            text = api.repository.read(api.head(), path)[0].decode()
            api.commit(path, (text.replace("limits: {}", "") + RULES).encode())
        refused = finished(
            1,
            project=OWN,
            at_ms=now_ms(),
            status="budget_exceeded",
            model=None,
            usage=None,
            error=f"No model has room: {SAID}.",
            decision=Decision(candidates=("sim-fast",), dropped={"sim-fast": SAID}),
        )
        await api.record(
            refused, *(finished(number, project="support-bot", at_ms=now_ms(), model="sim-fast") for number in range(2, 8))
        )
        yield api


async def explained(api: Api, key: str) -> Any:
    request = {"path": "/v1/chat/completions", "body": {"model": "x", "messages": [{"role": "user", "content": "Hi"}]}}
    query = EXPLAIN.replace("$request)", f'$request, at: "{api.head()}")')
    return (await api.data(query, key, project=OWN, request=request))["explain"]


async def test_explain_shows_a_member_the_project_s_own_limits_alone(api: Api, keys: dict[str, str]) -> None:
    everything = await explained(api, ADMIN_KEY)
    assert {each["scope"] for each in everything["limits"]} == {"platform", "project", "model"}
    assert any("of the platform is used up: 6 of 1 used" in each["reason"] for each in everything["dropped"])
    seen = await explained(api, keys["own-viewer"])
    assert {each["scope"] for each in seen["limits"]} == {"project"}
    # That it is used up is why a request is refused; by how much is the others' affair.
    assert all("limit of the platform is used up, until" in each["reason"] for each in seen["dropped"])
    assert seen["dropped"]


@pytest.mark.parametrize(("subject", "shown"), [("viewer", True), ("own-viewer", False), ("own-admin", False)])
async def test_a_trace_and_a_row_tell_a_member_no_sum_over_all_projects(
    api: Api, keys: dict[str, str], subject: str, shown: bool
) -> None:
    row = (await api.data(TRACE, keys[subject], id=request_id(1)))["requestLog"]
    words = [row["error"], row["trace"]["dropped"][0]["reason"]]
    assert ["11 of 1" in each for each in words] == [shown, shown]
    assert all("of the platform is used up" in each and "until 2026" in each for each in words)
    query = 'subscription { requestLogFirehose(after: "0") }'
    async with aclosing(api.stream(query, keys[subject])) as payloads:
        async for payload in payloads:
            if rows := payload["data"]["requestLogFirehose"]["rows"]:
                assert ("11 of 1" in str(rows)) is shown
                assert "until 2026" in str(rows)
                return


async def test_projects_are_listed_whole_for_whoever_may_not_read_reports(api: Api, keys: dict[str, str]) -> None:
    nodes = (await api.data(PROJECTS, keys["builder"]))["projects"]["nodes"]
    assert {OWN, "support-bot"} <= {node["slug"] for node in nodes}
    assert all(node["today"] is node["trend"] is node["limitUse"] is None for node in nodes)
    assert all(token["limitUse"] is None for node in nodes for token in node["tokens"]["nodes"])
