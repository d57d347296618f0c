"""The worked examples of `cases/`: rules as rows, each with the arithmetic that product.md asks for, decided by `explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.explain import explain as explained
from core.explain import read
from core.money import PriceTable, RateCard, Usage, cost_nano_usd
from core.plans import candidate
from core.routing.engine import decide
from core.routing.stats import Statistics

CASES = Path(__file__).parent / "cases"
NOW_MS = 1_795_424_460_123


def rows(name: str) -> list[Any]:
    """Each row of a file as a test parameter named by its rule, with the file's own defaults beside it."""
    document = yaml.load((CASES / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)
    shared = {key: value for key, value in document.items() if key != "rows"}
    return [pytest.param({**shared, **row, "shared": shared}, id=row["rule"]) for row in document["rows"]]


def value(arithmetic: object) -> float:
    """A figure as a row writes it: `1 - 1/(1 + 2)`."""
    return float(eval(str(arithmetic), {"__builtins__": {}}))


def figures_of(shown: dict[str, object]) -> dict[str, float]:
    """What a score was made from, as a row writes it."""
    return {figure: value(arithmetic) for figure, arithmetic in shown.items()}


def event(record: list[Any]) -> dict[str, Any]:
    """[model, what became of it, age, latency, first token], milliseconds, as the end of a request of its own."""
    model, became, age, *times = record
    if became == "in flight":
        attempt = {"model": model, "provider": "p", "status": "success", "ended_ms": age + 1}
        return {"at_ms": NOW_MS - age, "attempts": [attempt]}
    status, _, http_status = became.partition(" ")
    attempt = {"model": model, "provider": "p", "status": status, "started_ms": 5, "ended_ms": 5 + times[0]}
    if http_status:
        attempt["http_status"] = int(http_status)
    if times[1:]:
        attempt["first_content_ms"] = 5 + times[1]
    return {"at_ms": NOW_MS - round(age) - times[0] - 5, "attempts": [attempt]}


def model_file(prices: Any) -> dict[str, Any]:
    """A model of [input, output] prices, of a whole price list, or without a price."""
    if isinstance(prices, list):
        return {"prices": {"input": prices[0], "output": prices[1]}}
    return {} if prices is None else {"prices": prices}


@pytest.mark.parametrize("row", [*rows("cheapest"), *rows("health"), *rows("performance")])
def test_a_policy_scores_as_its_rule_says(row: dict[str, Any]) -> None:
    models = row.get("models") or dict.fromkeys(row["scores"])
    document = {
        "routing": {
            "models": [{"id": name} for name in models],
            "policies": [{"kind": row["policy"], **row.get("params", {})}],
        },
        "models": {name: model_file(prices) for name, prices in models.items()},
        "facts": row.get("facts", {}),
        "events": [event(record) for record in row.get("records", [])],
        "now": NOW_MS,
    }
    outcome = explained(read(json.dumps(document).encode())).policies[0]
    expected = {name: value(arithmetic) for name, arithmetic in row["scores"].items()}
    assert outcome.scores == pytest.approx(expected, rel=0, abs=1e-12)
    assert list(outcome.excluded) == row.get("excluded", [])
    assert list(outcome.scores) == list(models)
    if "reasons" in row:
        assert outcome.excluded == row["reasons"]
    if "inputs" in row:
        assert outcome.inputs == {name: figures_of(shown) for name, shown in row["inputs"].items()}


def test_the_records_of_a_case_may_come_in_any_order() -> None:
    for case in rows("health"):
        row = case.values[0]
        backwards = {**row, "records": list(reversed(row.get("records", [])))}
        test_a_policy_scores_as_its_rule_says(backwards)


@pytest.mark.parametrize("row", rows("combination"))
def test_policies_combine_as_the_rule_says(row: dict[str, Any]) -> None:
    given = {str(position): answer(said) for position, said in row.get("given", {}).items()}
    document = {
        "routing": {"models": [{"id": name} for name in row["models"]], "policies": [policy(text) for text in row["policies"]]},
        "models": {name: {} for name in row["models"]},
        "facts": {},
        "given": given,
    }
    read_in = read(json.dumps(document).encode())
    decision = decide(
        read_in.facts,
        [candidate(name, read_in.models[name]) for name in row["models"]],
        read_in.routing.policies,
        Statistics(),
        NOW_MS,
        dropped=dict.fromkeys(row.get("dropped", []), "limit"),
        given=read_in.given,
    )
    totals = {name: round(value(arithmetic), 9) for name, arithmetic in row["totals"].items()}
    assert decision.totals == totals
    assert list(decision.order) == row["order"]
    assert list(decision.candidates) == row["models"]
    assert len(decision.policies) == row.get("ran", sum(policy(text)["enabled"] for text in row["policies"]))


def policy(text: str) -> dict[str, Any]:
    kind, _, off = text.partition(" ")
    return {"kind": kind, "enabled": not off}


def answer(said: Any) -> Any:
    if not isinstance(said, dict):
        return said
    points = {name: point for name, point in said.items() if name != "excludes"}
    return {"points": points, "excludes": said.get("excludes", [])}


@pytest.mark.parametrize("row", rows("money"))
def test_usage_costs_what_the_rule_says(row: dict[str, Any]) -> None:
    full: dict[str, int] = row["shared"]["prices"]
    base = {**full, **row["prices"]}
    tiers = tuple((threshold, RateCard(**{**base, **rates})) for threshold, rates in row.get("tiers", []))
    cost = cost_nano_usd(PriceTable(base=RateCard(**base), tiers=tiers), Usage(**row["usage"]))
    assert cost == eval(str(row["cost"]), {"__builtins__": {}})
