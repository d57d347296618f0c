"""`waybill explain FILE`: a JSON document in, the whole decision out, or every fault with its field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.explain import ExplainError, explain_file
from core.facts import facts_from_chat

BODY = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "temperature": 0.25}
DOCUMENT: dict[str, Any] = {
    "routing": {
        "models": [{"id": "dear"}, {"id": "cheap"}, {"id": "off"}],
        "policies": [{"kind": "cheapest"}, {"kind": "health", "window_minutes": 19.5}, {"kind": "performance"}],
    },
    "models": {
        "dear": {"provider": "p", "upstream_name": "u", "prices": {"input": 1.25, "output": 10}},
        "cheap": {"prices": {"input": 0.1, "output": 0.4}},
        "off": {"enabled": False},
    },
    "path": "/v1/chat/completions",
    "body": BODY,
    "events": [
        {"event": "admitted", "id": "1", "at_ms": 0},
        {
            "at": "2026-11-23T09:00:00Z",
            "attempts": [
                {"model": "cheap", "provider": "p", "status": "error", "http_status": 500, "ended_ms": 1000},
                {"model": "dear", "provider": "p", "status": "success", "started_ms": 1000.5, "ended_ms": 2000},
            ],
        },
    ],
    "now": "2026-11-23T09:00:01Z",
}


def run(**changes: Any) -> dict[str, Any]:
    document = {key: value for key, value in {**DOCUMENT, **changes}.items() if value is not ...}
    return json.loads(explain_file(json.dumps(document).encode()))  # type: ignore[no-any-return]  # JSON is untyped


def faults(**changes: Any) -> dict[str, str]:
    with pytest.raises(ExplainError) as caught:
        run(**changes)
    return dict(caught.value.faults)


def test_the_decision_is_shown_with_all_that_led_to_it() -> None:
    shown = run()
    # c of dear = 6×1.25 + 100×10, of cheap = 6×0.1 + 100×0.4; the error of cheap has just been, the answer of dear is to come
    dear = 40.6 / 1007.5
    assert shown["facts"]["input_tokens_estimate"] == facts_from_chat(json.dumps(BODY).encode()).input_tokens_estimate == 6
    assert shown["facts"]["needs"] == []
    assert shown["facts"]["output_tokens_cap"] == 100
    assert shown["limits"] == []
    assert shown["dropped"] == {}
    assert shown["candidates"] == ["dear", "cheap"]
    assert [(policy["kind"], policy["weight"]) for policy in shown["policies"]] == [
        ("cheapest", 3), ("health", 2), ("performance", 1),
    ]  # fmt: skip
    assert shown["policies"][0]["scores"] == pytest.approx({"dear": dear, "cheap": 1.0})
    assert shown["policies"][1]["scores"] == pytest.approx({"dear": 1.0, "cheap": 1 - 1 / 3})
    assert shown["policies"][1]["inputs"] == {"cheap": {"errors": 1.0, "total": 1.0, "records": 1}}
    assert shown["totals"] == {"dear": round(dear * 3 + 3, 9), "cheap": round(3 + 4 / 3 + 1, 9)}
    assert shown["order"] == ["cheap", "dear"]


def test_without_now_it_is_decided_after_the_last_attempt() -> None:
    shown = run(now=...)
    assert shown["now_ms"] == 1_795_424_402_000
    assert shown["policies"][1]["inputs"]["dear"]["records"] == 1


def test_facts_may_be_given_instead_of_a_body() -> None:
    shown = run(facts={"input_tokens_estimate": 10, "needs": ["vision"]}, body=..., path=...)
    assert shown["facts"]["needs"] == ["vision"]
    assert shown["facts"]["dialect"] == "openai_chat"


def test_a_body_may_be_text_and_its_path_a_projects() -> None:
    assert run(body=json.dumps(BODY), path="/projects/demo/v1/chat/completions")["facts"] == run()["facts"]


def test_a_policys_answer_may_be_given_by_position() -> None:
    shown = run(given={"0": {"points": {"dear": 1, "cheap": "?"}, "excludes": ["cheap"]}, "1": "failed"})
    assert shown["policies"][0]["scores"] == {"dear": 1.0, "cheap": 0.0}
    assert shown["policies"][0]["excluded"] == {"cheap": "given"}
    assert shown["policies"][1]["failed"] == "failed"
    assert shown["order"] == ["dear"]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"limit": []}, "limit", "not known"),
        ({"limits": [{"metric": "cost"}]}, "limits", "mapping"),
        (
            {"limits": {"platform": {"rules": [{"metric": "cost", "window": "daily"}]}}},
            "limits.platform.rules[0].value",
            "missing",
        ),
        ({"limits": {"team": {}}}, "limits.team", "token_models"),
        ({"usage": {}}, "usage", "list"),
        ({"usage": [{"at": 1, "calls": -1}]}, "usage[0].calls", "-1"),
        ({"usage": [{"at": "soon"}]}, "usage[0].at", "date and time"),
        ({"usage": [{"at": 1, "tokens": 1}]}, "usage[0].tokens", "tokens"),
        ({"providers": {"p": "cloud"}}, "providers.p", "cloud"),
        ({"body": ...}, "facts", "either"),
        ({"facts": {}}, "facts", "either"),
        ({"facts": {"tokens": 1}, "body": ...}, "facts.tokens", "no fact"),
        ({"facts": {"answers": "two"}, "body": ...}, "facts.answers", "whole number"),
        ({"body": {"model": "m"}}, "body.messages", "missing"),
        ({"path": "/v1/responses"}, "path", "/v1/responses"),
        ({"models": {}}, "routing.models[0].id", "dear"),
        ({"models": {"dear": {"prices": {"input": -1, "output": 1}}}}, "models.dear.prices.input", "-1"),
        ({"routing": {"policies": [{"kind": "cheepest"}]}}, "routing.policies[0].kind", "cheapest"),
        ({"events": [{"event": "begun"}]}, "events[0].event", "finished"),
        ({"events": {}}, "events", "list"),
        ({"now": "yesterday"}, "now", "milliseconds"),
        ({"now": "2026-11-23T09:00:00"}, "now", "zone"),
        ({"given": {"3": "failed"}}, "given.3", "below 3"),
        ({"given": {"0": {"marks": {}}}}, "given.0.marks", "points"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(changes: dict[str, Any], field: str, said: str) -> None:
    found = faults(**changes)
    assert field in found
    assert said in found[field]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff"])
def test_a_file_that_holds_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(ExplainError, match=r"JSON"):
        explain_file(text)


# --- limits ---------------------------------------------------------------------------------------------------------------

DAILY = {"metric": "cost", "window": "daily", "value": 5}
NOW = "2026-11-23T09:00:00Z"
MIDNIGHT = 1_795_392_000_000  # 2026-11-23T00:00:00Z


def limited(**changes: Any) -> dict[str, Any]:
    return run(**{"events": [], "project": "shop", "token": "t", "now": NOW, **changes})


def test_each_effective_limit_is_shown_as_it_stands() -> None:
    limits = {
        "platform": {"rules": [{"metric": "calls", "window": {"rolling": 2, "unit": "hours"}, "value": 100}]},
        "project": {"rules": [DAILY]},
        "token": {"mode": "extend", "rules": [{**DAILY, "value": 1}]},
    }
    usage = [
        {"at": "2026-11-23T00:00:00Z", "cost": 0.25},  # the window's start is inside
        {"at": "2026-11-22T23:59:59.999Z", "cost": 4},
        {"at": "2026-11-23T08:00:00Z", "cost": 0.5, "token": "other"},
        {"at": "2026-11-23T08:00:00Z", "cost": 0.125, "project": "other"},
        {"at": "2026-11-23T08:59:59Z", "cost": 0.1, "reserved": True},
    ]
    shown = limited(limits=limits, usage=usage)
    platform, project, token = shown["limits"]
    # used of 100 calls in two hours: those at 08:00; one is in flight
    assert (platform["scope"], platform["used"], platform["reserved"], platform["remaining"]) == ("platform", 2, 1, 97)
    assert (platform["window"], platform["reset_ms"]) == ("2-hour", None)
    # 0.25 + 0.5 of this project today, 0.1 reserved: 5 − 0.85
    assert (project["used"], project["reserved"], project["remaining"]) == (750_000_000, 100_000_000, 4_150_000_000)
    assert (project["start_ms"], project["reset_ms"], project["allowed"]) == (MIDNIGHT, MIDNIGHT + 86_400_000, True)
    assert (token["scope"], token["used"], token["remaining"]) == ("token", 250_000_000, 650_000_000)
    assert shown["order"] == ["cheap", "dear"]


def test_what_limits_drop_is_not_scored_and_says_why() -> None:
    models = {**DOCUMENT["models"], "cheap": {**DOCUMENT["models"]["cheap"], "limits": {"rules": [{**DAILY, "value": 1}]}}}
    shown = limited(models=models, usage=[{"at": NOW, "model": "cheap", "cost": 1}])
    assert (shown["order"], list(shown["dropped"])) == (["dear"], ["cheap"])
    assert shown["dropped"]["cheap"].startswith(
        "the daily cost limit of model cheap is used up: 1 USD of 1 USD used, until 2026-11-24"
    )
    assert all("cheap" not in policy["scores"] for policy in shown["policies"])


def test_when_limits_left_none_no_policy_runs() -> None:
    shown = limited(limits={"token": {"rules": [{"metric": "calls", "window": "hourly", "value": 0}]}})
    assert (shown["order"], shown["policies"], sorted(shown["dropped"])) == ([], [], ["cheap", "dear"])


def test_a_tokens_disable_leaves_platform_limits_alone() -> None:
    levels = {"platform": {"rules": [DAILY]}, "project": {"rules": [{**DAILY, "value": 0}]}, "token": {"mode": "disable"}}
    shown = limited(limits=levels)
    assert [limit["scope"] for limit in shown["limits"]] == ["platform"]


def test_what_is_left_of_budgets_is_weighed() -> None:
    routing = {"models": DOCUMENT["routing"]["models"], "policies": [{"kind": "budget-remaining"}]}
    models = {**DOCUMENT["models"], "dear": {**DOCUMENT["models"]["dear"], "limits": {"rules": [{**DAILY, "value": 2}]}}}
    usage = [{"at": NOW, "model": "dear", "cost": 0.5}, {"at": NOW, "model": "dear", "cost": 0.5, "reserved": True}]
    # dear: (2 − 0.5 − 0.5) / 2; cheap has no limit
    assert limited(routing=routing, models=models, usage=usage)["policies"][0]["scores"] == {"dear": 0.5, "cheap": 1.0}


def test_a_model_without_a_price_is_dropped_under_a_cost_limit_unless_it_is_allowed() -> None:
    models = {"dear": {}, "cheap": {"unpriced": "allow"}, "off": {"enabled": False}}
    shown = limited(models=models, limits={"project": {"rules": [DAILY]}})
    assert (shown["order"], list(shown["dropped"])) == (["cheap"], ["dear"])


def test_messages_and_embeddings_have_facts_too_and_models_of_other_dialects_are_left_out() -> None:
    body = {"model": "x", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
    shown = run(path="/projects/p/v1/messages", body=body, providers={"p": "openai", "offline": "anthropic"}, events=[])
    assert (shown["facts"]["dialect"], shown["facts"]["output_tokens_cap"]) == ("anthropic", 50)
    assert (shown["order"], list(shown["unable"])) == (["cheap"], ["dear"])
    shown = run(path="/v1/embeddings", body={"model": "x", "input": "hello"}, events=[])
    assert shown["facts"]["dialect"] == "openai_embeddings"
