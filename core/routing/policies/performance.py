"""Prefer the models that answer fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.facts import Facts
from core.routing.candidates import Candidate, Scores
from core.routing.parameters import HalfLifeMinutes, WindowMinutes, refuse_short_half_life
from core.routing.stats import Statistics


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


def score(facts: Facts, candidates: Sequence[Candidate], stats: Statistics, params: Performance, now_ms: int) -> Scores:
    """1.0 for the fastest, `fastest / own` for the others; a model without data is not punished for it."""
    read = stats.sums(params.window_minutes, params.half_life_minutes, candidates, now_ms)
    by_latency = params.metric == "latency"
    scores: dict[str, float] = {}
    means: dict[str, float] = {}
    inputs: dict[str, dict[str, float]] = {}
    for model, sums in read.found:
        scores[model] = 1.0
        if sums is None:
            continue
        mean = sums.mean_latency_ms() if by_latency else sums.mean_ttft_ms()
        samples = sums.successes if by_latency else sums.timed
        if mean is not None and samples >= params.min_samples:
            means[model] = mean
            inputs[model] = {"mean_ms": mean, "samples": samples}
    # With one measured model there is nothing to compare: ranking it would only reward silence.
    if len(means) >= 2:
        fastest = min(means.values())
        for model, mean in means.items():
            scores[model] = fastest / mean if mean else 1.0
    return Scores(scores=scores, inputs=inputs, lasting=True)
