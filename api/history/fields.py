"""A field of a file, as people name it, and where it stands in the text. Pure.

`limits.rules[0].value` is what errors say too; an entry of a list can be named by what it holds, `models[id=fast].limits`, so
that it is the same one when the list is put in another order; `labels[a.b]` is a key with a point in it.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from api.yaml_marks import end_of, entries_of, root_of
from core import yaml_strict
from core.yaml_strict import Place, Value, YamlError

Step: TypeAlias = str | int | tuple[str, str]

_STEP = re.compile(r"\.?([^.\[\]]+)|\[([0-9]{1,6})\]|\[([^=\[\]]+)=([^\[\]]*)\]|\[([^\[\]]+)\]")
_MOST = 300


class BadField(ValueError):
    """The text does not name a field."""


class _Absent(Exception):
    """There is no such field in this version of the file."""


def steps_of(field: str) -> tuple[Step, ...]:
    """The way to a field. Raises BadField."""
    found: list[Step] = []
    at = 0
    while at < len(field) <= _MOST:
        match = _STEP.match(field, at)
        if match is None or (at == 0 and field.startswith(".")):
            break
        key, position, name, value, other = match.groups()
        found.append(int(position) if position else (name, value) if name else key or other)
        at = match.end()
    if not found or at != len(field):
        raise BadField("a field is named as in errors: `name`, `limits.rules[0].value`, `models[id=fast].limits`")
    return tuple(found)


def place_in(value: Value, steps: tuple[Step, ...]) -> Place | None:
    """Where the field stands in a file that holds `value`; None where it is not there."""
    place: list[str | int] = []
    try:
        for step in steps:
            key = _key(value, step)
            place.append(key)
            value = value[key]  # type: ignore[index]  # `_key` has looked
    except _Absent:
        return None
    return tuple(place)


def value_in(data: bytes | None, steps: tuple[Step, ...]) -> tuple[Value, ...]:
    """(the field's value,), or () where there is no such field, or nothing that can be read."""
    try:
        value = yaml_strict.load(data) if data is not None else None
    except YamlError:
        return ()
    place = place_in(value, steps)
    if place is None:
        return ()
    for key in place:
        value = value[key]  # type: ignore[index]  # it is the place in this very value
    return (value,)


def lines_of(data: bytes, steps: tuple[Step, ...]) -> tuple[int, int] | None:
    """The first and the last line of the field, its key included, from 1; None where it is not there."""
    try:
        place = place_in(yaml_strict.load(data), steps)
    except YamlError:
        return None
    if place is None:
        return None
    text = data.decode().removeprefix("\ufeff")
    node, start, end = root_of(text), 0, len(text)
    for key in place:
        if isinstance(key, int):
            node = node.value[key]
            start, end = node.start_mark.index, end_of(node)
        else:
            entry = next(entry for entry in entries_of(node) if entry.key == key)
            node, start, end = entry.node, entry.start, entry.end
    return text.count("\n", 0, start) + 1, text.count("\n", 0, max(start, end - 1)) + 1


def _key(value: Value, step: Step) -> str | int:
    if isinstance(value, dict) and isinstance(step, str) and step in value:
        return step
    if isinstance(value, list):
        if isinstance(step, int) and step < len(value):
            return step
        if isinstance(step, tuple):
            name, wanted = step
            for position, entry in enumerate(value):
                if isinstance(entry, dict) and str(entry.get(name)) == wanted:
                    return position
    raise _Absent
