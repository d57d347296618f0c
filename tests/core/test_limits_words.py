"""What is said of a limit, and what is left of it for whoever may not know what all projects together used."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from core.fields import LimitRule
from core.limits import Block, Effective, Scope, without_shared_figures

SHARED = (Scope(), Scope(model="org/m-1.5"))
OWN = (
    Scope(project="a"),
    Scope(project="a", token="t"),
    Scope(project="a", model="m"),
    Scope(project="a", token="t", model="m"),
)
CAUSES = ("exhausted", "too_little", "reserved", "unpriced")
METRICS = ("cost", "calls")


def said(scope: Scope, cause: Any, metric: Any, ends_ms: int | None = 1_790_000_000_000) -> str:
    rule = LimitRule(metric=metric, window="daily", value=Decimal(7))
    effective = Effective(scope, rule)
    block = Block(
        cause=cause, effective=effective, model="m", used=7_770_000_777, reserved=7_770_000_777, needed=31, ends_ms=ends_ms
    )
    return str(block)


@pytest.mark.parametrize(("scope", "cause", "metric"), [*itertools.product(SHARED, CAUSES, METRICS)])
def test_what_all_projects_used_is_left_out_and_all_else_stays(scope: Scope, cause: str, metric: str) -> None:
    for whole in ("{}", "No model has room: {}.", "x: {}; {}", "{}; the daily call limit of project a is used up: 1 of 1 used"):
        text = whole.replace("{}", said(scope, cause, metric))
        narrowed = without_shared_figures(text)
        assert "777" not in narrowed
        assert f"limit of {scope.owner}" in narrowed
        assert ("until 2026-" in narrowed) == ("until 2026-" in text)
        assert ("may need" in narrowed) == ("may need" in text)
        assert ("project a is used up: 1 of 1 used" in narrowed) == ("project a" in whole)
        assert narrowed.endswith(".") == text.endswith(".")


def test_the_words_without_figures_are_still_a_sentence() -> None:
    text = f"No model has room: {said(Scope(), 'exhausted', 'calls')}."
    assert without_shared_figures(text) == (
        "No model has room: the daily call limit of the platform is used up, until 2026-09-21T14:13:20Z."
    )


@pytest.mark.parametrize(("scope", "cause", "metric"), [*itertools.product(OWN, CAUSES, METRICS)])
def test_what_a_project_itself_used_is_said(scope: Scope, cause: str, metric: str) -> None:
    text = said(scope, cause, metric)
    assert without_shared_figures(text) == text
