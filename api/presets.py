"""What a form can start from: providers that are known by name, and the models of the price table. Pure, but for reading the
installed tables once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from api.prices import entries_of, entry_of, prices_of
from core.config import Prices, Provider, ProviderKind

COMPATIBLE: Final = "openai-compatible"


class ProviderPreset(msgspec.Struct, frozen=True, kw_only=True):
    """A provider known by name: its kind, and its address where there is one for everybody."""

    id: str
    name: str
    kind: ProviderKind
    base_url: str | None = None
    needs_key: bool = True

    @property
    def written(self) -> str | None:
        """What its file says under `preset`: a kind of its own needs no preset."""
        return self.id if self.kind == COMPATIBLE else None


PROVIDERS: Final[dict[str, ProviderPreset]] = {
    preset.id: preset
    for preset in (
        ProviderPreset(id="openai", name="OpenAI", kind="openai", base_url="https://api.openai.com/v1"),
        ProviderPreset(id="anthropic", name="Anthropic", kind="anthropic", base_url="https://api.anthropic.com"),
        ProviderPreset(
            id="gemini", name="Google Gemini", kind="gemini", base_url="https://generativelanguage.googleapis.com/v1beta"
        ),
        # Every Azure resource has an address of its own.
        ProviderPreset(id="azure", name="Azure OpenAI", kind="azure"),
        ProviderPreset(id="mistral", name="Mistral", kind=COMPATIBLE, base_url="https://api.mistral.ai/v1"),
        ProviderPreset(id="xai", name="xAI", kind=COMPATIBLE, base_url="https://api.x.ai/v1"),
        ProviderPreset(id="cohere", name="Cohere", kind=COMPATIBLE, base_url="https://api.cohere.ai/compatibility/v1"),
        ProviderPreset(id="groq", name="Groq", kind=COMPATIBLE, base_url="https://api.groq.com/openai/v1"),
        ProviderPreset(id="together", name="Together AI", kind=COMPATIBLE, base_url="https://api.together.xyz/v1"),
        ProviderPreset(id="deepseek", name="DeepSeek", kind=COMPATIBLE, base_url="https://api.deepseek.com/v1"),
        ProviderPreset(id="ollama", name="Ollama", kind="ollama", base_url="http://127.0.0.1:11434", needs_key=False),
        ProviderPreset(id="vllm", name="vLLM", kind=COMPATIBLE, base_url="http://127.0.0.1:8000/v1", needs_key=False),
        ProviderPreset(
            id="llama.cpp", name="llama.cpp server", kind=COMPATIBLE, base_url="http://127.0.0.1:8080/v1", needs_key=False
        ),
        ProviderPreset(id="simulated", name="Simulated, inside the proxy", kind="simulated", needs_key=False),
    )
}


class ModelPreset(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the price table knows, as a provider calls it; prices of one moment, None where not by the token."""

    upstream_name: str
    name: str | None = None
    context_window: int | None = None
    prices: Prices | None = None
    deprecated: bool = False


def model_preset(provider: Provider, upstream_name: str, at_ms: int) -> ModelPreset | None:
    """What the table knows of that provider's model at that time; None when it does not know it."""
    found = entry_of(provider, upstream_name)
    return _preset(upstream_name, found, at_ms) if found is not None else None


def model_presets(provider: Provider, search: str, at_ms: int) -> list[ModelPreset]:
    """The models of the table whose name contains `search`, ignoring case, by upstream name, those given up last."""
    wanted = search.strip().casefold()
    found = (
        _preset(name, model, at_ms)
        for model in entries_of(provider)
        if (name := _reference(model)) is not None and wanted in f"{name} {model.name or ''}".casefold()
    )
    return sorted(found, key=lambda preset: (preset.deprecated, preset.upstream_name))


def _preset(upstream_name: str, model: Any, at_ms: int) -> ModelPreset:
    window = model.context_window
    return ModelPreset(
        upstream_name=upstream_name,
        name=model.name,
        context_window=window if window and window > 0 else None,
        prices=prices_of(model, at_ms),
        deprecated=bool(model.deprecated),
    )


def _reference(model: Any) -> str | None:
    """A name that a request can give and the table knows: some models' own id is only the table's."""
    if model.is_match(model.id):
        return str(model.id)
    return next((name for name in _exact(model.match) if model.is_match(name)), None)


def _exact(clause: Any) -> Iterator[str]:
    """The exact names in a clause of the table."""
    if exact := getattr(clause, "equals", None):
        yield exact
    inner: Iterable[Any] = getattr(clause, "or_", None) or getattr(clause, "and_", None) or ()
    for part in inner:
        yield from _exact(part)
