"""Prefer the models that would cost least for this very request."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.facts import Facts
from core.money import rates_for
from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation

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


def score(situation: Situation, pool: Pool, params: Cheapest) -> Scores:
    """1.0 for what is free, the cheapest paid model at the ceiling and the others in proportion, 0.5 without a price."""
    facts = situation.facts
    tokens_in = facts.input_tokens_estimate
    tokens_out = _output_tokens(facts, params) * facts.answers
    rates = pool.plain_rates
    if rates is None or not (tokens_in or tokens_out):
        return _beside_free_or_unpriced(pool, tokens_in, tokens_out)
    # Not rounded to nano-USD: a short request would lose digits that tell two cheap models apart.
    costs = [tokens_in * paid + tokens_out * paid_out for paid, paid_out in rates]
    cheapest = min(costs)
    inputs = {model: {"cost_nano_usd": cost / 1000} for model, cost in zip(pool.ids, costs)}  # noqa: B905  # as long, both
    return Scores([cheapest / cost for cost in costs], inputs=inputs)


def _beside_free_or_unpriced(pool: Pool, tokens_in: int, tokens_out: int) -> Scores:
    """The same where there are tiers, where something costs nothing, or where something has no price."""
    costs: dict[str, int] = {}
    ceiling = 1.0
    for model, prices, free in zip(pool.ids, pool.prices, pool.free, strict=True):
        if free:
            ceiling = CEILING_BESIDE_FREE
        elif prices is not None:
            rates = rates_for(prices, tokens_in)
            costs[model] = tokens_in * rates.input + tokens_out * rates.output
    cheapest = ceiling * min(costs.values(), default=0)
    scores: list[float] = []
    for model, free in zip(pool.ids, pool.free, strict=True):
        cost = costs.get(model)
        if cost is None:
            scores.append(1.0 if free else UNPRICED_SCORE)
        else:
            scores.append(cheapest / cost if cost else ceiling)
    return Scores(scores, inputs={model: {"cost_nano_usd": cost / 1000} for model, cost in costs.items()})


def _output_tokens(facts: Facts, params: Cheapest) -> int:
    """How long one answer is taken to be."""
    if params.output_tokens_estimate is not None:
        return params.output_tokens_estimate
    return facts.input_tokens_estimate if facts.output_tokens_cap is None else facts.output_tokens_cap
