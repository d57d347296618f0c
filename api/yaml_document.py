"""Changing one value in a hand-written YAML file, and nothing else. Pure: bytes in, bytes out.

The text is cut at the marks of the nodes that change; every other byte stays, so comments, order, spacing and line ends
survive. The result is read back and compared with what was meant: where a cut would do damage, the edit is refused.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import yaml

from core import yaml_strict

Place: TypeAlias = tuple[str, ...]
Scalar: TypeAlias = str | int | bool
Node: TypeAlias = Any  # PyYAML's stubs type neither a node's value nor its marks
_Item: TypeAlias = tuple[Node, Node]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*")


class NotEditable(ValueError):
    """This file is written in a way that cannot be changed without touching more than was meant; a person can."""


def with_value(data: bytes, place: Place, value: Scalar) -> bytes:
    """Set the value at `place`, adding the mappings on the way that are missing. Raises NotEditable."""
    before = yaml_strict.load(data)
    meant = _changed(before, place, value)
    return data if meant == before else _checked(_set(data.decode(), place, value), meant, place)


def without(data: bytes, place: Place) -> bytes:
    """Remove the key at `place`, if it is there; a mapping that loses its last key stays, empty. Raises NotEditable."""
    meant = _changed(yaml_strict.load(data), place, None)
    return _checked(_unset(data.decode(), place), meant, place)


# --- the two edits ------------------------------------------------------------------------------------------------------


def _set(text: str, place: Place, value: Scalar) -> str:
    node, above = _root(text), None
    for depth, key in enumerate(place):
        item = _item(node, key)
        if item is None:
            return _inserted(text, node, place[depth:], value)
        above, node = node, item[1]
        if depth < len(place) - 1 and not isinstance(node, yaml.MappingNode):
            return _replaced_null(text, above, item, place[depth + 1 :], value)
    return _replaced(text, node, _rendered(value, getattr(node, "style", None)))


def _unset(text: str, place: Place) -> str:
    way: list[_Item] = []
    node = _root(text)
    for key in place:
        item = _item(node, key) if isinstance(node, yaml.MappingNode) else None
        if item is None:
            return text
        way.append(item)
        mapping, node = node, item[1]
    if mapping.flow_style:
        return _without_flow_item(text, mapping, place[-1])
    rest = _without_lines(text, way[-1])
    if len(mapping.value) > 1 or len(way) == 1:
        return rest
    # Its last key gone, a block mapping would read as null: it becomes an empty one, and comments inside it stay.
    colon = text.index(":", way[-2][0].end_mark.index) + 1
    return rest[:colon] + " {}" + rest[colon:]


def _replaced(text: str, node: Node, rendered: str) -> str:
    start, end = node.start_mark.index, _end(node)
    old = text[start:end]
    kept_after = old[len(old.rstrip()) :]  # a block scalar ends after its blank lines, which belong to the reader
    before = " " if start == end and text[start - 1 : start] == ":" else ""
    return text[:start] + before + rendered + kept_after + text[end:]


def _replaced_null(text: str, above: Node, item: _Item, rest: Place, value: Scalar) -> str:
    """`key:` and `key: null` become a mapping; anything else that is no mapping cannot."""
    node = item[1]
    if not isinstance(node, yaml.ScalarNode) or node.style or node.value not in ("", "~", "null", "Null", "NULL"):
        raise NotEditable(f"line {node.start_mark.line + 1}: {item[0].value} is not a mapping")
    return _replaced(text, node, _flow(rest, value, braces=True))


def _inserted(text: str, node: Node, rest: Place, value: Scalar) -> str:
    if node.flow_style:
        if not node.value:
            start = node.start_mark.index + 1
            return text[:start] + _flow(rest, value) + text[start:]
        end = _end(node.value[-1][1])
        return text[:end] + ", " + _flow(rest, value) + text[end:]
    newline = "\r\n" if "\r\n" in text else "\n"
    column = node.value[0][0].start_mark.column
    lines = [" " * (column + 2 * depth) + f"{key}:" for depth, key in enumerate(rest)]
    lines[-1] += " " + _rendered(value, None)
    at, block = _line_after(text, _end(node.value[-1][1])), newline.join(lines)
    if at and text[at - 1] != "\n":  # the file's last line has no end: it gets one, and ours takes its place
        return text[:at] + newline + block + text[at:]
    return text[:at] + block + newline + text[at:]


def _without_lines(text: str, item: _Item) -> str:
    start = text.rfind("\n", 0, item[0].start_mark.index) + 1
    return text[:start] + text[_line_after(text, _end(item[1], item[0])) :]


def _without_flow_item(text: str, node: Node, key: str) -> str:
    items = node.value
    at = next(index for index, (name, _) in enumerate(items) if name.value == key)
    start, end = items[at][0].start_mark.index, _end(items[at][1], items[at][0])
    if at + 1 < len(items):
        end = items[at + 1][0].start_mark.index
    elif at > 0:
        start = _end(items[at - 1][1], items[at - 1][0])
    return text[:start] + text[end:]


# --- reading marks ------------------------------------------------------------------------------------------------------


def _root(text: str) -> Node:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or not (node.value or node.flow_style):
        raise NotEditable("the file does not hold a mapping")
    return node


def _item(node: Node, key: str) -> _Item | None:
    return next(((name, value) for name, value in node.value if name.value == key), None)


def _end(node: Node, key: Node = None) -> int:
    """Where a node's own text ends: a block collection's mark would be at the next token, beyond comments and blank lines."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return max(int(node.end_mark.index), int(key.end_mark.index) if key is not None else 0)
    last = node.value[-1]
    return _end(*reversed(last)) if isinstance(last, tuple) else _end(last)


def _line_after(text: str, index: int) -> int:
    """The start of the line after `index`; `index` itself when it is one already; the end when there is none."""
    if index and text[index - 1] == "\n":
        return index
    return text.find("\n", index) + 1 or len(text)


# --- writing values -----------------------------------------------------------------------------------------------------


def _rendered(value: Scalar, style: str | None) -> str:
    """A scalar as YAML 1.2, valid in block and flow, in the quotes that the old one had."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _PLAIN.fullmatch(value) and yaml_strict.load(value.encode()) == value:
        return value
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _flow(place: Place, value: Scalar, braces: bool = False) -> str:
    key, *rest = place
    inner = _flow(tuple(rest), value, braces=True) if rest else _rendered(value, None)
    return f"{{{key}: {inner}}}" if braces else f"{key}: {inner}"


# --- the proof ----------------------------------------------------------------------------------------------------------


def _checked(text: str, meant: yaml_strict.Value, place: Place) -> bytes:
    data = text.encode()
    try:
        found = yaml_strict.load(data)
    except yaml_strict.YamlError:
        found = None
    if found != meant:
        raise NotEditable(f"{'.'.join(place)} cannot be changed here without touching other lines; edit the file by hand")
    return data


def _changed(tree: yaml_strict.Value, place: Place, value: Scalar | None) -> yaml_strict.Value:
    key, *rest = place
    mapping = dict(tree) if isinstance(tree, dict) else {}
    if rest and (value is not None or isinstance(mapping.get(key), dict)):
        mapping[key] = _changed(mapping.get(key), tuple(rest), value)
    elif value is not None:
        mapping[key] = value
    elif not rest:
        mapping.pop(key, None)
    return mapping
