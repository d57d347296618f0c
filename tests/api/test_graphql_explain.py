"""Decisions explained over GraphQL: what would be, what was, and what another configuration would have made of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core.events import AttemptFinished
from core.facts import Facts
from core.money import Usage
from core.routing.engine import Decision, PolicyOutcome
from tests.api.conftest import Api
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = """{ at revision reconstructed events candidates order facts { inputTokensEstimate }
  limitsReconstructed limits { scope owner metric window value used remaining allowed }
  dropped { model reason } unable { model }
  policies { kind weight failed note models { model score } } totals { model total } }"""
EXPLAIN = f"""query($project: String!, $request: RequestInput!, $token: String, $at: String, $routing: JSON) {{
  explain(project: $project, request: $request, token: $token, at: $at, routing: $routing) {FIELDS} }}"""
AGAIN = f"query($id: String!, $at: String) {{ explainRequest(id: $id, at: $at) {FIELDS} }}"
REQUEST = {"body": {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50}}


async def explained(api: Api, **variables: Any) -> Any:
    return (await api.data(EXPLAIN, **{"project": "demo", "request": REQUEST, **variables}))["explain"]


async def test_a_request_that_nobody_sent_is_decided_by_the_projects_routing(api: Api) -> None:
    found = await explained(api)
    assert (found["revision"], found["reconstructed"]) == (api.head(), True)
    assert found["facts"]["inputTokensEstimate"] > 0
    assert sorted(found["order"]) == sorted(found["candidates"])
    assert [total["model"] for total in found["totals"]] == found["order"]


async def test_a_routing_that_is_not_saved_is_tried(api: Api) -> None:
    routing = {"models": [{"id": "sim-smart"}, {"id": "sim-cheap"}], "policies": [{"kind": "cheapest"}]}
    found = await explained(api, routing=routing)
    assert found["candidates"] == ["sim-smart", "sim-cheap"]
    assert found["order"] == ["sim-cheap", "sim-smart"]
    asking = {**routing, "policies": [{"kind": "llm", "model": "sim-fast"}]}
    assert (await explained(api, routing=asking))["policies"][0]["failed"] == "nothing is called to explain"


async def test_models_that_the_proxy_does_not_run_are_no_candidates(api: Api) -> None:
    """The sample's openai and local providers are disabled; `local-model` is free and would come first."""
    routing = {"models": [{"id": "local-model"}, {"id": "gpt-5-mini"}, {"id": "sim-fast"}], "policies": [{"kind": "cheapest"}]}
    found = await explained(api, routing=routing)
    assert (found["candidates"], found["order"], found["unable"]) == (["sim-fast"], ["sim-fast"], [])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"routing": {"policies": [{"kind": "cheepest"}]}}, "routing.policies[0].kind"),
        ({"routing": {"models": [{"id": "none"}]}}, "no model `none`"),
        ({"request": {"body": {"model": "x"}}}, "body.messages"),
        ({"request": {"path": "/v1/files", "body": {}}}, "/v1/files"),
        ({"at": "0" * 40}, "no commit"),
    ],
)
async def test_what_cannot_be_decided_is_said(api: Api, wrong: dict[str, Any], said: str) -> None:
    error = (await api.post(EXPLAIN, **{"project": "demo", "request": REQUEST, **wrong})).json()["errors"][0]
    assert (error["extensions"]["code"], said in error["message"]) == ("BAD_USER_INPUT", True)


async def test_a_project_that_is_not_there_is_null(api: Api) -> None:
    assert await explained(api, project="none") is None


