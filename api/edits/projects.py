"""Projects: making one, changing its settings, deleting it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from api.edits import EditRejected
from api.edits.documents import Document, edited, with_fields, written
from core.fields import SLUG_PATTERN
from core.paths import project_path, routing_path
from core.yaml_strict import Value

MAX_NAME = 200
MAX_SLUG = 63

_SLUG = re.compile(SLUG_PATTERN)
# Letters that stay after their accents are taken off.
_SPELT = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})


def derived_slug(name: str, taken: Callable[[str], bool]) -> str:
    """A slug for a project of this name: `-2`, `-3` … is appended where it is taken."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_SPELT))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    stem = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:MAX_SLUG].strip("-") or "project"
    slug, number = stem, 1
    while taken(slug):
        number += 1
        ending = f"-{number}"
        slug = stem[: MAX_SLUG - len(ending)].rstrip("-") + ending
    return slug


def created(slug: str, project_id: str, name: str, admin: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """The files of a new project, whose admin member is the user `admin`; `fields` are further ones of its file."""
    if not _SLUG.fullmatch(slug) or len(slug) > MAX_SLUG:
        raise EditRejected("slug", f"must be lower-case letters, digits and single hyphens, at most {MAX_SLUG}")
    members: list[Value] = [{"user": admin.strip().lower(), "role": "admin"}]
    head: Document = {"id": project_id, "name": name_of(name)}
    document = {**head, **{key: value for key, value in fields.items() if value is not None}, "members": members}
    return {project_path(slug): written(document), routing_path(slug): b"models: []\npolicies: []\n"}


def updated(files: Mapping[str, bytes], slug: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """The project's file with these fields set (None: unset). `timeouts` is merged: each of its fields is set or unset."""
    path = project_path(slug)

    def change(document: Document) -> Document:
        wished = dict(fields)
        if "name" in wished:
            wished["name"] = name_of(str(wished["name"] or ""))
        timeouts, own = wished.get("timeouts"), document.get("timeouts")
        if isinstance(timeouts, dict):
            wished["timeouts"] = (
                merged(own if isinstance(own, dict) else {}, timeouts) if own or any(timeouts.values()) else own
            )
        return with_fields(document, wished)

    return edited(path, files[path], change)


def deleted(files: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """All that is in the project's folder, gone."""
    return dict.fromkeys(files)


def merged(before: Mapping[str, Value], wished: Mapping[str, Value]) -> Document:
    """A mapping with these entries set; None takes one away."""
    return {key: value for key, value in {**before, **wished}.items() if value is not None or key not in wished}


def name_of(name: str) -> str:
    """The name without spaces around it. Raises EditRejected."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise EditRejected("name", f"must be 1 to {MAX_NAME} printable characters on one line")
    return name
