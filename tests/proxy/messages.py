"""An Anthropic provider on the wire: whole answers, events of streams, errors, as its API prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.proxy.product import Asked, Behaviour

USAGE: dict[str, Any] = {
    "input_tokens": 9,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 3,
    "service_tier": "standard",
}


def message(model: str = "up", text: str = "Hi there", **more: Any) -> dict[str, Any]:
    """A message."""
    return {
        "model": model,
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


def whole(model: str = "up", text: str = "Hi there", **more: Any) -> bytes:
    """A message as a body."""
    return json.dumps(message(model, text, **more), indent=2).encode()


def event(kind: str, **data: Any) -> bytes:
    """One event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, separators=(',', ':'))}\n\n".encode()


def start(model: str = "up", usage: Mapping[str, Any] | None = None) -> bytes:
    """`message_start`: no content."""
    said = {**USAGE, "output_tokens": 1} if usage is None else usage
    return event("message_start", message=message(model, content=[], stop_reason=None, usage=said))


PING = event("ping")
STOP = event("message_stop")


def opening(index: int = 0, **block: Any) -> bytes:
    """`content_block_start`, of a text unless told."""
    return event("content_block_start", index=index, content_block=block or {"type": "text", "text": ""})


def word(text: str, index: int = 0) -> bytes:
    """A text delta."""
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def closing(index: int = 0) -> bytes:
    """`content_block_stop`."""
    return event("content_block_stop", index=index)


def finish(reason: str = "end_turn", **usage: Any) -> bytes:
    """`message_delta` with the reason of the end."""
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage or {"output_tokens": 3})


def error(kind: str = "overloaded_error", text: str = "Overloaded") -> bytes:
    """An error event."""
    return event("error", error={"type": kind, "message": text}, request_id="req_up")


def error_body(kind: str, text: str) -> bytes:
    """An error as a body."""
    said = {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_up"}
    return json.dumps(said, indent=1).encode()


def stream_of(model: str, *words: str) -> list[bytes]:
    """A healthy stream."""
    return [start(model), opening(), PING, *(word(text) for text in words), closing(), finish(), STOP]


async def well(asked: Asked) -> None:
    """Answer as a healthy provider."""
    body = asked.json
    model = body["model"]
    if not body.get("stream"):
        await asked.answer(whole(model), b"request-id: req_1")
        return
    await asked.begin_stream(b"request-id: req_1")
    await asked.events(*stream_of(model, "One ", "two ", "three"))
    await asked.end_stream()


def failing(status: int, kind: str, *headers: bytes) -> Behaviour:
    """Answer with an error."""

    async def behave(asked: Asked) -> None:
        said = error_body(kind, f"upstream says {status}")
        await asked.answer(said, b"request-id: req_1", *headers, status=b"%d Whatever" % status)

    return behave
