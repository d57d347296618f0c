"""What a request says, as text: for policies that ask a model about it. Never its media."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Raw
from msgspec.structs import replace

from core.facts.chat import ChatRequest, chat_prompt
from core.facts.embeddings import EmbeddingsRequest, embeddings_prompt
from core.facts.messages import CountTokensRequest, messages_prompt
from core.tokens import PromptSize

Typed: TypeAlias = ChatRequest | CountTokensRequest | EmbeddingsRequest


def said(request: Typed) -> str:
    """All its text, in the order in which it stands there. Raises BodyError."""
    return "\n".join(_prompt(request).texts)


def said_last(request: Typed) -> str:
    """What its user said last, which is what it is about; all its text where no user said anything. Raises BodyError."""
    if isinstance(request, ChatRequest):
        turns: list[Typed] = [replace(request, messages=[message]) for message in request.messages if message.role == "user"]
    elif isinstance(request, CountTokensRequest):
        bare = replace(request, system=Raw())
        turns = [replace(bare, messages=[message]) for message in request.messages if message.role == "user"]
    else:
        turns = []
    return next((text for turn in reversed(turns) if (text := said(turn))), "") or said(request)


def _prompt(request: Typed) -> PromptSize:
    if isinstance(request, ChatRequest):
        return chat_prompt(request)
    return embeddings_prompt(request) if isinstance(request, EmbeddingsRequest) else messages_prompt(request)
