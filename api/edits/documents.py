"""Files as plain values: read one, say what it should mean, get its text back with only that changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from api import yaml_document
from api.edits import EditRejected
from core import yaml_strict
from core.yaml_strict import Value

Document: TypeAlias = dict[str, Value]


def loaded(path: str, data: bytes) -> Document:
    """The value of a file. Raises EditRejected for one that is no mapping."""
    try:
        value = yaml_strict.load(data)
    except yaml_strict.YamlError as error:
        raise EditRejected(path, f"the file cannot be read: {error}") from error
    if value is not None and not isinstance(value, dict):
        raise EditRejected(path, "the file does not hold a mapping: mend it by hand")
    return value or {}


def distinct(field: str, pairs: Sequence[tuple[str, Value]]) -> Document:
    """The mapping of these pairs. Raises EditRejected where a key is given twice: one of the two would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise EditRejected(field, f"`{twice[:100]}` is given twice")
    return found


def edited(path: str, data: bytes, change: Callable[[Document], Document]) -> dict[str, bytes]:
    """{path: text} after `change`, which gets the file's value and returns what it should be; empty when that is the same."""
    before = loaded(path, data)
    meant = change(before)
    return {} if meant == before else {path: rewritten(path, data, meant)}


def rewritten(path: str, data: bytes, meant: Document) -> bytes:
    """The text of a file that means `meant`, its other lines byte for byte. Raises EditRejected."""
    _refuse_unreadable(meant)
    try:
        return yaml_document.rewritten(data, meant)
    except yaml_document.NotEditable as error:
        raise EditRejected(path, str(error)) from error


def written(meant: Document) -> bytes:
    """The text of a new file. Raises EditRejected."""
    _refuse_unreadable(meant)
    return yaml_document.written(meant)


def with_fields(document: Document, fields: Mapping[str, Value]) -> Document:
    """The document with these fields set; None takes one away."""
    changed = {**document, **fields}
    return {key: value for key, value in changed.items() if value is not None or (key in document and key not in fields)}


def _refuse_unreadable(meant: Document) -> None:
    """Raise EditRejected for what no file may hold: values that nest too deeply, numbers too long."""
    waiting: list[tuple[str, Value, int]] = [(str(key), value, 1) for key, value in meant.items()]
    while waiting:
        field, value, depth = waiting.pop()
        if isinstance(value, dict | list):
            if depth >= yaml_strict.MAX_DEPTH:
                raise EditRejected(field, f"a file nests at most {yaml_strict.MAX_DEPTH} levels deep, and this nests deeper")
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(field, each, depth + 1) for each in inner]
        elif isinstance(value, int | Decimal) and not _readable(value):
            most, exponent = yaml_strict.MAX_NUMBER_LENGTH, yaml_strict.MAX_EXPONENT
            raise EditRejected(field, f"a number in a file has at most {most} digits and an exponent of at most {exponent}")


def _readable(number: int | Decimal) -> bool:
    exact = Decimal(number)
    return not number or (
        abs(exact.adjusted()) <= yaml_strict.MAX_EXPONENT and len(exact.as_tuple().digits) < yaml_strict.MAX_NUMBER_LENGTH
    )
