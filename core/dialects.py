"""Which models can be sent a request of a dialect: their provider's kind speaks it, and they do not declare that they are made
for something else. The others are no candidates for it."""

from __future__ import annotations

from collections.abc import Mapping

from core.facts import Dialect
from core.providers import ProviderKind
from core.routing.candidates import Capabilities

SERVED: tuple[Dialect, ...] = ("openai_chat", "anthropic", "openai_embeddings")

_OPENAI: frozenset[Dialect] = frozenset({"openai_chat", "openai_embeddings"})

SPOKEN: Mapping[ProviderKind, frozenset[Dialect]] = {
    "openai": _OPENAI,
    "openai-compatible": _OPENAI,
    "anthropic": frozenset({"anthropic"}),
    "simulated": _OPENAI | {"anthropic"},
}

NAMES: Mapping[Dialect, str] = {
    "openai_chat": "OpenAI chat completions",
    "openai_responses": "OpenAI responses",
    "openai_embeddings": "OpenAI embeddings",
    "anthropic": "Anthropic messages",
}


def speaks(kind: ProviderKind, dialect: Dialect) -> bool:
    """Whether a provider of this kind can be sent a request of this dialect as it is."""
    return dialect in SPOKEN.get(kind, ())


def unfit(capabilities: Capabilities, provider: str, kind: ProviderKind | None, dialect: Dialect) -> str | None:
    """Why a model at a provider of this kind (None: not known) cannot be sent a request of this dialect; None where it can."""
    if kind is not None and not speaks(kind, dialect):
        return why_not(provider, kind, dialect)
    embeds = dialect == "openai_embeddings"
    if (capabilities.embeddings if embeds else capabilities.chat) is False:
        return f"it declares `{'embeddings' if embeds else 'chat'}: false`"
    return None


def why_not(provider: str, kind: ProviderKind, dialect: Dialect) -> str:
    """The reason for the trace, of a model whose provider does not."""
    if not SPOKEN.get(kind):
        return f"its provider {provider} is of the kind {kind}, which is not served by this version"
    return f"its provider {provider} ({kind}) does not speak {NAMES[dialect]}"
