"""Prices for models whose file gives none, from the `genai-prices` tables that this version was installed with.

No network and no clock: prices that change with time are those of the revision's own date, so that a revision has one price.
What the tables do not know stays unpriced: a guess would be somebody's bill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from core.config import File, Model, Prices, PriceTier, Provider
from core.paths import id_of, kind_of, provider_path

# What a provider is called in the tables; an `openai-compatible` one goes by its preset, else by its address.
_BY_KIND = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "azure": "azure"}
_BY_PRESET = {
    "mistral": "mistral",
    "xai": "x-ai",
    "cohere": "cohere",
    "groq": "groq",
    "together": "together",
    "deepseek": "deepseek",
}
_COLUMNS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
}
_FINEST = Decimal("0.000001")


def priced(files: Mapping[str, File], path: str, at_ms: int) -> Model | None:
    """The model at `path` with the prices of the tables, if its file gives none and they know it; else None."""
    model = files.get(path)
    provider = files.get(provider_path(model.provider)) if isinstance(model, Model) else None
    if not isinstance(model, Model) or not isinstance(provider, Provider) or model.prices is not None:
        return None
    prices = listed(provider, model.upstream_name, at_ms)
    return msgspec.structs.replace(model, prices=prices) if prices is not None else None


def models_to_price(files: Mapping[str, File], changed: Iterable[str]) -> tuple[str, ...]:
    """The models of every changed provider: their files are to be read again, for theirs may be other prices now."""
    providers = {id_of(path) for path in changed if kind_of(path) is Provider}
    if not providers:
        return ()
    return tuple(path for path, file in files.items() if isinstance(file, Model) and file.provider in providers)


def listed(provider: Provider, upstream_name: str, at_ms: int) -> Prices | None:
    """What the tables ask for that model of that provider at that time; None when they do not know it."""
    entry = entry_of(provider, upstream_name)
    return prices_of(entry, at_ms) if entry is not None else None


def entry_of(provider: Provider, upstream_name: str) -> Any:
    """The tables' entry (`genai_prices.types.ModelInfo`) of that model of that provider; None when they do not know it."""
    place = _place(provider)
    if place is None:
        return None
    try:
        return _tables().find_provider_model(upstream_name, None, *place)[1]
    except LookupError:
        return None


def entries_of(provider: Provider) -> Sequence[Any]:
    """Every entry of that provider, in the tables' order; empty for a provider that they do not know."""
    place = _place(provider)
    if place is None:
        return ()
    try:
        found: Sequence[Any] = _tables().find_provider(None, *place).models
    except LookupError:
        return ()
    return found


def prices_of(entry: Any, at_ms: int) -> Prices | None:
    """What an entry asks for at that time; None where that is not by the token."""
    return _prices(entry.get_prices(datetime.fromtimestamp(at_ms / 1000, UTC)))


def _place(provider: Provider) -> tuple[str | None, str | None] | None:
    """What the tables find a provider by, its name there or its address; None where they cannot."""
    name = _BY_KIND.get(provider.kind) or _BY_PRESET.get((provider.preset or "").lower())
    address = provider.base_url if provider.kind == "openai-compatible" and name is None else None
    return None if name is None and address is None else (name, address)


def _tables() -> Any:
    # Tens of milliseconds and megabytes: only for who needs it.
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot()


def _prices(found: Any) -> Prices | None:
    columns = {field: getattr(found, column, None) for field, column in _COLUMNS.items()}
    if columns["input"] is None:
        return None
    thresholds = sorted({tier.start for price in columns.values() for tier in getattr(price, "tiers", ())})
    base = {field: _amount(price, 0) for field, price in columns.items() if price is not None}
    tiers = tuple(
        PriceTier(
            above_input_tokens=threshold,
            **{field: _amount(price, threshold + 1) for field, price in columns.items() if hasattr(price, "tiers")},
        )
        for threshold in thresholds
    )
    # A model that only reads (embeddings) has no output to pay for.
    return Prices(**{"output": Decimal(0), **base}, tiers=tiers)


def _amount(price: Any, input_tokens: int) -> Decimal:
    """USD per million tokens for a request with that much input, in the finest unit that money has here."""
    amount: Decimal = getattr(price, "base", price)
    for tier in sorted(getattr(price, "tiers", ()), key=lambda tier: int(tier.start)):
        if input_tokens > tier.start:
            amount = tier.price
    return amount if amount == amount.quantize(_FINEST) else amount.quantize(_FINEST, ROUND_HALF_UP)
