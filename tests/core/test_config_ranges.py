"""The ends of every range in the configuration, and what holds where nothing is said: rows of `cases/ranges.yaml`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from core import config, fields, providers
from core.conversion import Misfit, convert
from core.routing.policies import Policy
from core.routing.policies.semantic_intent import Intent

CASES = yaml.load((Path(__file__).parent / "cases/ranges.yaml").read_text(), Loader=yaml.CSafeLoader)
MODULES = (config, fields, providers)
POLICIES: dict[str, Any] = {policy.__name__: policy for policy in get_args(Policy)} | {"Intent": Intent}
HASH = "0123456789abcdef" * 4


def name(row: dict[str, Any]) -> str:
    return f"{row['type']}.{row['field']}"


def kind(row: dict[str, Any]) -> Any:
    return POLICIES.get(row["type"]) or next(getattr(module, row["type"]) for module in MODULES if hasattr(module, row["type"]))


def value(arithmetic: object) -> int:
    return int(eval(str(arithmetic), {"__builtins__": {}}))


def taken(row: dict[str, Any], given: object) -> bool:
    others = {key: HASH if other == "hash" else other for key, other in row.get("with", {}).items()}
    try:
        made = convert({**others, row["field"]: given}, kind(row))
    except Misfit:
        return False
    assert getattr(made, row["field"]) == given
    return True


@pytest.mark.parametrize("row", CASES["numbers"], ids=name)
def test_a_number_is_taken_from_its_first_to_its_last_value(row: dict[str, Any]) -> None:
    """From the first, or from anything above a bound that is not in the range itself, to the last, if there is one."""
    outside, first = (row["above"], row["above"] + 0.5) if "above" in row else (value(row["from"]) - 1, value(row["from"]))
    assert [taken(row, given) for given in (outside, first)] == [False, True]
    if "to" in row:
        last = value(row["to"])
        assert [taken(row, given) for given in (last, last + 1)] == [True, False]


@pytest.mark.parametrize("row", [row for row in CASES["numbers"] if "default" in row], ids=name)
def test_what_holds_where_nothing_is_said(row: dict[str, Any]) -> None:
    assert getattr(convert(row.get("with", {}), kind(row)), row["field"]) == row["default"]


@pytest.mark.parametrize("row", CASES["texts"], ids=name)
def test_a_text_is_taken_from_its_shortest_to_its_longest(row: dict[str, Any]) -> None:
    def text(length: int) -> object:
        made = (row.get("text", "") + ("A" if row["field"] == "env" else "a") * length)[:length]
        intent = Intent(examples=("x",), models=("m",))
        places = {"list": (made,), "map": {made: intent}, "header": {"x-team": made}, "header name": {made: "x"}}
        return places.get(row.get("in", ""), made)

    longest = row["longest"]
    assert [taken(row, text(longest)), taken(row, text(longest + 1))] == [True, False]
    if shortest := row.get("shortest", 0):
        assert [taken(row, text(shortest - 1)), taken(row, text(shortest))] == [False, True]


@pytest.mark.parametrize("row", CASES["amounts"], ids=name)
def test_an_amount_is_taken_up_to_its_largest_and_down_to_its_finest(row: dict[str, Any]) -> None:
    largest, step = Decimal(value(row["largest"])), Decimal(1).scaleb(-row["finest"])
    assert [taken(row, given) for given in (-step, Decimal(0), step, largest, largest + step)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert not taken(row, step / 10)
    assert taken(row, Decimal("1.50000000000000") if row["finest"] else Decimal("1.000"))


@pytest.mark.parametrize(
    ("thresholds", "ascending"),
    [([], True), ([5], True), ([5, 6], True), ([5, 5], False), ([6, 5], False), ([1, 2, 3], True), ([1, 3, 2], False)],
)
def test_tiers_ascend(thresholds: list[int], ascending: bool) -> None:
    row = {
        "type": "Prices",
        "field": "input",
        "with": {"output": 1, "tiers": [{"above_input_tokens": at} for at in thresholds]},
    }
    assert taken(row, Decimal(1)) == ascending


def test_an_address_that_is_given_is_not_empty() -> None:
    """It would stand for the kind's own address; who means that one leaves it out."""
    assert not taken({"type": "Provider", "field": "base_url", "with": {"kind": "openai"}}, "")
