"""One chunk of an OpenAI chat stream, as far as a relay must know it: content, ends, usage, errors. Typed partial decoding.

Values of no fixed shape are `Any` or raw: a provider's odd type in a field that is only looked at must not end its stream.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

_EMPTY = frozenset({b"", b"null", b"[]", b"{}", b'""', b"false", b"0"})
_NOTHING = Raw()


class Delta(msgspec.Struct, gc=False):
    """What a chunk adds. Text in the first four; the rest are calls and media."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    tool_calls: Raw = _NOTHING
    function_call: Raw = _NOTHING
    reasoning_details: Raw = _NOTHING
    audio: Raw = _NOTHING
    images: Raw = _NOTHING


class Choice(msgspec.Struct, gc=False):
    """One answer's part of a chunk."""

    delta: Delta | None = None
    finish_reason: Any = None
    index: Any = 0


class Chunk(msgspec.Struct, gc=False):
    """A chunk, or any other JSON object that came as an event."""

    choices: list[Choice] | UnsetType | None = UNSET
    usage: Any = UNSET
    error: Any = None
    model: Any = UNSET


class Malformed(Exception):
    """An event that is no JSON object, or no chunk."""


_chunk = msgspec.json.Decoder(Chunk)


def decode(payload: bytes) -> Chunk:
    """The chunk in an event's data. Raises Malformed."""
    try:
        return _chunk.decode(payload)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _opaque(payload, error)
    except RecursionError:
        raise Malformed("nested too deeply") from None


def _opaque(payload: bytes, reason: Exception) -> Chunk:
    """A chunk whose text cannot be read (half of a surrogate pair, cut between tokens) but whose JSON stands: content.

    The standard library is slow and reads it; it is asked only where msgspec gave up.
    """
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise Malformed(str(reason)) from None
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        raise Malformed(str(reason)) from None
    return Chunk(choices=[Choice(delta=Delta(content="\ufffd"))], model=None)


def decode_run(tails: list[bytes]) -> list[Chunk]:
    """Chunks of which only what follows their common beginning is given; [] unless each is exactly one JSON object."""
    try:
        chunks = _chunk.decode_lines(b"{" + b"\n{".join(tails))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    # Each tail opens at least one object: equal counts mean exactly one for each.
    return chunks if len(chunks) == len(tails) else []


def content_chars(delta: Delta) -> int:
    """The characters of content in a delta, tool calls and thinking included; 0 where it has none."""
    text = delta.content
    if isinstance(text, str) and text and len(delta.tool_calls) == 0:
        return len(text)  # nearly always
    total = 0
    for text in (delta.content, delta.reasoning_content, delta.reasoning, delta.refusal):
        if text:
            total += len(text) if isinstance(text, str) else len(msgspec.json.encode(text))
    for raw in (delta.tool_calls, delta.function_call, delta.reasoning_details):
        if len(raw) > 0 and bytes(raw) not in _EMPTY:
            total += len(raw)
    for media in (delta.audio, delta.images):
        if len(media) > 0 and bytes(media) not in _EMPTY:
            total += 1  # base64 is no text: it would be counted as thousands of tokens
    return total


_NULL_USAGE = (b',"usage":null', b', "usage": null')


def without_null_usage(tail: bytes) -> bytes | None:
    """A chunk's tail without its top-level `"usage": null`; None where it cannot be cut out with certainty.

    Certain is: only one closing bracket follows, so that the member belongs to the chunk itself.
    """
    if tail.endswith(b',"usage":null}'):
        return tail[:-14] + b"}"
    for member in _NULL_USAGE:
        at = tail.rfind(member)
        if at >= 0:
            rest = tail[at + len(member) :]
            if rest[:1] in (b"}", b",") and rest.count(b"}") == 1 and b"]" not in rest:
                return tail[:at] + rest
    return None
