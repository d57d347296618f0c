"""What a form can start from: providers known by name, models of the price table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from api.presets import PROVIDERS, ProviderPreset, model_preset, model_presets
from core.config import Prices, Provider

AT = 1_790_000_000_000
OPENAI = Provider(kind="openai")


@pytest.mark.parametrize("preset", PROVIDERS.values(), ids=lambda preset: preset.id)
def test_a_provider_of_each_preset_is_valid(preset: ProviderPreset) -> None:
    base_url = preset.base_url or (None if preset.kind == "simulated" else "https://acme.openai.azure.com")
    made = Provider(kind=preset.kind, base_url=None if preset.kind == "simulated" else base_url, preset=preset.written)
    assert made.preset in (None, preset.id)
    assert (made.preset is None) is (preset.kind != "openai-compatible")


def test_every_compatible_provider_of_the_product_has_a_preset() -> None:
    compatible = {preset.id for preset in PROVIDERS.values() if preset.kind == "openai-compatible"}
    assert compatible == {"mistral", "xai", "cohere", "groq", "together", "deepseek", "vllm", "llama.cpp"}


@pytest.mark.parametrize("provider", ["mistral", "xai", "cohere", "groq", "together", "deepseek"])
def test_the_price_table_knows_every_hosted_preset_by_name_and_by_address(provider: str) -> None:
    preset = PROVIDERS[provider]
    by_name = model_presets(Provider(kind=preset.kind, base_url="https://proxy.example/v1", preset=preset.id), "", AT)
    by_address = model_presets(Provider(kind=preset.kind, base_url=preset.base_url), "", AT)
    assert len(by_name) > 3
    assert by_address == by_name


def test_a_known_model_comes_with_its_window_and_its_prices() -> None:
    found = model_preset(OPENAI, "gpt-4o-mini", AT)
    assert found is not None
    assert (found.upstream_name, found.context_window) == ("gpt-4o-mini", 128_000)
    assert found.prices == Prices(input=Decimal("0.15"), output=Decimal("0.6"), cached_input=Decimal("0.075"))


def test_every_listed_name_is_found_again() -> None:
    for preset in model_presets(PROVIDER_MISTRAL, "", AT):
        assert model_preset(PROVIDER_MISTRAL, preset.upstream_name, AT) is not None


PROVIDER_MISTRAL = Provider(kind="openai-compatible", base_url="https://api.mistral.ai/v1", preset="mistral")


def test_search_looks_into_both_names_and_puts_what_is_given_up_last() -> None:
    found = model_presets(OPENAI, "GPT 4O MINI", AT)
    assert "gpt-4o-mini" in {preset.upstream_name for preset in found}
    everything = model_presets(PROVIDER_MISTRAL, "", AT)
    flags = [preset.deprecated for preset in everything]
    assert flags == sorted(flags)


@pytest.mark.parametrize("kind", ["simulated", "ollama"])
def test_what_the_table_does_not_know_has_no_presets(kind: str) -> None:
    provider = Provider(kind=kind, base_url=None if kind == "simulated" else "http://127.0.0.1:11434")  # type: ignore[arg-type]  # of the row
    assert model_presets(provider, "", AT) == []
    assert model_preset(provider, "gpt-4o-mini", AT) is None
    assert model_preset(OPENAI, "no-such-model", AT) is None
