"""Facts of OpenAI's embeddings: the input is text or token ids, one or many; there is no output to bound."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from core.facts.decoding import decode
from core.facts.request import Facts, named
from core.tokens import MESSAGE_TOKENS_BOUND, PromptSize

Ids: TypeAlias = list[int]


class EmbeddingsRequest(msgspec.Struct):
    """An embeddings body as far as Waybill reads it; every other field passes unread."""

    model: str
    input: str | list[str | int | Ids]


_EMBEDDINGS = msgspec.json.Decoder(EmbeddingsRequest)


def decode_embeddings(body: bytes) -> EmbeddingsRequest:
    """The typed part of an embeddings body. Raises BodyError naming the field."""
    return decode(_EMBEDDINGS, body)


def embeddings_prompt(request: EmbeddingsRequest) -> PromptSize:
    """What the input of an embeddings request is made of."""
    size = PromptSize()
    inputs = [request.input] if isinstance(request.input, str) else request.input
    for item in inputs:
        if isinstance(item, str):
            size.texts.append(item)
        else:
            size.ids += 1 if isinstance(item, int) else len(item)
    return size


def embeddings_facts(request: EmbeddingsRequest) -> Facts:
    """The facts of a decoded embeddings request: its bound is the bytes of its texts, 16 for each, or the count of ids."""
    size = embeddings_prompt(request)
    estimate, bound = size.figures()
    return Facts(
        dialect="openai_embeddings",
        model_named=named(request.model),
        input_tokens_estimate=estimate,
        # A text is a message: servers of BERT-like models count what they put around each.
        input_tokens_bound=bound + len(size.texts) * MESSAGE_TOKENS_BOUND,
    )
