"""Spread a project's requests over its models."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.parameters import WindowMinutes
from core.routing.situation import Situation


class Fairness(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="fairness",
):
    """Spread the project's requests over its models: prefer those that have answered the fewest of late."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    window_minutes: WindowMinutes = 60.0


def score(situation: Situation, pool: Pool, params: Fairness) -> Scores:
    """1 − own share of the project's successes among the candidates; 1.0 for all while there is none."""
    successes = situation.stats.successes(situation.project, params.window_minutes, pool, situation.now_ms)
    total = sum(successes)
    if not total:
        return Scores(pool.all_one, lasting=True)
    inputs: dict[str, dict[str, float]] = {
        model: {"successes": own, "total": total} for model, own in zip(pool.ids, successes, strict=True)
    }
    return Scores([1.0 - own / total for own in successes], inputs=inputs, lasting=True)
