"""The engine: what a policy does wrong stays inside it, and the same inputs give the same decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import Facts
from core.routing.candidates import Candidate, Pool, Scores
from core.routing.engine import Decision, Given, Ranking, decide
from core.routing.policies import KINDS, SCORERS, BudgetRemaining, Cheapest, Health, Llm, Performance, Policy
from core.routing.situation import Situation
from core.routing.stats import Statistics

NOW_MS = 1_795_424_460_123


def candidates(*names: str) -> list[Candidate]:
    return [Candidate(id=name, provider="p", upstream_name=name) for name in names]


def asked(points: Mapping[str, float], *names: str) -> Decision:
    return decide(Facts(), candidates(*names), [Cheapest()], Statistics(), NOW_MS, given={0: Given(points=dict(points))})


def test_not_a_number_scores_nothing_and_infinity_is_clamped() -> None:
    decision = asked({"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.5}, "a", "b", "c", "d")
    assert decision.policies[0].scores == {"a": 0.0, "b": 1.0, "c": 0.0, "d": 0.5}
    assert decision.order == ("b", "d", "a", "c")


def test_a_policy_that_raises_is_skipped_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(situation: Situation, pool: Pool, params: Policy) -> Scores:
        raise RuntimeError("no such thing")

    monkeypatch.setitem(SCORERS, "health", broken)
    decision = decide(Facts(), candidates("a"), [Cheapest(), Health(), Performance()], Statistics(), NOW_MS)
    assert [(outcome.kind, outcome.weight, outcome.failed) for outcome in decision.policies] == [
        ("cheapest", 3, ""),
        ("health", 2, "no such thing"),
        ("performance", 1, ""),
    ]
    assert decision.totals == {"a": 0.5 * 3 + 1.0 * 1}


def test_the_reason_of_what_limits_dropped_is_kept() -> None:
    decision = decide(Facts(), candidates("a", "b"), [Health()], Statistics(), NOW_MS, dropped={"a": "daily cost"})
    assert decision.dropped == {"a": "daily cost"}
    assert decision.candidates == ("a", "b")
    assert decision.order == ("b",)


def test_a_ranking_says_which_policies_are_to_be_asked_beforehand_and_whether_budgets_count() -> None:
    off, on = Llm(model="j", enabled=False), Llm(model="j")
    ranking = Ranking(candidates("a"), [Cheapest(), off, on])
    assert (ranking.asked, ranking.weighs_budgets) == (((2, on),), False)
    assert Ranking(candidates("a"), [BudgetRemaining(enabled=False)]).weighs_budgets is False
    assert Ranking(candidates("a"), [BudgetRemaining()]).weighs_budgets is True


def test_rankings_are_equal_by_what_they_were_made_of() -> None:
    ranking = Ranking(candidates("a", "b"), [Cheapest()])
    assert ranking == Ranking(candidates("a", "b"), [Cheapest()])
    assert ranking != Ranking(candidates("b", "a"), [Cheapest()])
    assert ranking != Ranking(candidates("a", "b"), [Health()])
    assert ranking != "a ranking"


def test_without_candidates_there_is_no_order() -> None:
    assert decide(Facts(), [], [Health()], Statistics(), NOW_MS) == Decision()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_totals_are_rounded_like_round_and_ties_keep_the_order(first: list[float], second: list[float]) -> None:
    names = [f"m{number}" for number in range(len(first))]
    said = {0: Given(points=dict(zip(names, first, strict=True))), 1: Given(points=dict(zip(names, second, strict=False)))}
    decision = decide(Facts(), candidates(*names), [Cheapest(), Health()], Statistics(), NOW_MS, given=said)
    totals = {name: round(first[at] * 2 + second[at] * 1, 9) for at, name in enumerate(names)}
    assert decision.totals == totals
    assert list(decision.order) == sorted(names, key=lambda name: (-totals[name], names.index(name)))


@given(st.integers(0, 10**9 - 1), st.sampled_from([-2, -1, 0, 1, 2]))
def test_totals_next_to_half_a_billionth_are_rounded_like_round(billionths: int, steps: int) -> None:
    point = (billionths + 0.5) / 1e9
    for _ in range(abs(steps)):
        point = math.nextafter(point, math.inf if steps > 0 else 0.0)
    assert asked({"a": point}, "a").totals == {"a": round(point, 9)}


@pytest.mark.parametrize("thousandths", range(0, 1000, 9))
def test_any_fraction_of_a_billionth_is_rounded_to_the_nearest(thousandths: int) -> None:
    point = (7_000 + thousandths) / 1e12
    assert asked({"a": point}, "a").totals == {"a": round(point, 9)}


def test_a_decision_survives_its_encoding() -> None:
    decision = decide(Facts(), candidates("a", "b"), [Cheapest(), Health(), Performance()], Statistics(), NOW_MS)
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision


REQUIRED = {"model", "embedding_model", "intents"}


@pytest.mark.parametrize("policy", list(KINDS))
def test_every_parameter_is_described_with_its_default(policy: type[Any]) -> None:
    assert KINDS[policy] == policy.__struct_config__.tag
    assert KINDS[policy] in SCORERS
    fields = msgspec.json.schema(policy)["$defs"][policy.__name__]["properties"]
    for name, field in fields.items():
        if name != "kind":
            assert field.get("description"), f"{KINDS[policy]}.{name} is not described"
            assert "default" in field or name in REQUIRED


@pytest.mark.parametrize("policy", [Health, Performance])
def test_a_half_life_is_none_or_long_enough_to_weigh_by(policy: Any) -> None:
    assert policy(half_life_minutes=0.0).half_life_minutes == 0.0
    assert policy(half_life_minutes=0.01).half_life_minutes == 0.01
    with pytest.raises(ValueError, match="half_life_minutes"):
        policy(half_life_minutes=0.009)
