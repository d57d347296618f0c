"""Prefer the models whose context window has room to spare for the request, and leave out those where it does not fit."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation

ROOMY_SHARE = 0.8  # up to here there is room to spare
TIGHT_SCORE = 0.1  # what the score falls to at the full window


class Context(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="context",
):
    """Prefer the models whose context window has room to spare, and leave out those where the request does not fit."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True


def score(situation: Situation, pool: Pool, params: Context) -> Scores:
    """1.0 up to a share of 0.8 of the window, then linear down to 0.1; at or over the window out. No window: 1.0."""
    facts = situation.facts
    tokens = facts.input_tokens_estimate + (facts.output_tokens_cap or 0)
    scores: list[float] = []
    excluded: dict[str, str] = {}
    inputs: dict[str, dict[str, float]] = {}
    for model, window in zip(pool.ids, pool.windows, strict=True):
        if window is None:
            scores.append(1.0)
            continue
        share = tokens / window
        inputs[model] = {"tokens": tokens, "share": share}
        scores.append(1.0 if share <= ROOMY_SHARE else _score(share))
        if tokens >= window:
            excluded[model] = f"{tokens} tokens do not fit into its window of {window}"
    return Scores(scores, excluded, inputs)


def _score(share: float) -> float:
    """From 1.0 at a share of 0.8 down to 0.1 at the whole window, and not below."""
    return max(TIGHT_SCORE, 1.0 - (share - ROOMY_SHARE) / (1.0 - ROOMY_SHARE) * (1.0 - TIGHT_SCORE))
