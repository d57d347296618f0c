"""Which path speaks which dialect, and what a client that lists models is shown.

POST /v1/chat/completions        openai_chat.py
POST /v1/embeddings              openai_embeddings.py
POST /v1/messages                anthropic.py
POST /v1/messages/count_tokens   anthropic.py            answered here, without a provider
GET  /v1/models, /v1/models/…    of whoever asks: Anthropic's clients name a version of their API
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from core.events import CallType
from core.facts import Dialect
from proxy.dialects import anthropic, openai_chat, openai_embeddings
from proxy.refusals import NotFound

COUNT_TOKENS = "/v1/messages/count_tokens"
MODELS = "/v1/models"

_ANTHROPIC_VERSION = b"anthropic-version"


class Port(NamedTuple):
    """One path that goes to providers. `parse` checks (body, query) and raises InvalidRequest."""

    dialect: Dialect
    parse: Callable[[bytes, bytes], Any]
    call_type: CallType = "completion"


PORTS: Mapping[str, Port] = {
    "/v1/chat/completions": Port(openai_chat.NAME, openai_chat.parse),
    "/v1/messages": Port(anthropic.NAME, anthropic.parse),
    "/v1/embeddings": Port(openai_embeddings.NAME, openai_embeddings.parse, "embedding"),
}


def spoken(path: str, headers: Mapping[bytes, bytes]) -> Dialect:
    """The dialect that a client at a path without a port reads."""
    anthropics = _ANTHROPIC_VERSION in headers or path == COUNT_TOKENS
    return "anthropic" if anthropics else "openai_chat"


def models(path: str, listed: tuple[str, ...], dialect: Dialect) -> bytes:
    """The list at `/v1/models`, or one of its models. Raises NotFound."""
    known = (openai_chat.AUTO, *(id for id in listed if id != openai_chat.AUTO))
    if path == MODELS:
        return anthropic.models_body(known) if dialect == "anthropic" else openai_chat.models_body(listed)
    model_id = path[len(MODELS) + 1 :]
    if model_id not in known:
        raise NotFound(f"The project has no model {model_id}; it has {', '.join(listed) or 'none'}.", param="model")
    return anthropic.model_body(model_id) if dialect == "anthropic" else openai_chat.model_body(model_id)
