"""Prefer the models that answer fast."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.parameters import HalfLifeMinutes, WindowMinutes, refuse_short_half_life
from core.routing.situation import Situation


class Performance(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="performance",
):
    """Prefer the models that answer fast."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    window_minutes: WindowMinutes = 20.0
    half_life_minutes: HalfLifeMinutes = 5.0
    min_samples: Annotated[
        int, Meta(ge=1, le=1000, description="Successes needed before a model is compared.", extra={"unit": "records"})
    ] = 1
    metric: Annotated[
        Literal["latency", "ttft"],
        Meta(description="What is compared: the time to the last byte, or to the first token."),
    ] = "latency"

    def __post_init__(self) -> None:
        """Raise ValueError for a half-life too short to weigh by."""
        refuse_short_half_life(self.half_life_minutes)


def score(situation: Situation, pool: Pool, params: Performance) -> Scores:
    """1.0 for the fastest, `fastest / own` for the others; a model without data is not punished for it."""
    read = situation.stats.sums(params.window_minutes, params.half_life_minutes, pool, situation.now_ms)
    metric, min_samples = params.metric == "latency", params.min_samples
    inputs: dict[str, dict[str, float]] = {}
    for model, sums in zip(pool.ids, read.found):  # noqa: B905  # as long as the pool, both
        mean = None if sums is None else (sums.means or sums.averaged())[metric]
        if mean is not None and mean["samples"] >= min_samples:
            inputs[model] = mean
    # With one measured model there is nothing to compare: ranking it would only reward silence.
    if len(inputs) < 2:
        return Scores(pool.all_one, inputs=inputs, lasting=True)
    fastest = min([mean["mean_ms"] for mean in inputs.values()])
    scores = [fastest / inputs[model]["mean_ms"] if model in inputs and fastest else 1.0 for model in pool.ids]
    return Scores(scores, inputs=inputs, lasting=True)
