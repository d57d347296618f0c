"""What all projects together used is shown to whoever may see all of them, wherever limits are spoken of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from api.clock import now_ms
from core.routing.decision import Decision, PolicyOutcome
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
WEIGHED = """query($project: String!, $request: RequestInput!, $routing: JSON!) {
  explain(project: $project, request: $request, routing: $routing) {
    events policies { kind models { model score reason inputs { name value } } } totals { model total } order } }"""
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


async def test_what_policies_counted_over_all_projects_is_shown_to_whoever_may_see_all(api: Api, keys: dict[str, str]) -> None:
    policies = [{"kind": "budget-remaining"}, {"kind": "rate-limit", "max_calls": 5}, {"kind": "health"}]
    asked = {
        "project": OWN,
        "request": {"body": {"model": "x", "messages": [{"role": "user", "content": "Hi"}]}},
        "routing": {"models": [{"id": "sim-fast"}, {"id": "sim-smart"}], "policies": policies},
    }
    path = "models/sim-fast.yaml"
    before = api.repository.read(api.head(), path)[0]
    roomy = before.replace(b"metric: calls, window: daily, value: 1}", b"metric: calls, window: yearly, value: 70}")
    api.commit("waybill.yaml", api.repository.read(api.head(), "waybill.yaml")[0].replace(RULES.encode(), b""))
    api.commit(path, roomy)
    path = f"projects/{OWN}/project.yaml"
    api.commit(path, api.repository.read(api.head(), path)[0].replace(RULES.encode(), b""))
    query = WEIGHED.replace("$routing)", f'$routing, at: "{api.head()}")')
    everything, seen = [(await api.data(query, key, **asked))["explain"] for key in (ADMIN_KEY, keys["own-viewer"])]
    figures = [
        {
            (outcome["kind"], each["name"])
            for outcome in found["policies"]
            for model in outcome["models"]
            for each in model["inputs"]
        }
        for found in (everything, seen)
    ]
    assert figures == [
        {("budget-remaining", "remaining_share"), ("rate-limit", "calls")}
        | {("health", name) for name in ("errors", "total", "records")},
        set(),
    ]
    assert everything["events"] == 7
    assert seen["events"] is None
    assert seen["order"] == everything["order"]
    scores = [found["policies"][0]["models"][0]["score"] for found in (everything, seen)]
    assert scores == [pytest.approx(64 / 70), 0.9]
    assert [found["policies"][1]["models"][0]["reason"] for found in (everything, seen)] == [
        "6 calls in 1 min, at most 5 are wanted",
        "calls in 1 min, at most 5 are wanted",
    ]


@pytest.mark.parametrize(("subject", "shown"), [("viewer", True), ("own-viewer", False)])
async def test_a_trace_shows_a_member_no_counts_of_all_projects(
    api: Api, keys: dict[str, str], subject: str, shown: bool
) -> None:
    outcome = PolicyOutcome(
        kind="budget-remaining", weight=2, scores={"sim-fast": 0.8765}, inputs={"sim-fast": {"remaining_share": 0.8765}}
    )
    decision = Decision(candidates=("sim-fast",), policies=(outcome,), totals={"sim-fast": 1.753}, order=("sim-fast",))
    number = 90 + shown
    await api.record(finished(number, project=OWN, at_ms=now_ms(), decision=decision))
    query = """query($id: ID!) { requestLog(id: $id) { trace {
      totals { total } policies { models { score weighted inputs { value } } } } } }"""
    trace = (await api.data(query, keys[subject], id=request_id(number)))["requestLog"]["trace"]
    score = 0.8765 if shown else 0.9
    assert trace["totals"] == [{"total": score * 2}]
    (model,) = trace["policies"][0]["models"]
    assert model == {"score": score, "weighted": score * 2, "inputs": [{"value": 0.8765}] if shown else []}


async def test_projects_are_listed_whole_for_whoever_may_not_read_reports(api: Api, keys: dict[str, str]) -> None:
    nodes = (await api.data(PROJECTS, keys["builder"]))["projects"]["nodes"]
    assert {OWN, "support-bot"} <= {node["slug"] for node in nodes}
    assert all(node["today"] is node["trend"] is node["limitUse"] is None for node in nodes)
    assert all(token["limitUse"] is None for node in nodes for token in node["tokens"]["nodes"])


async def test_a_hidden_request_does_not_exist_whatever_is_asked_of_it(api: Api, keys: dict[str, str]) -> None:
    query = "query($id: String!, $at: String) { explainRequest(id: $id, at: $at) { order } }"
    unread = finished(95, project="support-bot", at_ms=now_ms(), facts=None)
    await api.record(unread)
    answers = [
        (await api.post(query, keys["own-viewer"], id=id, at=at)).json()
        for id in (request_id(95), request_id(96))
        for at in ("x", api.head(), None)
    ]
    assert [answer["data"] for answer in answers] == [{"explainRequest": None}] * 6
    assert not [answer for answer in answers if "errors" in answer]
    (error,) = (await api.post(query, id=request_id(95), at="x")).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
