"""From candidates to an order: every enabled policy scores, exclusions are united, weighted totals decide, ties keep the
project's order. Pure: the same facts, candidates, statistics and instant give the same decision, always."""

from __future__ import annotations

import msgspec


class PolicyOutcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one policy said: a score per model (0..1, excluded ones 0) and why it excluded some."""

    kind: str
    weight: int
    scores: dict[str, float] = {}
    excluded: dict[str, str] = {}  # model -> reason
    inputs: dict[str, dict[str, float]] = {}  # model -> the figures the score was made from
    failed: str = ""  # why the policy was skipped


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The whole reasoning of one routing decision: what the trace shows and `explain` prints."""

    candidates: tuple[str, ...] = ()
    dropped: dict[str, str] = {}  # by limits: model -> reason
    policies: tuple[PolicyOutcome, ...] = ()
    totals: dict[str, float] = {}
    order: tuple[str, ...] = ()
