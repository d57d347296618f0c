"""Parameters that policies share, and the form that a frontend draws of all of them."""

from __future__ import annotations

import pytest

from core.routing.palette import Parameter, palette
from core.routing.parameters import milliseconds


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0, 0), (1, 60_000), (0.01, 600), (1e-9, 1), (1 / 120_000, 1), (1440, 86_400_000), (2.5e-5, 2)]
)
def test_minutes_are_whole_milliseconds_and_what_is_above_none_is_at_least_one(minutes: float, expected: int) -> None:
    assert milliseconds(minutes) == expected


TITLES = {
    "cheapest": "Cheapest",
    "health": "Health",
    "performance": "Performance",
    "capability": "Capability",
    "context": "Context",
    "rate-limit": "Rate limit",
    "fairness": "Fairness",
    "budget-remaining": "Budget remaining",
    "llm": "LLM",
    "semantic-intent": "Semantic intent",
    "model-preference": "Model preference",
}


def described(kind: str) -> dict[str, Parameter]:
    [policy] = [policy for policy in palette() if policy.kind == kind]
    return {parameter.name: parameter for parameter in policy.parameters}


def test_policies_and_parameters_have_titles_in_words() -> None:
    assert {policy.kind: policy.title for policy in palette()} == TITLES
    assert described("health")["half_life_minutes"].title == "Half life minutes"
    assert described("llm")["fallback_models"].title == "Fallback models"


ENDS = [
    ("health", "window_minutes", (0, True, 1440, False)),
    ("health", "half_life_minutes", (0, False, 1440, False)),
    ("health", "circuit_breaker", (0, True, 1, False)),
    ("health", "min_samples", (1, False, 1000, False)),
    ("cheapest", "output_tokens_estimate", (0, False, None, False)),
    ("llm", "timeout_ms", (100, False, 600_000, False)),
]


@pytest.mark.parametrize(("kind", "name", "ends"), ENDS, ids=[f"{kind} {name}" for kind, name, _ in ENDS])
def test_a_range_says_whether_its_ends_are_in_it(
    kind: str, name: str, ends: tuple[float | None, bool, float | None, bool]
) -> None:
    found = described(kind)[name]
    assert (found.minimum, found.exclusive_minimum, found.maximum, found.exclusive_maximum) == ends
