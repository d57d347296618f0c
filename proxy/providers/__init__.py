"""One wire, one module: requests out, bytes in, no I/O. Which kind speaks which wire stands here.

openai, openai-compatible     openai.py        request, stream and answer
simulated                     simulated.py     plays the same wire without a socket
"""

from __future__ import annotations

from core.config import Model, Provider
from proxy.providers.openai import Endpoint

_OPENAI_WIRE = frozenset({"openai", "openai-compatible", "simulated"})


class KindNotServed(ValueError):
    """The provider's kind has no wire here: its models cannot be tried."""


def endpoint(model_id: str, model: Model, provider_id: str, provider: Provider, key: str | None) -> Endpoint:
    """The endpoint of a model, built once a revision, and again when its key changes. Raises KindNotServed, ValueError."""
    if provider.kind not in _OPENAI_WIRE:
        raise KindNotServed(f"provider {provider_id}: the kind `{provider.kind}` is not served by this version")
    return Endpoint(model_id, model, provider_id, provider, key)
