"""What a request may use at most on a candidate, and so what is reserved for it. Pure arithmetic on its facts.

Input: the strict bound of `core/tokens.py`, with the model's own maximum for images, or an exact count. Output, for each of
`n` answers: the request's cap, else the project's `default_max_output_tokens`, else the model's `max_output_tokens`, else
4,096. Cost: both at the dearest rates that can apply. A bound that is neither the client's nor the model's own binds nobody
until it is sent upstream as the cap; it may shrink to what limits leave, not below 256.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from core.facts import Facts
from core.images import IMAGE_TOKENS_BOUND, image_tokens_bound
from core.limits.amounts import Amounts, amounts
from core.money import RateCard
from core.routing.candidates import Candidate

FALLBACK_OUTPUT_TOKENS: Final = 4_096
SMALLEST_CAP: Final = 256


class Rates(NamedTuple):
    """The dearest rates of a tier, pico-USD a token. It can apply where the input's bound is above `above`; the base always."""

    above: int
    input: int
    output: int


class ModelBounds(msgspec.Struct, frozen=True):
    """What of a candidate its bounds depend on, worked out once a revision."""

    max_output_tokens: int | None
    image_tokens: int  # the most for one image
    text: tuple[Rates, ...] | None  # None: the model has no price
    audio: tuple[Rates, ...] | None


class Demand(msgspec.Struct, frozen=True):
    """The most that one request uses on one candidate, and the cap on each answer that makes it so."""

    input_tokens: int
    cap: int
    answers: int
    own_cap: bool  # neither the client's nor the model's: to be sent upstream wherever a limit counts on it
    sent_cap: int
    rates: tuple[Rates, ...] | None
    cost_nano_usd: int | None

    @property
    def output_tokens(self) -> int:
        """Of all answers together."""
        return self.cap * self.answers

    @property
    def amounts(self) -> Amounts:
        """What is reserved; without a price no cost is."""
        return amounts(self.cost_nano_usd or 0, 1, self.input_tokens, self.cap * self.answers)


def model_bounds(candidate: Candidate) -> ModelBounds:
    """What a candidate's bounds depend on."""
    prices = candidate.prices
    images = image_tokens_bound(candidate.upstream_name)
    if prices is None:
        return ModelBounds(candidate.max_output_tokens, images, None, None)
    cards = ((-1, prices.base), *prices.tiers)
    return ModelBounds(
        candidate.max_output_tokens,
        images,
        tuple([_dearest(above, card, audio=False) for above, card in cards]),
        tuple([_dearest(above, card, audio=True) for above, card in cards]),
    )


def _dearest(above: int, card: RateCard, *, audio: bool) -> Rates:
    # Any of a prompt may be written to a cache, and any of an answer may be reasoning; only audio has the price of audio.
    into = max(card.input, card.cached_input, card.cache_write_5m, card.cache_write_1h, card.audio_input if audio else 0)
    return Rates(above, into, max(card.output, card.reasoning, card.audio_output if audio else 0))


def demand(facts: Facts, bounds: ModelBounds, default_max_output_tokens: int | None, exact_input: int | None = None) -> Demand:
    """The most that a request uses on a candidate."""
    own_cap = False
    model_cap = bounds.max_output_tokens
    if facts.dialect == "openai_embeddings":
        cap = 0  # an embedding is no output
    elif facts.output_tokens_cap is not None:
        cap = facts.output_tokens_cap
    elif default_max_output_tokens is not None:
        cap, own_cap = default_max_output_tokens, default_max_output_tokens != model_cap
    elif model_cap is not None:
        cap = model_cap
    else:
        cap, own_cap = FALLBACK_OUTPUT_TOKENS, True
    rates = bounds.audio if "audio" in facts.needs else bounds.text
    tokens = _input_bound(facts, bounds) if exact_input is None else exact_input
    return _demand(tokens, cap, facts.answers, own_cap, model_cap, rates)


def _input_bound(facts: Facts, bounds: ModelBounds) -> int:
    """The facts know no model, so a body's count each image at the dearest known; those that a person wrote may not."""
    dearest = facts.images * IMAGE_TOKENS_BOUND
    if facts.input_tokens_bound < dearest:
        return facts.input_tokens_bound
    return facts.input_tokens_bound - dearest + facts.images * bounds.image_tokens


def _demand(
    tokens: int, cap: int, answers: int, own_cap: bool, sendable: int | None, rates: tuple[Rates, ...] | None
) -> Demand:
    # A project's default above what the model can do would make its provider refuse the request.
    sent = cap if sendable is None or cap < sendable else sendable
    cost = None if rates is None else _cost(rates, tokens, cap * answers)
    return Demand(tokens, cap, answers, own_cap, sent, rates, cost)


def _cost(rates: tuple[Rates, ...], tokens: int, output: int) -> int:
    """Nano-USD at the dearest tier that can apply; rounded as a bill is, so that no bill within the bound is above it."""
    dearest = 0
    for above, into, out in rates:
        if tokens <= above:
            break
        pico = tokens * into + output * out
        if pico > dearest:
            dearest = pico
    return (dearest + 500) // 1000


def shrunk(wanted: Demand, cost_room: int | None, output_room: int | None, total_room: int | None) -> Demand | None:
    """The same request with the largest cap that fits these rooms (None: no limit); None where 256 would not fit."""
    if not wanted.own_cap or wanted.cap <= SMALLEST_CAP:
        return None
    output = wanted.output_tokens
    if output_room is not None:
        output = min(output, output_room)
    if total_room is not None:
        output = min(output, total_room - wanted.input_tokens)
    if cost_room is not None and wanted.rates is not None:
        output = min(output, _affordable(wanted.rates, wanted.input_tokens, cost_room, output))
    cap = output // wanted.answers
    if cap < SMALLEST_CAP:
        return None
    return _demand(wanted.input_tokens, cap, wanted.answers, True, min(wanted.sent_cap, cap), wanted.rates)


def smallest(wanted: Demand) -> Demand:
    """The least that the request can be shrunk to."""
    if not wanted.own_cap or wanted.cap <= SMALLEST_CAP:
        return wanted
    return _demand(wanted.input_tokens, SMALLEST_CAP, wanted.answers, True, min(wanted.sent_cap, SMALLEST_CAP), wanted.rates)


def _affordable(rates: tuple[Rates, ...], tokens: int, room: int, most: int) -> int:
    """How many output tokens cost no more than `room` nano-USD in every tier that can apply; negative: the input alone does."""
    pico = room * 1000 + 499  # what rounds down to the room is within it
    for above, into, out in rates:
        if tokens <= above:
            break
        left = pico - tokens * into
        if left < 0:
            return -1
        if out:
            most = min(most, left // out)
    return most
