"""Plain values as YAML 1.2 text that our strict reader reads back as the same: as people would write it, where it can be. Pure.

Mappings and lists are blocks, except small rows (a limit, a member, a window) and lists of words, which read better on one
line. Text of several lines is a literal block where that keeps it exactly, else it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from core import yaml_strict
from core.yaml_strict import Value

# What needs no quotes, for any reader of YAML: words, and ids and hashes that begin with digits.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./()-]+)*|[0-9]+[A-Za-z][A-Za-z0-9]*")
_ROWS = ("metric", "user", "rolling")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def scalar(value: Value, style: str | None = None) -> str:
    """A scalar, valid in block and flow, in the quotes that the old one had (`style`)."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    text = str(value)
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if style != '"' and _PLAIN.fullmatch(text) and _reads_as_itself(text):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def flow(value: Value, style: str | None = None) -> str:
    """Any value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return scalar(value, style)


def literal(value: Value, column: int) -> list[str] | None:
    """Text of several lines as a literal block: the header, then its lines at `column`; None where it could not be exact."""
    if not isinstance(value, str) or "\n" not in value.rstrip("\n"):
        return None
    body = value.removesuffix("\n").split("\n")
    exact = all(line == line.rstrip() and line.isprintable() for line in body)
    if not exact or not body[0] or body[0][0] == " " or not body[-1]:
        return None
    return ["|" if value.endswith("\n") else "|-", *(" " * column + line if line else "" for line in body)]


def mapping_lines(mapping: Mapping[str, Value], column: int) -> list[str]:
    """The entries of a mapping as block lines that begin at `column`."""
    return [line for key, value in mapping.items() for line in _entry_lines(key, value, column)]


def item_lines(value: Value, column: int, *, inline: bool = False) -> list[str]:
    """One item of a list as block lines, its dash at `column`."""
    dash = " " * column + "- "
    if not isinstance(value, dict) or inline or _fits_a_row(value):
        return [dash + flow(value)]
    first, *rest = mapping_lines(value, column + 2)
    return [dash + first.lstrip(" "), *rest]


def is_block_list(value: Value) -> bool:
    """Whether a list is written item by item below its key: it has mappings in it."""
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _entry_lines(key: str, value: Value, column: int) -> Iterable[str]:
    name = " " * column + scalar(key) + ":"
    if isinstance(value, dict) and not _fits_a_row(value):
        return [name, *mapping_lines(value, column + 2)]
    if isinstance(value, list) and is_block_list(value):
        return [name, *(line for item in value for line in item_lines(item, column + 2))]
    header, *body = literal(value, column + 2) or [flow(value)]
    return [f"{name} {header}", *body]


def _fits_a_row(mapping: Mapping[str, Value]) -> bool:
    return not mapping or any(name in mapping for name in _ROWS)


def _reads_as_itself(text: str) -> bool:
    try:
        return yaml_strict.load(text.encode()) == text
    except yaml_strict.YamlError:
        return False


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
