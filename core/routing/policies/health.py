"""Prefer the models that have answered of late, and leave out those that fail, until a probe shows that they are back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.parameters import HalfLifeMinutes, WindowMinutes, refuse_short_half_life
from core.routing.situation import Situation
from core.routing.stats import Statistics
from core.routing.window import Aggregate


class Health(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="health",
):
    """Prefer the models that have answered of late, and leave out those that fail, until a probe shows that they are back."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    window_minutes: WindowMinutes = 20.0
    half_life_minutes: HalfLifeMinutes = 5.0
    pseudo_counts: Annotated[
        float, Meta(ge=0, le=1000, description="Good records assumed in advance, so that one failure is not a verdict.")
    ] = 2.0
    circuit_breaker: Annotated[
        float, Meta(gt=0, le=1, description="The share of failures from which on a model that failed last is left out.")
    ] = 0.9
    min_samples: Annotated[
        int, Meta(ge=1, le=1000, description="Records needed before a model can be left out.", extra={"unit": "records"})
    ] = 2
    probe_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="How long after its newest failure a model that was left out is tried again, one attempt at a time.",
            extra={"unit": "s"},
        ),
    ] = 90.0

    def __post_init__(self) -> None:
        """Raise ValueError for a half-life too short to weigh by."""
        refuse_short_half_life(self.half_life_minutes)


def score(situation: Situation, pool: Pool, params: Health) -> Scores:
    """1 − errors / (records + pseudo-counts), weighted by age; 1.0 without records; open breakers are exclusions."""
    stats, now_ms = situation.stats, situation.now_ms
    read = stats.sums(params.window_minutes, params.half_life_minutes, pool, now_ms)
    decay, pseudo_counts = read.decay, params.pseudo_counts
    scores: list[float] = []
    excluded: dict[str, str] = {}
    inputs: dict[str, dict[str, float]] = {}
    lasting = True
    for model, sums in zip(pool.ids, read.found):  # noqa: B905  # as long as the pool, both
        if sums is None or not sums.records:
            scores.append(1.0)
            continue
        errors, total = sums.weighted(decay)
        inputs[model] = {"errors": errors, "total": total, "records": sums.records}
        if not errors:
            scores.append(1.0)
            continue
        scores.append(1.0 - errors / (total + pseudo_counts))
        failed_at = stats.failed_last(model)
        if failed_at is None:
            continue
        lasting = False  # whether a probe is in flight may change within the millisecond
        if _open(model, sums, failed_at, stats, params, now_ms):
            excluded[model] = _reason(sums, failed_at, now_ms)
    return Scores(scores, excluded, inputs, lasting)


def _open(model: str, sums: Aggregate, failed_at: int, stats: Statistics, params: Health, now_ms: int) -> bool:
    """Whether the breaker of a model whose newest record is a failure, at `failed_at`, keeps it out."""
    if sums.records < params.min_samples or sums.error_share() < params.circuit_breaker:
        return False
    probe_due = now_ms - failed_at >= params.probe_seconds * 1000
    return not probe_due or stats.in_flight_since(model, failed_at)


def _reason(sums: Aggregate, failed_at: int, now_ms: int) -> str:
    share = round(sums.error_share() * 100)
    return f"{share} % of {sums.records} records failed, the newest {(now_ms - failed_at) // 1000} s ago"
