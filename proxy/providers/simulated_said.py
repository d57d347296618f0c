"""What a request asks of a simulated model and what the model says to it, whichever dialect both are written in."""

from __future__ import annotations

import zlib
from typing import Any, Literal

import msgspec

from proxy.providers.simulated_text import Words

_encode = msgspec.json.encode


class Wish(msgspec.Struct, gc=False):
    """A request as a script needs it. `request` is the dialect's own, for the voice that read it."""

    request: Any
    text: str  # of the last message of the user: what scripted answers are matched against
    stream: bool = False
    cap: int | None = None
    json: bool = False
    thinks: bool = False


class Said(msgspec.Struct, gc=False):
    """What the model says: its words or its call, and why it stops."""

    words: Words
    start: int
    count: int
    end: Literal["end", "cap", "call"]
    call: dict[str, Any] | None = None
    cut_after: int | None = None


def call_parts(call: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """A scripted tool call as id, name and arguments, the last as the text that goes inside JSON."""
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else _encode(arguments).decode()
    name = _encode(str(call.get("name", "")))
    return _encode(f"call_{zlib.crc32(name + text.encode()):08x}"), name, text


def call_tokens(call: dict[str, Any]) -> int:
    """What a call counts as."""
    _, name, text = call_parts(call)
    return 4 + (len(name) + len(text)) // 4
