"""One wire, one module: requests out, bytes in, no I/O. `core/dialects.py` says which kind of provider speaks which.

openai_chat           openai.py               request, stream and answer
openai_embeddings     openai_embeddings.py    request and answer
anthropic             anthropic.py            request, stream and answer
simulated             simulated.py            plays all of them without a socket
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.config import Model, Provider
from core.dialects import speaks, why_not
from core.facts import Dialect
from proxy.providers.anthropic import MessagesEndpoint
from proxy.providers.openai import Endpoint as ChatEndpoint
from proxy.providers.openai_embeddings import EmbeddingsEndpoint
from proxy.providers.port import Endpoint as Endpoint
from proxy.providers.port import Relay as Relay

_WIRES: Mapping[Dialect, Callable[[str, Model, str, Provider, str | None], Endpoint]] = {
    "openai_chat": ChatEndpoint,
    "openai_embeddings": EmbeddingsEndpoint,
    "anthropic": MessagesEndpoint,
}


class KindNotServed(ValueError):
    """The provider's kind does not speak the dialect: its models cannot be tried."""


def endpoint(
    model_id: str,
    model: Model,
    provider_id: str,
    provider: Provider,
    key: str | None,
    dialect: Dialect = "openai_chat",
) -> Endpoint:
    """The endpoint of a model, built once a revision, and again when its key changes. Raises KindNotServed, ValueError."""
    if not speaks(provider.kind, dialect):
        raise KindNotServed(why_not(provider_id, provider.kind, dialect))
    return _WIRES[dialect](model_id, model, provider_id, provider, key)
