"""Spread the calls over models whose own calls are limited, and leave models alone that asked for it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.parameters import WindowMinutes
from core.routing.situation import Situation


class RateLimit(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="rate-limit",
):
    """Spread calls over models whose own file limits them, and let a model rest that answered 429 with a `Retry-After`."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    window_minutes: WindowMinutes = 1.0
    max_calls: Annotated[
        Annotated[int, Meta(ge=1, le=10**9)] | None,
        Meta(
            description="From how many calls in the window on a model with a limit on calls is left out; else none is.",
            extra={"unit": "calls"},
        ),
    ] = None


def score(situation: Situation, pool: Pool, params: RateLimit) -> Scores:
    """Fewest calls / own among models with a `calls` limit of their own, 1.0 without any call and for the others."""
    stats, now_ms = situation.stats, situation.now_ms
    rests = stats.rests
    if not rests and not pool.calls_limited:
        return Scores(pool.all_one, lasting=True)
    # Nobody counts what nobody asks for.
    calls = stats.counts(params.window_minutes, pool, now_ms) if pool.calls_limited else ()
    scores = pool.all_one.copy()
    excluded: dict[str, str] = {}
    inputs: dict[str, dict[str, float]] = {}
    fewest = min([calls[at] for at in pool.calls_limited if calls[at]], default=0)
    for at in pool.calls_limited:
        model, own = pool.ids[at], calls[at]
        inputs[model] = {"calls": own}
        if own:
            scores[at] = fewest / own
        if params.max_calls is not None and own >= params.max_calls:
            excluded[model] = f"{own} calls in {params.window_minutes:g} min, at most {params.max_calls} are wanted"
    for model in pool.ids:
        until_ms = rests.get(model, 0)
        if until_ms > now_ms:
            excluded[model] = f"its provider answered 429 and asked to be left alone for another {until_ms - now_ms} ms"
            inputs[model] = {**inputs.get(model, {}), "rests_ms": until_ms - now_ms}
    return Scores(scores, excluded, inputs, lasting=True)
