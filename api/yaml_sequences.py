"""Lists of a hand-written file: which item is which after a change, and what text belongs to each. Pure.

A comment right above an item, at its dash or further left, goes where the item goes; one below it that is indented further is
the item's too. What stands between two items otherwise (blank lines, comments of their own) stays at its place in the list.
Right above the first item a comment may be about the list: it is the item's where another item has one above it too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import yaml

from api.yaml_marks import Node, end_of, line_after, line_start, lines_between
from core.yaml_strict import Value

# What an item of each list is known by, the first of these that it has.
_IDENTITIES = (("id",), ("user",), ("kind",), ("metric", "window"), ("when",), ("above_input_tokens",), ("url",), ("paths",))


class Chunk(NamedTuple):
    """The lines of one item of a block list, with its comments; `dash` is the line that its dash is on."""

    start: int
    dash: int
    end: int


def matched(before: Sequence[Value], meant: Sequence[Value], same: Callable[[Value, Value], bool]) -> list[int | None]:
    """For each meant item the position of the one before that it is (None: it is new): an equal one, else one of its name,
    else, among mappings without a name, the next."""
    free = dict(enumerate(before))
    found: list[int | None] = [None] * len(meant)
    tests: tuple[Callable[[Value, Value], bool], ...] = (same, _alike, _nameless)
    for is_it in tests:
        for position, item in enumerate(meant):
            if found[position] is None:
                at = next((old for old, value in free.items() if is_it(value, item)), None)
                if at is not None:
                    found[position] = at
                    del free[at]
    return found


def _alike(one: Value, other: Value) -> bool:
    name = _identity(one)
    return name is not None and name == _identity(other)


def _nameless(one: Value, other: Value) -> bool:
    return isinstance(one, dict) and isinstance(other, dict) and _identity(one) is None and _identity(other) is None


def _identity(item: Value) -> Hashable:
    if not isinstance(item, dict):
        return None
    for names in _IDENTITIES:
        if all(name in item for name in names):
            return names, tuple(repr(item[name]) for name in names)
    return None


def chunks_of(text: str, sequence: Node) -> tuple[list[Chunk], list[str]]:
    """The chunks of a block list, and what stands between each two of them. Raises ValueError where two share a line."""
    column = sequence.start_mark.column
    dashes = [_dash_line(text, item, column) for item in sequence.value]
    ends = [_end_of_lines(text, item) for item in sequence.value]
    if len(set(dashes)) < len(dashes):
        raise ValueError("two items share a line")
    starts, separators = [dashes[0]], []
    for position in range(len(dashes) - 1):
        lines = list(lines_between(text, ends[position], dashes[position + 1]))
        while lines and _is_comment(lines[0][1], deeper_than=column):
            at, line = lines.pop(0)
            ends[position] = at + len(line)
        start = dashes[position + 1]
        while lines and _is_comment(lines[-1][1], up_to=column):
            start = lines.pop()[0]
        starts.append(start)
        separators.append(text[ends[position] : start])
    if any(start < dash for start, dash in zip(starts[1:], dashes[1:], strict=True)):
        starts[0] = _above(text, dashes[0], column)
    for at, line in lines_between(text, ends[-1], len(text)):
        if not _is_comment(line, deeper_than=column):
            break
        ends[-1] = at + len(line)
    return [Chunk(*bounds) for bounds in zip(starts, dashes, ends, strict=True)], separators


def _dash_line(text: str, item: Node, column: int) -> int:
    """The start of the line with an item's dash. Raises ValueError where anything else is before it on that line."""
    start = line_start(text, item.start_mark.index)
    while text[start : start + column + 1].strip(" ") != "-":
        if start == 0 or text[start : line_after(text, start)].split("#")[0].strip():
            raise ValueError("an item does not begin on a line of its own")
        start = line_start(text, start - 1)
    return start


def _above(text: str, dash: int, column: int) -> int:
    """Where the comments right above the line at `dash` begin, of those that are exactly as far in."""
    while dash and _is_comment(text[(before := line_start(text, dash - 1)) : dash], deeper_than=column - 1, up_to=column):
        dash = before
    return dash


def _end_of_lines(text: str, item: Node) -> int:
    """Where an item's lines end. Blank lines after a block scalar are no part of it, unless it says that it keeps them."""
    end, last = line_after(text, end_of(item)), item
    while not isinstance(last, yaml.ScalarNode) and last.value:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    header = text[last.start_mark.index : line_after(text, last.start_mark.index + 1)].split("#")[0]
    if getattr(last, "style", None) in ("|", ">") and "+" not in header:
        while not text[line_start(text, end - 1) : end].strip():
            end = line_start(text, end - 1)
    return end


def _is_comment(line: str, deeper_than: int = -1, up_to: int = 1_000) -> bool:
    bare = line.lstrip(" ")
    return bare.startswith("#") and deeper_than < len(line) - len(bare) <= up_to
