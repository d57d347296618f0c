"""Tokens to money, in integers: prices in pico-USD a token, sums in nano-USD, rounded once, half up."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a call used, in one convention for every provider.

    `input_tokens` is all input, cached and cache-written included; `output_tokens` is all output, reasoning included; the
    others are parts of those two, never on top of them.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    estimated: bool = False  # the provider did not say; counted from what was sent and received


class RateCard(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Prices in pico-USD a token, every fallback resolved (absent cache price = input's, absent reasoning = output's)."""

    input: int
    output: int
    cached_input: int
    cache_write_5m: int
    cache_write_1h: int
    reasoning: int
    audio_input: int
    audio_output: int


class PriceTable(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A model's base rates and its tiers, ascending: (threshold in input tokens, the rates strictly above it)."""

    base: RateCard
    tiers: tuple[tuple[int, RateCard], ...] = ()


def rates_for(prices: PriceTable, input_tokens: int) -> RateCard:
    """The rates for a whole request of that much input: the highest tier whose threshold is strictly exceeded."""
    for threshold, rates in reversed(prices.tiers):
        if input_tokens > threshold:
            return rates
    return prices.base


def cost_nano_usd(prices: PriceTable, usage: Usage) -> int:
    """What a call costs: exact in pico-USD, rounded once, half up, to nano-USD. Never negative.

    Upstreams sometimes report parts that exceed their whole. The whole is what is billed: parts are taken out of it, those
    that usually cost most first, and what does not fit is not billed again.
    """
    rates = rates_for(prices, usage.input_tokens)
    total = _split(
        usage.input_tokens,
        rates.input,
        (
            (usage.audio_input_tokens, rates.audio_input),
            (usage.cache_write_1h_tokens, rates.cache_write_1h),
            (usage.cache_write_5m_tokens, rates.cache_write_5m),
            (usage.cached_input_tokens, rates.cached_input),
        ),
    ) + _split(
        usage.output_tokens,
        rates.output,
        ((usage.audio_output_tokens, rates.audio_output), (usage.reasoning_tokens, rates.reasoning)),
    )
    return (total + 500) // 1000


def _split(whole: int, rate: int, parts: tuple[tuple[int, int], ...]) -> int:
    """Pico-USD of `whole` tokens: each part at its own rate, the rest at `rate`."""
    left = max(whole, 0)
    cost = 0
    for tokens, part_rate in parts:
        if tokens > 0:
            taken = min(tokens, left)
            left -= taken
            cost += taken * part_rate
    return cost + left * rate


def is_free(prices: PriceTable) -> bool:
    """Whether every price, in every tier, is 0."""
    return not any(any(msgspec.structs.astuple(rates)) for rates in (prices.base, *(tier for _, tier in prices.tiers)))
