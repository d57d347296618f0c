"""Prefer the models that the limits leave most room for."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation


class BudgetRemaining(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="budget-remaining",
):
    """Prefer the models that the limits leave most room for: those of the model, the project and the token."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True


def score(situation: Situation, pool: Pool, params: BudgetRemaining) -> Scores:
    """The smallest (limit − used − reserved) / limit over all limits that an attempt would reserve in; 1.0 without any."""
    budgets = situation.budgets
    if not budgets:
        return Scores(pool.all_one)
    scores: list[float] = []
    inputs: dict[str, dict[str, float]] = {}
    for model in pool.ids:
        share = budgets.get(model)
        if share is None:
            scores.append(1.0)
            continue
        inputs[model] = {"remaining_share": share}
        scores.append(min(1.0, max(0.0, share)))
    return Scores(scores, inputs=inputs)
