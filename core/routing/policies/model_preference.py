"""Prefer the model that the client named."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation

UNDECIDED_SCORE = 0.5


class ModelPreference(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="model-preference",
):
    """Prefer the model that the client named, where that is one of the candidates."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    bonus: Annotated[float, Meta(ge=0, le=1, description="What the model scores that the client named.")] = 1.0


def score(situation: Situation, pool: Pool, params: ModelPreference) -> Scores:
    """`bonus` for the model that the client named and 0.0 for the others; 0.5 for all where none of them is named."""
    named = situation.facts.model_named
    if named not in pool.ids:
        return Scores([UNDECIDED_SCORE] * len(pool.ids))
    return Scores([params.bonus if model == named else 0.0 for model in pool.ids])
