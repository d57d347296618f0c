"""What policies see of a model: everything resolved when the revision was compiled, nothing looked up while deciding."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from core.money import PriceTable

Score: TypeAlias = float


class Capabilities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a model can do; None is undeclared and counts as able."""

    vision: bool | None = None
    function_calling: bool | None = None
    json: bool | None = None
    thinking: bool | None = None
    audio: bool | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One of the project's models, in the project's order."""

    id: str
    provider: str
    upstream_name: str
    prices: PriceTable | None = None
    unpriced_allowed: bool = False
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: Capabilities = Capabilities()
    guidance: str = ""


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """One policy's answer over all candidates, before the engine clamps and weighs it."""

    scores: dict[str, Score]
    excluded: dict[str, str] = {}  # model -> reason
    inputs: dict[str, dict[str, float]] = {}  # model -> the figures the score was made from
    lasting: bool = False  # made of the statistics alone: the same for every request of this millisecond