async def test_statistics_and_use_of_limits_are_made_from_what_is_recorded(api: Api) -> None:
    now_ms = time.time_ns() // 1_000_000
    failed = AttemptFinished(model="sim-cheap", provider="sim", status="error", http_status=500, ended_ms=10.0)
    answered = AttemptFinished(
        model="sim-smart",
        provider="sim",
        status="success",
        started_ms=10.0,
        ended_ms=20.0,
        usage=Usage(input_tokens=10, output_tokens=5),
        cost_nano_usd=250_000_000,
    )
    await api.record(
        finished(
            901,
            project="demo",
            at_ms=now_ms - 60_000,
            attempts=(failed, answered),
            usage=Usage(input_tokens=10, output_tokens=5),
            cost_nano_usd=250_000_000,
            model="sim-smart",
        )
    )
    routing = {
        "models": [
            {"id": "sim-cheap"},
            {"id": "sim-smart", "limits": {"rules": [{"metric": "cost", "window": "daily", "value": 0.25}]}},
        ],
        "policies": [{"kind": "health", "min_samples": 1}],
    }
    found = await explained(api, routing=routing)
    assert found["events"] >= 1
    [limit] = found["limits"]
    assert (limit["owner"], limit["used"], limit["remaining"], limit["allowed"]) == (
        "model sim-smart for project demo", "0.25", "0", False,
    )  # fmt: skip
    assert [dropped["model"] for dropped in found["dropped"]] == ["sim-smart"]
    [health] = found["policies"]
    assert health["models"] == [{"model": "sim-cheap", "score": 0.0}]
    assert found["order"] == []


async def test_a_recorded_request_is_as_it_was_under_its_revision_and_made_anew_under_another(api: Api) -> None:
    outcome = PolicyOutcome(kind="cheapest", weight=1, scores={"sim-smart": 1.0, "sim-cheap": 0.25}, note="all alike")
    decision = Decision(
        candidates=("sim-smart", "sim-cheap"),
        policies=(outcome,),
        totals={"sim-smart": 1.0, "sim-cheap": 0.25},
        order=("sim-smart", "sim-cheap"),
    )
    own = "a" * 40
    await api.record(
        finished(
            902, project="demo", revision=own, decision=decision, facts=Facts(input_tokens_estimate=10, output_tokens_cap=10)
        )
    )
    was = (await api.data(AGAIN, id=request_id(902)))["explainRequest"]
    assert (was["revision"], was["reconstructed"], was["order"]) == (own, False, ["sim-smart", "sim-cheap"])
    assert was["policies"][0]["note"] == "all alike"
    assert (was["limitsReconstructed"], was["limits"]) == (False, [])  # the repository does not have that revision
    assert was["policies"][0]["models"] == [{"model": "sim-smart", "score": 1.0}, {"model": "sim-cheap", "score": 0.25}]
    today = (await api.data(AGAIN, id=request_id(902), at=api.head()))["explainRequest"]
    assert (today["revision"], today["reconstructed"]) == (api.head(), True)
    assert today["order"] != was["order"]
    assert (await api.data(AGAIN, id="none"))["explainRequest"] is None


async def test_a_recorded_request_shows_the_limits_of_its_own_revision_as_they_stood(api: Api) -> None:
    held = b"id: p-held\nname: Held\nlimits:\n  rules:\n    - {metric: calls, window: yearly, value: 1}\n"
    own = api.commit("projects/held/project.yaml", held)
    api.commit("projects/held/project.yaml", held.replace(b"value: 1", b"value: 5"))
    now_ms = time.time_ns() // 1_000_000
    dropped = {"sim-fast": "project held: calls yearly: 1 of 1 used"}
    decision = Decision(candidates=("sim-fast",), dropped=dropped)
    await api.record(
        finished(903, project="held", revision=own, at_ms=now_ms - 60_000),
        finished(904, project="held", revision=own, at_ms=now_ms - 30_000, decision=decision, facts=Facts()),
        finished(905, project="held", revision=own, at_ms=now_ms - 20_000),
    )
    was = (await api.data(AGAIN, id=request_id(904)))["explainRequest"]
    assert (was["reconstructed"], was["limitsReconstructed"]) == (False, True)
    assert was["dropped"] == [{"model": "sim-fast", "reason": dropped["sim-fast"]}]
    [limit] = was["limits"]
    assert (limit["owner"], limit["value"], limit["used"], limit["allowed"]) == ("project held", "1", "1", False)
