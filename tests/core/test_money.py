"""Money: whatever an upstream reports, a call's cost is an integer, never negative, and its whole is billed exactly once."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import PriceTable, RateCard, Usage, cost_nano_usd, is_free, rates_for

TOKENS = st.integers(-10, 2_000_000)
RATE = st.integers(0, 100_000_000)


def card(rate: int) -> RateCard:
    return RateCard(**dict.fromkeys(RateCard.__struct_fields__, rate))


@given(st.builds(Usage, **{name: TOKENS for name in Usage.__struct_fields__ if name.endswith("tokens")}), RATE)
def test_at_one_rate_the_parts_change_nothing(usage: Usage, rate: int) -> None:
    whole = max(usage.input_tokens, 0) + max(usage.output_tokens, 0)
    assert cost_nano_usd(PriceTable(base=card(rate)), usage) == (whole * rate + 500) // 1000


@given(
    st.builds(Usage, **{name: TOKENS for name in Usage.__struct_fields__ if name.endswith("tokens")}),
    st.builds(RateCard, **dict.fromkeys(RateCard.__struct_fields__, RATE)),
)
def test_the_cost_lies_between_the_cheapest_and_the_dearest_rate(usage: Usage, rates: RateCard) -> None:
    prices = [getattr(rates, name) for name in RateCard.__struct_fields__]
    whole = max(usage.input_tokens, 0) + max(usage.output_tokens, 0)
    cost = cost_nano_usd(PriceTable(base=rates), usage)
    assert (whole * min(prices) + 500) // 1000 <= cost <= (whole * max(prices) + 500) // 1000


def test_a_tier_begins_above_its_threshold() -> None:
    prices = PriceTable(base=card(1), tiers=((10, card(2)), (20, card(3))))
    assert [rates_for(prices, tokens).input for tokens in (0, 10, 11, 20, 21)] == [1, 1, 2, 2, 3]


def test_free_is_what_costs_nothing_in_every_tier() -> None:
    assert is_free(PriceTable(base=card(0)))
    assert is_free(PriceTable(base=card(0), tiers=((10, card(0)),)))
    assert not is_free(PriceTable(base=card(0), tiers=((10, card(1)),)))
    assert not is_free(PriceTable(base=RateCard(**{**dict.fromkeys(RateCard.__struct_fields__, 0), "audio_output": 1})))


def test_what_a_usage_does_not_say_is_nothing() -> None:
    assert msgspec.structs.astuple(Usage()) == (0,) * len(Usage.__struct_fields__)


@pytest.mark.parametrize(
    ("usage", "pico"),
    [
        # One input token at 3; each part at its own rate, and never below nothing.
        (Usage(input_tokens=1), 3),
        (Usage(input_tokens=1, cached_input_tokens=1), 5),
        (Usage(input_tokens=1, cached_input_tokens=-1), 3),
        (Usage(input_tokens=2, cached_input_tokens=1), 3 + 5),
        (Usage(input_tokens=-1), 0),
        (Usage(output_tokens=1, reasoning_tokens=1), 7),
        (Usage(output_tokens=1, reasoning_tokens=-1), 4),
    ],
)
def test_parts_are_billed_at_their_own_rate(usage: Usage, pico: int) -> None:
    rates = RateCard(**{**dict.fromkeys(RateCard.__struct_fields__, 9_000), "input": 3_000, "output": 4_000})
    rates = msgspec.structs.replace(rates, cached_input=5_000, reasoning=7_000)
    assert cost_nano_usd(PriceTable(base=rates), usage) == pico
