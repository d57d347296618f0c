"""A decision without what all projects together used: for whoever may not see all of them.

Policies read records and limits of all projects. What they made of them, the order above all, stays; the counts that others
could be measured by go, and the share that is left of a limit stays as a tenth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from core.routing.decision import PolicyOutcome

_SHARED_INPUTS: Final[Mapping[str, frozenset[str]]] = {
    "budget-remaining": frozenset({"remaining_share"}),
    "health": frozenset({"errors", "total", "records"}),
    "rate-limit": frozenset({"calls"}),
}
_COUNTS: Final = re.compile(r"^\d+ (?=calls in )|(?<= % of )\d+ (?=records )")


def narrowed(
    policies: Sequence[PolicyOutcome], totals: Mapping[str, float]
) -> tuple[tuple[PolicyOutcome, ...], dict[str, float]]:
    """What policies said, and the sums of their weighted scores, without figures that are counted over all projects."""
    shown = tuple(_narrowed(outcome) for outcome in policies)
    sums = dict(totals)
    for was, now in zip(policies, shown, strict=True):
        for model in sums.keys() & was.scores.keys():
            sums[model] += (now.scores[model] - was.scores[model]) * was.weight
    return shown, {model: round(total, 9) for model, total in sums.items()}


def _narrowed(outcome: PolicyOutcome) -> PolicyOutcome:
    shared = _SHARED_INPUTS.get(outcome.kind)
    if shared is None:
        return outcome
    scores = outcome.scores
    if outcome.kind == "budget-remaining":
        # The score is the share that is left, and the limit is no secret.
        scores = {model: round(score, 1) for model, score in scores.items()}
    inputs = {
        model: {name: value for name, value in figures.items() if name not in shared}
        for model, figures in outcome.inputs.items()
    }
    excluded = {model: _COUNTS.sub("", reason) for model, reason in outcome.excluded.items()}
    return replace(outcome, scores=scores, inputs=inputs, excluded=excluded)
