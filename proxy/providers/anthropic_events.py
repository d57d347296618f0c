"""One event of an Anthropic stream, as far as a relay must know it: content, the end, usage, errors. Typed partial decoding.

What an event is stands in its data's `type`, which every event of the dialect has; events of other types are left alone.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec
from msgspec import Raw

_KNOWN = frozenset({"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"})
_NOTHING = Raw()


class Delta(msgspec.Struct, gc=False):
    """What a `content_block_delta` adds, or what a `message_delta` says of the end."""

    type: Any = None
    text: Any = None
    thinking: Any = None
    partial_json: Any = None
    stop_reason: Any = None


class Block(msgspec.Struct, gc=False):
    """The block that a `content_block_start` opens."""

    type: Any = None
    text: Any = None


class Event(msgspec.Struct, gc=False):
    """An event's data."""

    type: Any = None
    delta: Delta | None = None
    content_block: Block | None = None
    message: Raw = _NOTHING
    usage: Any = None
    error: Any = None


class _TextDelta(msgspec.Struct, gc=False):
    type: Literal["text_delta"]
    text: str


class _TextEvent(msgspec.Struct, gc=False):
    """A `content_block_delta` of text, which is most of a stream."""

    type: Literal["content_block_delta"]
    delta: _TextDelta


class _DeltaEvent(msgspec.Struct, gc=False):
    """Any `content_block_delta`."""

    type: Literal["content_block_delta"]
    delta: Delta


class Malformed(Exception):
    """An event that is no JSON object, or not what its type says."""


_event = msgspec.json.Decoder(Event)
_texts = msgspec.json.Decoder(_TextEvent)
_deltas = msgspec.json.Decoder(_DeltaEvent)


def decode(payload: bytes) -> Event:
    """The event in an event's data. Raises Malformed."""
    try:
        return _event.decode(payload)
    except msgspec.ValidationError as error:
        value = _object(payload, error)
        if value.get("type") in _KNOWN:
            raise Malformed(str(error)) from None
        return Event(type=value.get("type"), error=value.get("error"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _opaque(_object(payload, error))
    except RecursionError:
        raise Malformed("nested too deeply") from None


def run_contents(lines: bytes, count: int) -> tuple[int, int] | None:
    """(how many add content, how many characters) of the data of `count` deltas, one a line; None unless each is just that."""
    try:
        said = [event.delta.text for event in _texts.decode_lines(lines)]
        chars = len("".join(said))
        contents = len(said) - said.count("")
    except msgspec.ValidationError:
        return _mixed_contents(lines, count)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # Each line opens at least one object: equal counts mean exactly one for each.
    return (contents, chars) if len(said) == count else None


def _mixed_contents(lines: bytes, count: int) -> tuple[int, int] | None:
    """The same where they are not all of text."""
    try:
        said = [content_chars(event.delta) for event in _deltas.decode_lines(lines)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return (len(said) - said.count(0), sum(said)) if len(said) == count else None


def content_chars(delta: Delta) -> int:
    """The characters of content in a delta; 0 where it has none. Of a kind that nobody here knows, one: it is content too."""
    text = delta.text if delta.text is not None else delta.partial_json if delta.partial_json is not None else delta.thinking
    if text.__class__ is str:
        return len(text)
    return 1


def _object(payload: bytes, reason: Exception) -> dict[str, Any]:
    """The JSON object as the standard library reads it: slow, and even with half a surrogate pair. Raises Malformed."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise Malformed(str(reason)) from None
    if not isinstance(value, dict):
        raise Malformed(str(reason))
    return value


def _opaque(value: dict[str, Any]) -> Event:
    """An event whose text cannot be read (half of a surrogate pair, cut between tokens) but whose JSON stands."""
    kind, delta = value.get("type"), value.get("delta")
    if kind == "content_block_delta":
        return Event(type=kind, delta=Delta(text="\ufffd"))
    reason = delta.get("stop_reason") if isinstance(delta, dict) else None
    return Event(type=kind, delta=Delta(stop_reason=reason), usage=value.get("usage"), error=value.get("error"))
