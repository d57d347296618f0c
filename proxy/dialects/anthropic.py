"""Anthropic's messages on the client's side: reads request bodies, writes counts and model lists. No I/O.

As with `openai_chat`, a body is decoded twice: typed and partial for what Waybill reads, and into its untouched members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw

from core import facts
from core.facts import BodyError, Facts
from proxy.dialects.bodies import invalid, members_of, refuse_lookalikes
from proxy.refusals import InvalidRequest

NAME: Literal["anthropic"] = "anthropic"

# A model list has no date of its own: a constant, so that equal configurations give equal bytes.
_CREATED_AT = "2025-01-01T00:00:00Z"

# Members that limits, routing or accounting depend on.
GOVERNED = frozenset({"model", "messages", "max_tokens", "stream", "system", "tools", "thinking"})
_KNOWN = GOVERNED | {
    "betas", "cache_control", "container", "context_management", "inference_geo", "mcp_servers", "metadata", "output_config",
    "output_format", "service_tier", "speed", "stop_sequences", "temperature", "tool_choice", "top_k", "top_p",
}  # fmt: skip


class MessagesRequest(msgspec.Struct, frozen=True, gc=False):
    """A checked request: its facts, and all its top-level members as the bytes that the client sent."""

    typed: facts.MessagesRequest
    members: Mapping[str, Raw]
    stream: bool
    beta: bool  # asked at `/v1/messages?beta=true`, and so is the provider

    def facts(self) -> Facts:
        """What policies and limits read of it. Raises InvalidRequest naming the field."""
        return _facts(self.typed)


def parse(body: bytes, query: bytes = b"") -> MessagesRequest:
    """Check a `/v1/messages` body. Raises InvalidRequest naming the field."""
    try:
        typed = facts.decode_messages(body)
    except BodyError as error:
        raise invalid(error) from None
    members = members_of(body)
    _check(typed, members)
    return MessagesRequest(typed, members, bool(typed.stream), b"beta=true" in query.split(b"&"))


class CountRequest(msgspec.Struct, frozen=True, gc=False):
    """A checked `/v1/messages/count_tokens` body: no provider is asked."""

    typed: facts.CountTokensRequest

    @property
    def named(self) -> str:
        """The model that it is to be counted for."""
        return self.typed.model

    @classmethod
    def parse(cls, body: bytes) -> CountRequest:
        """Raises InvalidRequest naming the field."""
        try:
            typed = facts.decode_count_tokens(body)
        except BodyError as error:
            raise invalid(error) from None
        _check(typed, members_of(body))
        return cls(typed)

    def answer(self, exact: int | None) -> bytes:
        """The answer: an exact count, else the estimate. Raises InvalidRequest."""
        return msgspec.json.encode({"input_tokens": _facts(self.typed).input_tokens_estimate if exact is None else exact})


def _check(typed: facts.CountTokensRequest, members: Mapping[str, Raw]) -> None:
    if not typed.messages:
        raise InvalidRequest("messages: at least one message is required", param="messages")
    if not members.keys() <= _KNOWN:
        refuse_lookalikes(members, GOVERNED)


def _facts(typed: facts.CountTokensRequest) -> Facts:
    try:
        return facts.messages_facts(typed)
    except BodyError as error:
        raise invalid(error) from None


def models_body(ids: Sequence[str]) -> bytes:
    """The body of `GET /v1/models`, on one page."""
    page = {"data": [_model(id) for id in ids], "has_more": False, "first_id": ids[0] if ids else None}
    return msgspec.json.encode({**page, "last_id": ids[-1] if ids else None})


def model_body(id: str) -> bytes:
    """The body of `GET /v1/models/{id}`; the caller refuses ids that are not listed with NotFound."""
    return msgspec.json.encode(_model(id))


def _model(id: str) -> dict[str, str]:
    return {"type": "model", "id": id, "display_name": id, "created_at": _CREATED_AT, "lifecycle": "active"}
