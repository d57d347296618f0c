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
