"""Where things stand in the text of a YAML file. Pure; positions are indices into the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import yaml

Node: TypeAlias = Any  # PyYAML's stubs type neither a node's value nor its marks


class Entry(NamedTuple):
    """One key of a mapping with its value's node: from the key's first character to the end of the value's own text."""

    key: str
    node: Node
    start: int
    key_end: int
    end: int
    column: int


def root_of(text: str) -> Node:
    """The document's node; None where there is none."""
    return yaml.compose(text, Loader=yaml.CSafeLoader)


def entries_of(mapping: Node) -> list[Entry]:
    """The entries of a mapping, in order."""
    return [
        Entry(key.value, node, key.start_mark.index, key.end_mark.index, end_of(node, key), key.start_mark.column)
        for key, node in mapping.value
    ]


def end_of(node: Node, key: Node = None) -> int:
    """Where a node's own text ends: a block collection's mark would be at the next token, beyond comments and blank lines."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return max(int(node.end_mark.index), int(key.end_mark.index) if key is not None else 0)
    last = node.value[-1]
    return end_of(*reversed(last)) if isinstance(last, tuple) else end_of(last)


def colon_after(text: str, key_end: int) -> int:
    """The index after the colon of a key that ends at `key_end`."""
    return text.index(":", key_end) + 1


def line_start(text: str, index: int) -> int:
    """Where the line of `index` begins."""
    return text.rfind("\n", 0, index) + 1


def line_after(text: str, index: int) -> int:
    """The start of the line after `index`; `index` itself when it is one already; the end when there is none."""
    if index and text[index - 1] == "\n":
        return index
    return text.find("\n", index) + 1 or len(text)


def lines_between(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The lines from `start` to `end`, both starts of lines, each with its index."""
    while start < end:
        after = min(text.find("\n", start) + 1 or end, end)
        yield start, text[start:after]
        start = after
