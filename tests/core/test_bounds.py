"""What of a request's size depends on the model: images, exact counts, embeddings without output, shrinking to what is left."""

from __future__ import annotations

import pytest

from core.bounds import Demand, demand, model_bounds, shrunk, smallest
from core.facts import Facts
from core.images import IMAGE_TOKENS_BOUND
from core.money import PriceTable, RateCard
from core.routing.candidates import Candidate


def prices(*, into: int = 2_000, out: int = 8_000, tiers: tuple[tuple[int, RateCard], ...] = (), **other: int) -> PriceTable:
    return PriceTable(base=card(into=into, out=out, **other), tiers=tiers)


def card(*, into: int, out: int, **other: int) -> RateCard:
    names = dict.fromkeys(("input", "cached_input", "cache_write_5m", "cache_write_1h", "audio_input"), into)
    names |= dict.fromkeys(("output", "reasoning", "audio_output"), out)
    return RateCard(**{**names, **other})


def wanted(
    facts: Facts, *, name: str = "gpt-4o", table: PriceTable | None = None, most: int | None = None,
    default: int | None = None, exact: int | None = None,
) -> Demand:  # fmt: skip
    model = Candidate(id="m", provider="p", upstream_name=name, prices=table, max_output_tokens=most)
    return demand(facts, model_bounds(model), default, exact)


@pytest.mark.parametrize(
    ("name", "images", "bound", "tokens"),
    [
        # The facts count each image at 48,169, the model at its own maximum: 1,445 for gpt-4o, 4,784 for Claude.
        ("gpt-4o", 0, 100, 100),
        ("gpt-4o", 1, 100 + 48_169, 100 + 1_445),
        ("gpt-4o", 3, 100 + 3 * 48_169, 100 + 3 * 1_445),
        ("claude-opus-4-8", 2, 100 + 2 * 48_169, 100 + 2 * 4_784),
        ("gpt-4o-mini", 1, 100 + 48_169, 100 + 48_169),
        ("our-deployment", 1, 100 + 48_169, 100 + 48_169),
        ("gpt-4o", 1, 48_169, 1_445),
        # Facts that a person wrote: a bound without images stands as it was given.
        ("gpt-4o", 1, 48_168, 48_168),
        ("gpt-4o", 2, 500, 500),
    ],
)
def test_images_are_bound_by_the_models_own_maximum(name: str, images: int, bound: int, tokens: int) -> None:
    assert wanted(Facts(input_tokens_bound=bound, images=images, output_tokens_cap=1), name=name).input_tokens == tokens


def test_an_exact_count_takes_the_place_of_the_bound_with_its_images() -> None:
    facts = Facts(input_tokens_bound=100 + IMAGE_TOKENS_BOUND, images=1, output_tokens_cap=1)
    assert wanted(facts, exact=77).input_tokens == 77
    assert wanted(facts, exact=0).input_tokens == 0


