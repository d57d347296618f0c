"""A model without prices in its file gets those of the tables, or stays unpriced."""

from __future__ import annotations

from decimal import Decimal

import pytest

from api.prices import listed, models_to_price, priced
from core.config import Model, Prices, Provider

AT = 1_790_000_000_000
OPENAI = Provider(kind="openai")


def test_a_listed_model_has_exact_prices() -> None:
    assert listed(OPENAI, "gpt-4o-mini", AT) == Prices(
        input=Decimal("0.15"), output=Decimal("0.6"), cached_input=Decimal("0.075")
    )


def test_tiers_become_tiers() -> None:
    prices = listed(Provider(kind="gemini", base_url="https://example.com"), "gemini-2.5-pro", AT)
    assert prices is not None
    assert (prices.input, prices.output) == (Decimal("1.25"), Decimal(10))
    assert [(tier.above_input_tokens, tier.input, tier.output) for tier in prices.tiers] == [
        (200_000, Decimal("2.5"), Decimal(15))
    ]


@pytest.mark.parametrize(
    ("provider", "name", "known"),
    [
        (Provider(kind="openai-compatible", preset="xai", base_url="https://elsewhere.example/v1"), "grok-4", True),
        (Provider(kind="openai-compatible", base_url="https://api.mistral.ai/v1"), "mistral-large-latest", True),
        (Provider(kind="openai-compatible", base_url="http://127.0.0.1:8000/v1"), "mistral-large-latest", False),
        (Provider(kind="simulated"), "gpt-4o-mini", False),
        (Provider(kind="ollama", base_url="http://127.0.0.1:11434"), "gpt-4o-mini", False),
        (OPENAI, "no-such-model", False),
    ],
)
def test_a_provider_is_known_by_kind_preset_or_address(provider: Provider, name: str, known: bool) -> None:
    assert (listed(provider, name, AT) is not None) is known


def test_prices_in_the_file_win_and_a_provider_that_changes_looks_its_models_up_again() -> None:
    own = Prices(input=Decimal(1), output=Decimal(1))
    files = {
        "providers/openai.yaml": OPENAI,
        "providers/other.yaml": OPENAI,
        "models/own.yaml": Model(provider="openai", upstream_name="gpt-4o-mini", prices=own),
        "models/listed.yaml": Model(provider="openai", upstream_name="gpt-4o-mini"),
        "models/elsewhere.yaml": Model(provider="other", upstream_name="gpt-4o-mini"),
    }
    assert priced(files, "models/own.yaml", AT) is None
    found = priced(files, "models/listed.yaml", AT)
    assert found is not None
    assert found.prices == listed(OPENAI, "gpt-4o-mini", AT)
    assert models_to_price(files, ["providers/openai.yaml"]) == ("models/own.yaml", "models/listed.yaml")
    assert models_to_price(files, ["models/elsewhere.yaml"]) == ()


def test_every_price_of_the_tables_is_one_that_money_can_hold() -> None:
    from genai_prices.data_snapshot import get_snapshot

    names = {"openai": "openai", "anthropic": "anthropic", "google": "gemini", "azure": "azure"}
    for provider in get_snapshot().providers:
        if provider.id in names:
            for model in provider.models:
                listed(Provider(kind=names[provider.id], base_url="https://example.com"), model.id, AT)
