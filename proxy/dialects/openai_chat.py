"""The OpenAI chat dialect on the client's side: reads request bodies, writes model lists. No I/O.

A body is decoded twice, both times in C: typed and partial for what Waybill reads (`core.facts`), and into its top-level
members, untouched, from which providers compose what goes upstream. What nobody here reads passes as it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from core import facts
from core.facts import BodyError, Facts
from proxy.dialects.bodies import invalid, members_of, refuse_lookalikes
from proxy.refusals import InvalidRequest

NAME: Literal["openai_chat"] = "openai_chat"
AUTO = "auto"

# A model list has no date of its own: a constant, so that equal configurations give equal bytes.
_CREATED = 1_735_689_600
_OWNER = "waybill"

# Members that limits, routing or accounting depend on.
GOVERNED = frozenset({
    "model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens", "tools", "functions",
})  # fmt: skip
_KNOWN = GOVERNED | {
    "audio", "frequency_penalty", "function_call", "logit_bias", "logprobs", "metadata", "modalities", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "store", "temperature", "tool_choice", "top_k", "top_logprobs", "top_p", "user", "verbosity",
    "web_search_options",
}  # fmt: skip


class ChatRequest(msgspec.Struct, frozen=True, gc=False):
    """A checked request: its typed part, and all its top-level members as the bytes that the client sent.

    Each member is there once: of a repeated name the last counts, here as in every JSON parser behind.
    """

    typed: facts.ChatRequest
    members: Mapping[str, Raw]
    stream: bool
    wants_usage: bool  # the client asked for the usage chunk itself
    answers: int  # `n`

    def facts(self) -> Facts:
        """What policies and limits read of it."""
        return facts.chat_facts(self.typed)


def parse(body: bytes, query: bytes = b"") -> ChatRequest:
    """Check a `/v1/chat/completions` body. Raises InvalidRequest naming the field."""
    try:
        typed = facts.decode_chat(body)
    except BodyError as error:
        raise invalid(error) from None
    members = members_of(body)
    if not typed.messages:
        raise InvalidRequest("`messages` is empty: a chat request has at least one message.", param="messages")
    if not members.keys() <= _KNOWN:
        refuse_lookalikes(members, GOVERNED)
    if typed.max_tokens is not None and typed.max_completion_tokens is not None:
        # Providers differ in which one they obey: limits could be held to the one and the answer to the other.
        reason = "`max_tokens` and `max_completion_tokens` cannot both be set: leave out `max_tokens`."
        raise InvalidRequest(reason, param="max_tokens")
    options = typed.stream_options
    stream = bool(typed.stream)
    return ChatRequest(typed, members, stream, stream and options is not None and bool(options.include_usage), typed.n or 1)


def models_body(ids: Iterable[str]) -> bytes:
    """The body of `GET /v1/models`: `auto`, then the project's models in their order."""
    return msgspec.json.encode({"object": "list", "data": [_model(AUTO), *(_model(id) for id in ids if id != AUTO)]})


def model_body(id: str) -> bytes:
    """The body of `GET /v1/models/{id}` for a listed model or `auto`; the caller refuses other ids with NotFound."""
    return msgspec.json.encode(_model(id))


def _model(id: str) -> dict[str, str | int]:
    return {"id": id, "object": "model", "created": _CREATED, "owned_by": _OWNER}
