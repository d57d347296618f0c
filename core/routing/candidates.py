"""What policies see of models: everything resolved when the revision was compiled, nothing looked up while deciding."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

import msgspec

from core.money import PriceTable, is_free

Score: TypeAlias = float


class Capabilities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a model can do; None is undeclared and counts as able.

    What it is not made for at all (`chat`, `embeddings`) keeps it from the candidates of such requests (`core/dialects.py`);
    the others matter to the policy `capability`.
    """

    chat: bool | None = None
    embeddings: bool | None = None
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
    calls_limited: bool = False  # its own file has a limit on `calls`


class Pool:
    """The candidates of a decision by position, with what policies read of them as columns. Never changed once made."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self.ids = tuple([candidate.id for candidate in self.candidates])

    @cached_property
    def prices(self) -> list[PriceTable | None]:
        """Each one's prices."""
        return [candidate.prices for candidate in self.candidates]

    @cached_property
    def plain_rates(self) -> list[tuple[int, int]] | None:
        """(input, output) in pico-USD a token where every candidate has one price above 0 and no tiers; None otherwise."""
        rates = [(prices.base.input, prices.base.output) for prices in self.prices if prices is not None and not prices.tiers]
        return rates if len(rates) == len(self.ids) and all(paid and out for paid, out in rates) else None

    @cached_property
    def free(self) -> list[bool]:
        """Whether all of its prices are 0."""
        return [prices is not None and is_free(prices) for prices in self.prices]

    @cached_property
    def windows(self) -> list[int | None]:
        """Each one's context window."""
        return [candidate.context_window for candidate in self.candidates]

    @cached_property
    def unable(self) -> dict[str, list[int]]:
        """The positions of those that declare that they lack a capability, by its name."""
        names = Capabilities.__struct_fields__
        lacking = {
            name: [at for at, found in enumerate(self.candidates) if getattr(found.capabilities, name) is False]
            for name in names
        }
        return {name: positions for name, positions in lacking.items() if positions}

    @cached_property
    def calls_limited(self) -> list[int]:
        """The positions of those whose own file has a limit on calls."""
        return [at for at, candidate in enumerate(self.candidates) if candidate.calls_limited]

    @cached_property
    def all_one(self) -> list[Score]:
        """1.0 for each; never to be changed."""
        return [1.0] * len(self.ids)

    @cached_property
    def all_one_by_id(self) -> dict[str, Score]:
        """The same by model; never to be changed either."""
        return dict.fromkeys(self.ids, 1.0)

    @cached_property
    def nothing(self) -> list[Score]:
        """0.0 for each, to begin a sum with."""
        return [0.0] * len(self.ids)


class Scores(msgspec.Struct, gc=False):
    """One policy's answer over all candidates by position; the engine weighs it, and lets the excluded score 0."""

    scores: list[Score]  # each from 0 to 1
    excluded: dict[str, str] = {}  # model -> reason
    inputs: dict[str, dict[str, float]] = {}  # model -> the figures the score was made from
    lasting: bool = False  # made of the statistics alone: the same for every request of this millisecond
    note: str = ""  # what the scores do not say of themselves
