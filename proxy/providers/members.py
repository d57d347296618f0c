"""Edits of one top-level member of a JSON object, everything else kept byte for byte.

Where a cheap proof shows which bytes are the member's value, only those are replaced. Otherwise the object is taken apart into
its top-level members and put together again: values and order stay exact, white space between members and repeated names go.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

_MODEL = b'"model"'
_SPACE = b" \t\n\r"
_members = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.encode


def with_model(document: bytes, model: Raw) -> bytes:
    """The object with `model` as its top-level `model` (added where it had none). Raises msgspec.DecodeError for no object."""
    return replaced(document, model, model_span(document))


def replaced(document: bytes, model: Raw, span: tuple[int, int] | None) -> bytes:
    """`with_model` where `model_span` has been asked already."""
    if span is None or document.rfind(_MODEL) > span[0]:
        return rebuilt(document, model)
    return document[: span[0]] + bytes(model) + document[span[1] :]


def rebuilt(document: bytes, model: Raw, without: str | None = None) -> bytes:
    """The object put together again with another `model`, and without one member. Raises msgspec.DecodeError for no object."""
    members = _members.decode(document)
    if without is not None:
        members.pop(without, None)
    members["model"] = model
    return _encode(members)


def model_span(document: bytes) -> tuple[int, int] | None:
    """Where the first `model` of an object has its string value, quotes included; None where that is not certain.

    Certain is: nothing but the object itself was opened before (a brace inside a string spoils the proof, never the result),
    the quote does not belong to a string's inside, and a plain string follows.
    """
    at = document.find(_MODEL)
    if at < 1 or document.count(b"{", 0, at) != 1 or document.find(b"[", 0, at) >= 0 or document[at - 1] == 0x5C:
        return None
    start = at + 8
    if not document.startswith(b'":"', at + 6):
        colon = _skip_space(document, at + len(_MODEL))
        start = _skip_space(document, colon + 1)
        if document[colon : colon + 1] != b":" or document[start : start + 1] != b'"':
            return None
    end = document.find(b'"', start + 1)
    if end < 0 or document.find(b"\\", start, end) >= 0:
        return None
    return start, end + 1


def _skip_space(document: bytes, at: int) -> int:
    while document[at : at + 1] in _SPACE and at < len(document):
        at += 1
    return at