def test_an_embedding_has_no_output_whatever_a_project_or_model_says() -> None:
    found = wanted(Facts(dialect="openai_embeddings", input_tokens_bound=1_000), table=prices(), most=900, default=700)
    assert (found.output_tokens, found.own_cap, found.cost_nano_usd) == (0, False, 1_000 * 2_000 // 1_000)


def test_audio_has_its_own_rates_only_where_there_is_audio() -> None:
    table = prices(audio_input=40_000, audio_output=80_000)
    spoken = Facts(input_tokens_bound=10, output_tokens_cap=10, needs=("audio",))
    written = Facts(input_tokens_bound=10, output_tokens_cap=10, needs=("vision",))
    assert wanted(spoken, table=table).cost_nano_usd == (10 * 40_000 + 10 * 80_000) // 1_000
    assert wanted(written, table=table).cost_nano_usd == (10 * 2_000 + 10 * 8_000) // 1_000


@pytest.mark.parametrize(
    ("tokens", "cost"),
    [
        # Above 100 input tokens everything costs 3,000 and 9,000, above 200 only 1,000 and 1,000: a bound may be less in truth.
        (100, 100 * 2_000 + 8_000),
        (101, 101 * 3_000 + 9_000),
        (200, 200 * 3_000 + 9_000),
        (201, 201 * 3_000 + 9_000),
    ],
)
def test_the_dearest_tier_that_can_apply_is_reserved(tokens: int, cost: int) -> None:
    tiers = ((100, card(into=3_000, out=9_000)), (200, card(into=1_000, out=1_000)))
    facts = Facts(input_tokens_bound=tokens, output_tokens_cap=1)
    assert wanted(facts, table=prices(tiers=tiers)).cost_nano_usd == cost // 1_000


@pytest.mark.parametrize(("pico", "nano"), [(499, 0), (500, 1), (1_499, 1), (1_500, 2)])
def test_a_reserve_is_rounded_as_a_bill_is(pico: int, nano: int) -> None:
    facts = Facts(input_tokens_bound=1, output_tokens_cap=0)
    assert wanted(facts, table=prices(into=pico)).cost_nano_usd == nano


@pytest.mark.parametrize(
    ("cost", "output", "total", "cap"),
    [
        # 1,000 input tokens at 2,000 pico-USD are 2,000 nano-USD; each output token costs 8.
        (None, None, None, 4_096),
        (2_000 + 8 * 300, None, None, 300),
        (2_000 + 8 * 300 + 7, None, None, 300),
        (2_000 + 8 * 256, None, None, 256),
        (2_000 + 8 * 256 - 1, None, None, None),
        (1_999, None, None, None),
        (None, 300, None, 300),
        (None, 256, None, 256),
        (None, 255, None, None),
        (None, 9_999, None, 4_096),
        (None, None, 1_300, 300),
        (None, None, 1_256, 256),
        (None, None, 1_255, None),
        (2_000 + 8 * 500, 400, 1_300, 300),
        (2_000 + 8 * 500, 300, 1_400, 300),
        (2_000 + 8 * 300, 400, 1_500, 300),
    ],
)
def test_an_output_bound_of_our_own_shrinks_to_the_smallest_room_but_not_below_256(
    cost: int | None, output: int | None, total: int | None, cap: int | None
) -> None:
    own = wanted(Facts(input_tokens_bound=1_000), table=prices())
    assert (own.cap, own.own_cap) == (4_096, True)
    found = shrunk(own, cost, output, total)
    assert (None if found is None else found.cap) == cap
    if found is not None:
        assert (found.own_cap, found.sent_cap, found.input_tokens) == (True, cap, 1_000)


def test_the_room_is_shared_by_the_answers() -> None:
    own = wanted(Facts(input_tokens_bound=10, answers=3), table=prices())
    assert [getattr(shrunk(own, None, room, None), "cap", None) for room in (900, 902, 768, 767)] == [300, 300, 256, None]


def test_what_is_rounded_down_to_the_room_is_within_it() -> None:
    # 1 input token at 0 and output tokens at 3 pico-USD: 1 nano-USD buys what costs at most 1,499 pico-USD, 499 tokens.
    own = wanted(Facts(input_tokens_bound=1), table=prices(into=0, out=3))
    found = shrunk(own, 1, None, None)
    assert found is not None
    assert (found.cap, found.cost_nano_usd) == (499, 1)


def test_a_room_is_used_to_the_last_pico_dollar_that_rounds_down_to_it() -> None:
    dear = wanted(Facts(input_tokens_bound=1), table=prices(into=0, out=1))
    assert getattr(shrunk(dear, 1, None, None), "cap", None) == 1_499
    free = wanted(Facts(input_tokens_bound=1), table=prices(into=1_499, out=0))
    assert getattr(shrunk(free, 1, None, None), "cap", None) == 4_096
    above = wanted(Facts(input_tokens_bound=1), table=prices(into=1_500, out=0))
    assert shrunk(above, 1, None, None) is None


def test_output_that_costs_nothing_is_not_shrunk_for_money() -> None:
    own = wanted(Facts(input_tokens_bound=1), table=prices(into=1_000, out=0))
    assert getattr(shrunk(own, 1, None, None), "cap", None) == 4_096
    assert shrunk(own, 0, None, None) is None


def test_the_room_for_cost_does_not_bind_a_model_without_a_price() -> None:
    assert getattr(shrunk(wanted(Facts(input_tokens_bound=1)), 0, None, None), "cap", None) == 4_096


@pytest.mark.parametrize(("default", "shrinks"), [(256, False), (257, True), (100, False)])
def test_a_bound_that_is_already_small_does_not_shrink(default: int, shrinks: bool) -> None:
    own = wanted(Facts(input_tokens_bound=1), default=default)
    assert (shrunk(own, None, 256, None) is not None) == shrinks
    assert smallest(own).cap == min(default, 256)


def test_the_clients_own_cap_and_the_models_never_shrink() -> None:
    for given in (wanted(Facts(output_tokens_cap=900)), wanted(Facts(), most=900)):
        assert shrunk(given, None, 500, None) is None
        assert smallest(given) is given


def test_the_least_of_a_request_is_256_and_costs_as_much() -> None:
    least = smallest(wanted(Facts(input_tokens_bound=1_000), table=prices()))
    assert (least.cap, least.sent_cap, least.own_cap, least.cost_nano_usd) == (256, 256, True, 2_000 + 8 * 256)


def test_what_is_sent_is_never_above_what_the_model_can_do() -> None:
    above = wanted(Facts(), default=1_200, most=900)
    assert (above.cap, above.sent_cap) == (1_200, 900)
    found = shrunk(above, None, 1_000, None)
    assert found is not None
    assert (found.cap, found.sent_cap) == (1_000, 900)
    assert wanted(Facts(), default=900, most=900).sent_cap == 900
    assert wanted(Facts(), default=899, most=900).sent_cap == 899
