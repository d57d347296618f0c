"""A decision without what all projects together used."""

from __future__ import annotations

from core.routing.decision import PolicyOutcome
from core.routing.narrowing import narrowed


def test_counts_over_all_projects_go_and_what_is_the_project_s_own_stays() -> None:
    breaker = "95 % of 40 records failed, the newest 3 s ago"
    resting = "its provider answered 429 and asked to be left alone for another 900 ms"
    policies = (
        PolicyOutcome(kind="health", weight=4, scores={"a": 0.5}, excluded={"b": breaker}, inputs={"a": {"records": 7.0}}),
        PolicyOutcome(
            kind="rate-limit",
            weight=3,
            scores={"a": 0.25},
            excluded={"b": "12 calls in 5 min, at most 10 are wanted", "c": resting},
            inputs={"a": {"calls": 12.0}, "c": {"calls": 1.0, "rests_ms": 900.0}},
        ),
        PolicyOutcome(kind="budget-remaining", weight=2, scores={"a": 0.8765}, inputs={"a": {"remaining_share": 0.8765}}),
        PolicyOutcome(kind="fairness", weight=1, scores={"a": 0.123}, inputs={"a": {"successes": 3.0}}),
    )
    shown, totals = narrowed(policies, {"a": 4.626})
    assert [outcome.inputs for outcome in shown] == [
        {"a": {}},
        {"a": {}, "c": {"rests_ms": 900.0}},
        {"a": {}},
        {"a": {"successes": 3.0}},
    ]
    assert [outcome.scores["a"] for outcome in shown] == [0.5, 0.25, 0.9, 0.123]
    assert shown[0].excluded == {"b": "95 % of records failed, the newest 3 s ago"}
    assert shown[1].excluded == {"b": "calls in 5 min, at most 10 are wanted", "c": resting}
    assert totals == {"a": 4.673}
