"""Files as plain values: read one, say what it should mean, get its text back with only that changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def edited(path: str, data: bytes, change: Callable[[Document], Document]) -> dict[str, bytes]:
    """{path: text} after `change`, which gets the file's value and returns what it should be; empty when that is the same."""
    before = loaded(path, data)
    meant = change(before)
    return {} if meant == before else {path: rewritten(path, data, meant)}


def rewritten(path: str, data: bytes, meant: Document) -> bytes:
    """The text of a file that means `meant`, its other lines byte for byte. Raises EditRejected."""
    try:
        return yaml_document.rewritten(data, meant)
    except yaml_document.NotEditable as error:
        raise EditRejected(path, str(error)) from error


def written(meant: Document) -> bytes:
    """The text of a new file."""
    return yaml_document.written(meant)


def with_fields(document: Document, fields: Mapping[str, Value]) -> Document:
    """The document with these fields set; None takes one away."""
    changed = {**document, **fields}
    return {key: value for key, value in changed.items() if value is not None or (key in document and key not in fields)}
