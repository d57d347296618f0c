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
        ({"limits": [{"metric": "cost"}]}, "limits", "not supported"),
        ({"usage": [{"at": 1}]}, "usage", "not supported"),
        ({"body": ...}, "facts", "either"),
        ({"facts": {}}, "facts", "either"),
        ({"facts": {"tokens": 1}, "body": ...}, "facts.tokens", "no fact"),
        ({"facts": {"answers": "two"}, "body": ...}, "facts.answers", "whole number"),
        ({"body": {"model": "m"}}, "body.messages", "missing"),
        ({"path": "/v1/messages"}, "path", "/v1/messages"),
        ({"models": {}}, "routing.models[0].id", "dear"),
        ({"models": {"dear": {"prices": {"input": -1, "output": 1}}}}, "models.dear.prices.input", "-1"),
        ({"routing": {"policies": [{"kind": "cheepest"}]}}, "routing.policies[0].kind", "cheapest"),
        ({"events": [{"event": "begun"}]}, "events[0].event", "finished"),
        ({"events": {}}, "events", "list"),
        ({"now": "yesterday"}, "now", "milliseconds"),
        ({"now": "2026-11-23T09:00:00"}, "now", "zone"),
        ({"given": {"3": "failed"}}, "given.3", "below 3"),
        ({"given": {"0": {"marks": {}}}}, "given.0.marks", "points"),
        (
            {"models": {"dear": {"limits": {"rules": [{"metric": "calls", "window": "daily", "value": 1}]}}}},
            "models.dear.limits",
            "not supported",
        ),
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
