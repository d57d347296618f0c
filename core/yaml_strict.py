"""YAML without surprises: libyaml reads it, YAML 1.2 core rules decide what a plain word means, everything clever is refused.

`on`, `no` and `yes` are text; `020` is twenty; a number with a point or an exponent is a `Decimal`, so that prices are exact; a
date is text. Refused, each with its line: a key given twice, anchors and aliases, tags, more than one document, keys that are
not text, text that is not UTF-8, invisible line breaks, nesting and sizes out of bounds. Bytes in, plain values out; the only
error is `YamlError`.
"""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import Any, TypeAlias

import yaml
from yaml._yaml import CParser

MAX_BYTES = 1_048_576
MAX_DEPTH = 24
MAX_NUMBER_LENGTH = 40
MAX_EXPONENT = 30

Value: TypeAlias = "str | int | bool | Decimal | list[Value] | dict[str, Value] | None"
Place: TypeAlias = tuple[str | int, ...]
Event: TypeAlias = Any  # the stubs know neither an event's fields nor that libyaml always marks it

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_MAY_BE_NUMBER = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# libyaml ends a line (and a comment) at these, editors and reviews do not show it: a comment could hide a setting.
_HIDDEN_BREAK = re.compile("[\x85\u2028\u2029]|\r(?!\n)")

_Scalar, _Mapping, _Sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
_MappingEnd, _SequenceEnd = yaml.MappingEndEvent, yaml.SequenceEndEvent


class YamlError(ValueError):
    """The text is not YAML as it is accepted here. `line` counts from 1; the reason never quotes a value."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def load(data: bytes) -> Value:
    """Return the value of the one document in `data` (None when it has none)."""
    return _read(data, None)


def lines(data: bytes) -> dict[Place, int]:
    """Return the line, from 1, of every key and list entry, by its place: `("policies", 0, "kind")`.

    Costs a second reading, so it is for naming errors. A text that `load` refuses gives the places before the fault.
    """
    found: dict[Place, int] = {(): 1}
    with contextlib.suppress(YamlError):  # the caller knows it already, from `load`
        _read(data, found)
    return found


def _read(data: bytes, marks: dict[Place, int] | None) -> Value:
    _check_text(data)
    # libyaml wants the text itself: bytes that begin with another byte order mark have been refused above.
    parser: Any = CParser(data)
    try:
        parser.get_event()  # the stream's start
        if isinstance(parser.get_event(), yaml.StreamEndEvent):
            return None
        value = _value(parser, parser.get_event(), 0, marks, ())
        parser.get_event()  # the document's end
        following = parser.get_event()
        if not isinstance(following, yaml.StreamEndEvent):
            raise YamlError(following.start_mark.line + 1, "a second document begins here: one file holds one document")
    except yaml.YAMLError as error:
        raise _translated(error, data) from None
    finally:
        parser.dispose()
    return value


def _check_text(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise YamlError(1, f"the file has {len(data)} bytes: at most {MAX_BYTES} are read")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise YamlError(data.count(b"\n", 0, error.start) + 1, "this is not UTF-8 text: save the file as UTF-8") from None
    if hidden := _HIDDEN_BREAK.search(text):
        line = text.count("\n", 0, hidden.start()) + 1
        raise YamlError(
            line, f"an invisible line break (U+{ord(hidden[0]):04X}): remove it, or write it as an escape in quotes"
        )


def _value(parser: Any, event: Event, depth: int, marks: dict[Place, int] | None, place: Place) -> Value:
    kind = type(event)
    if kind is _Scalar:
        if event.anchor is not None or event.tag is not None:
            raise _clever(event)
        return _scalar(event) if event.implicit[0] else str(event.value)
    if (kind is not _Mapping and kind is not _Sequence) or event.anchor is not None or event.tag is not None:
        raise _clever(event)
    if depth == MAX_DEPTH:
        raise YamlError(event.start_mark.line + 1, f"nested more than {MAX_DEPTH} levels deep")
    if kind is _Mapping:
        return _mapping(parser, depth + 1, marks, place)
    return _sequence(parser, depth + 1, marks, place)


def _mapping(parser: Any, depth: int, marks: dict[Place, int] | None, place: Place) -> dict[str, Value]:
    read: dict[str, Value] = {}
    while type(event := parser.get_event()) is not _MappingEnd:
        key = _value(parser, event, depth, None, ())
        if type(key) is not str:
            raise YamlError(event.start_mark.line + 1, "a key must be text: put it in quotes")
        if key in read:
            raise YamlError(event.start_mark.line + 1, f"`{key}` is given twice: keep one of the two")
        if marks is not None:
            marks[(*place, key)] = event.start_mark.line + 1
        read[key] = _value(parser, parser.get_event(), depth, marks, (*place, key) if marks is not None else ())
    return read


def _sequence(parser: Any, depth: int, marks: dict[Place, int] | None, place: Place) -> list[Value]:
    read: list[Value] = []
    while type(event := parser.get_event()) is not _SequenceEnd:
        here = (*place, len(read)) if marks is not None else ()
        if marks is not None:
            marks[here] = event.start_mark.line + 1
        read.append(_value(parser, event, depth, marks, here))
    return read


def _scalar(event: Event) -> Value:
    """Return what a plain word means by the core schema of YAML 1.2."""
    text: str = event.value
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return _whole(int(_bounded(text, event)), event)
    if _DECIMAL.fullmatch(text):
        number = Decimal(_bounded(text, event))
        if number and abs(number.adjusted()) > MAX_EXPONENT:
            raise YamlError(event.start_mark.line + 1, "a number out of any range that is used here")
        return number
    if _OTHER_BASE.fullmatch(text):
        return _whole(int(_bounded(text, event), 0), event)
    if _NOT_FINITE.fullmatch(text):
        raise YamlError(
            event.start_mark.line + 1, "infinity and not-a-number are no values here: give a number, or quote the text"
        )
    return text


def _whole(number: int, event: Event) -> int:
    if -(2**63) <= number < 2**63:
        return number
    raise YamlError(event.start_mark.line + 1, "a number out of any range that is used here: quote it if it is text")


def _bounded(text: str, event: Event) -> str:
    if len(text) > MAX_NUMBER_LENGTH:
        raise YamlError(event.start_mark.line + 1, f"a number of more than {MAX_NUMBER_LENGTH} digits: quote it if it is text")
    return text


def _clever(event: Event) -> YamlError:
    line = event.start_mark.line + 1
    if isinstance(event, yaml.AliasEvent):
        return YamlError(line, "aliases (`*name`) are not read here: write the value out")
    if event.anchor is not None:
        return YamlError(line, "anchors (`&name`) are not read here: remove it and write each value out")
    return YamlError(line, "tags (`!name`) are not read here: remove it")


def _translated(error: yaml.YAMLError, data: bytes) -> YamlError:
    """Return libyaml's complaint with its line; it speaks of characters and structure, never of values."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark: Any = error.problem_mark or error.context_mark
        # The complaint may be about the line after the last.
        if mark and [*data.split(b"\n"), b""][mark.line].lstrip(b" ").startswith(b"\t"):
            return YamlError(mark.line + 1, "this line is indented with a tab: indent with spaces")
        reason = ", ".join(part for part in (error.problem, error.context) if part)
        return YamlError(mark.line + 1 if mark else 1, f"this is not YAML: {reason}")
    position = getattr(error, "position", 0)
    return YamlError(data.count(b"\n", 0, position) + 1, "this is not YAML: a control character")
