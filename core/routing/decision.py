"""The whole reasoning of one routing decision as a value: what the trace holds and `explain` prints."""

from __future__ import annotations

import msgspec


class PolicyOutcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one policy said: a score per model (0..1, those it excluded 0) and why it excluded some."""

    kind: str
    weight: int
    scores: dict[str, float] = {}
    excluded: dict[str, str] = {}  # model -> reason
    inputs: dict[str, dict[str, float]] = {}  # model -> the figures the score was made from
    failed: str = ""  # why the policy was skipped
    note: str = ""  # what the scores do not say of themselves


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Every candidate with its fate: dropped by limits, excluded by a policy, or in `order` with its total."""

    candidates: tuple[str, ...] = ()
    unable: dict[str, str] = {}  # no candidates, as they cannot be sent a request of this dialect: model -> reason
    dropped: dict[str, str] = {}  # by limits: model -> reason
    policies: tuple[PolicyOutcome, ...] = ()
    totals: dict[str, float] = {}  # of the models in `order`
    order: tuple[str, ...] = ()
