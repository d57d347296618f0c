"""What `waybill explain` makes of usage records and of limits that nobody can wait for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.config import Routing
from core.explain import Explanation, explain_file
from core.facts import Facts

NOW = "2026-11-23T12:00:00Z"
RULES = ("cost", "calls", "input_tokens", "output_tokens")


def run(value: float = 1000, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "routing": {"models": [{"id": "m"}], "policies": []},
        "models": {"m": {"prices": {"input": 1, "output": 1}}},
        "facts": {},
        "limits": {"project": {"rules": [{"metric": metric, "window": "daily", "value": value} for metric in RULES]}},
        "now": NOW,
        **changes,
    }
    return json.loads(explain_file(json.dumps(document).encode()))  # type: ignore[no-any-return]  # JSON is untyped


def used(record: dict[str, Any]) -> dict[str, int]:
    return {limit["metric"]: limit["used"] for limit in run(usage=[{"at": NOW, **record}])["limits"]}


@pytest.mark.parametrize(
    ("record", "figures"),
    [
        ({}, (0, 1, 0, 0)),  # a record is a call
        ({"calls": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0}, (0, 0, 0, 0)),
        ({"calls": 2, "input_tokens": 3, "output_tokens": 4, "cost": 0.5}, (500_000_000, 2, 3, 4)),
    ],
)
def test_a_record_of_use_counts_what_it_says(record: dict[str, Any], figures: tuple[int, ...]) -> None:
    assert tuple(used(record).values()) == figures


def test_without_now_and_without_records_nothing_has_happened_yet() -> None:
    assert run(now=0)["now_ms"] == 0
    document = {"routing": {}, "facts": {}}
    assert json.loads(explain_file(json.dumps(document).encode()))["now_ms"] == 0
    usage = [{"at": 5}, {"at": 7}, {"at": 6}]
    assert json.loads(explain_file(json.dumps({**document, "usage": usage}).encode()))["now_ms"] == 7


@pytest.mark.parametrize(("value", "ends"), [(0, "whenever it is asked"), (1, "until 2026-11-24T00:00:00Z")])
def test_a_limit_of_nothing_never_ends_and_one_of_something_at_its_reset(value: int, ends: str) -> None:
    shown = run(value, usage=[{"at": NOW, "cost": 1, "input_tokens": 1, "output_tokens": 1}])
    assert shown["dropped"]["m"].count(ends) == len(RULES)


@pytest.mark.parametrize(("model", "left"), [({"prices": {"input": 1, "output": 1}}, 0.25), ({"unpriced": "allow"}, 0.5)])
def test_a_model_without_a_price_has_no_part_in_a_cost_limit(model: dict[str, Any], left: float) -> None:
    rules = [{"metric": "cost", "window": "daily", "value": 4}, {"metric": "calls", "window": "daily", "value": 2}]
    shown = run(
        routing={"models": [{"id": "m"}], "policies": [{"kind": "budget-remaining"}]},
        models={"m": model},
        limits={"project": {"rules": rules}},
        usage=[{"at": NOW, "cost": 3}],
    )
    assert shown["totals"] == {"m": left}


def test_a_budget_that_is_more_than_reserved_has_nothing_left() -> None:
    """What is in flight may be more than a limit that was lowered since; what is used is not yet."""
    shown = run(
        routing={"models": [{"id": "m"}], "policies": [{"kind": "budget-remaining"}]},
        limits={"project": {"rules": [{"metric": "calls", "window": "daily", "value": 4}]}},
        usage=[{"at": NOW}, {"at": NOW, "calls": 5, "reserved": True}],
    )
    assert shown["policies"][0]["inputs"] == {"m": {"remaining_share": 0.0}}
    assert shown["totals"] == {"m": 0.0}


def test_the_want_of_a_price_is_told_once_however_many_cost_limits_hold() -> None:
    rules = [{"metric": "cost", "window": window, "value": 4} for window in ("daily", "monthly")]
    shown = run(models={"m": {}}, limits={"project": {"rules": rules}})
    assert shown["dropped"]["m"].count("has no price") == 1


def test_what_is_printed_is_json_of_two_spaces_a_level_and_ends_with_its_line() -> None:
    printed = explain_file(json.dumps({"routing": {}, "facts": {}}).encode())
    assert printed.startswith(b'{\n  "now_ms": 0,\n  "facts": {\n    "')
    assert printed.endswith(b"\n}\n")


def test_an_explanation_is_of_the_beginning_of_time_unless_it_says_when() -> None:
    assert Explanation(routing=Routing(), models={}, facts=Facts()).now_ms == 0
