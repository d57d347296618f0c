"""Prefer the models that would cost least for this very request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from core.facts import Facts
from core.money import is_free, rates_for
from core.routing.candidates import Candidate, Scores
from core.routing.stats import Statistics

UNPRICED_SCORE = 0.5
CEILING_BESIDE_FREE = 0.5


class Cheapest(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="cheapest",
):
    """Prefer the models that would cost least for this very request: prices, tiers and estimated tokens."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    output_tokens_estimate: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(
            description="How long an answer is expected to be; else the request's own cap, else as long as its input.",
            extra={"unit": "tokens"},
        ),
    ] = None


def score(facts: Facts, candidates: Sequence[Candidate], stats: Statistics, params: Cheapest, now_ms: int) -> Scores:
    """1.0 for what is free, the cheapest paid model at the ceiling and the others in proportion, 0.5 without a price."""
    tokens_in = facts.input_tokens_estimate
    tokens_out = _output_tokens(facts, params) * facts.answers
    costs: dict[str, int] = {}
    scores: dict[str, float] = {}
    ceiling = 1.0
    for candidate in candidates:
        prices = candidate.prices
        if prices is None:
            scores[candidate.id] = UNPRICED_SCORE
            continue
        rates = rates_for(prices, tokens_in) if prices.tiers else prices.base
        # Not rounded to nano-USD: a short request would lose digits that tell two cheap models apart.
        cost = tokens_in * rates.input + tokens_out * rates.output
        if not cost and is_free(prices):
            scores[candidate.id] = 1.0
            ceiling = CEILING_BESIDE_FREE
        else:
            scores[candidate.id] = 0.0  # keeps the project's order of models; the score follows once the cheapest is known
            costs[candidate.id] = cost
    if costs:
        cheapest = ceiling * min(costs.values())
        for model, cost in costs.items():
            scores[model] = cheapest / cost if cost else ceiling
    return Scores(scores=scores, inputs={model: {"cost_nano_usd": cost / 1000} for model, cost in costs.items()})


def _output_tokens(facts: Facts, params: Cheapest) -> int:
    """How long one answer is taken to be."""
    if params.output_tokens_estimate is not None:
        return params.output_tokens_estimate
    return facts.input_tokens_estimate if facts.output_tokens_cap is None else facts.output_tokens_cap
