"""A project's tokens: their files hold the SHA-256 of the value and its first characters, never the value. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from api.edits import EditRejected
from api.edits.documents import Document, edited, with_fields, written
from core.paths import token_path
from core.yaml_strict import Value

PREFIX_LENGTH = 10
MAX_NAME = 200


def created(slug: str, token: str, name: str, value: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """The file of a new token. Raises EditRejected for its name."""
    given = {key: wish for key, wish in fields.items() if wish is not None}
    return {token_path(slug, token): written({"name": name_of(name), **_proof(value), **given})}


def regenerated(files: Mapping[str, bytes], slug: str, token: str, value: str, former_until: str | None) -> dict[str, bytes]:
    """Another value; the old one goes on until `former_until` (ISO 8601), or ends at once. One that was former ends."""
    path = token_path(slug, token)

    def change(document: Document) -> Document:
        former: Value = {"sha256": document.get("sha256"), "valid_until": former_until} if former_until is not None else None
        return with_fields(document, {**_proof(value), "former": former})

    return edited(path, files[path], change)


def updated(files: Mapping[str, bytes], slug: str, token: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """Set fields of a token's file (None: unset). Raises EditRejected for its name."""
    path = token_path(slug, token)
    wished = {**fields, "name": name_of(str(fields["name"]))} if "name" in fields else fields
    return edited(path, files[path], lambda document: with_fields(document, wished))


def revoked(slug: str, token: str) -> dict[str, bytes | None]:
    """No file, no token."""
    return {token_path(slug, token): None}


def name_of(name: str) -> str:
    """The name without spaces around it. Raises EditRejected."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise EditRejected("name", f"must be 1 to {MAX_NAME} printable characters on one line")
    return name


def _proof(value: str) -> Document:
    return {"sha256": hashlib.sha256(value.encode()).hexdigest(), "prefix": value[:PREFIX_LENGTH]}
