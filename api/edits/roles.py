"""Custom roles, in `roles.yaml`: making one, changing it, deleting it. Built-in ones are no part of the file. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from api.edits import EditRejected
from api.edits.documents import Document, edited, loaded, with_fields, written
from api.edits.users import named_of
from core.config import BUILT_IN_ROLES, Config, Project
from core.fields import SLUG_PATTERN
from core.paths import ROLES_PATH, id_of
from core.yaml_strict import Value

_SLUG = re.compile(SLUG_PATTERN)


def created(files: Mapping[str, bytes], name: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """`roles.yaml` with a new role. Raises EditRejected for a name that is taken, or built in."""
    _refuse_built_in(name)
    if not _SLUG.fullmatch(name) or len(name) > 63:
        raise EditRejected("name", "must be lower-case letters, digits and single hyphens, at most 63")
    role: Document = {key: value for key, value in fields.items() if value is not None}
    data = files.get(ROLES_PATH)
    if data is None:
        return {ROLES_PATH: written({"roles": {name: role}})}
    if name in _roles(loaded(ROLES_PATH, data)):
        raise EditRejected("name", f"there is a role {name!r} already")
    return edited(ROLES_PATH, data, lambda document: {**document, "roles": {**_roles(document), name: role}})


def updated(files: Mapping[str, bytes], name: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """`roles.yaml` with these fields of a role set (None: unset). Raises EditRejected."""
    _refuse_built_in(name)
    role = _present(files, name)
    meant = with_fields(role, fields)
    return edited(ROLES_PATH, files[ROLES_PATH], lambda document: {**document, "roles": {**_roles(document), name: meant}})


def deleted(config: Config, files: Mapping[str, bytes], name: str, visible: Collection[str] | None) -> dict[str, bytes]:
    """`roles.yaml` without a role. Raises EditRejected naming the projects whose members have it, of those that are `visible`
    (None: all)."""
    _refuse_built_in(name)
    _present(files, name)
    if holders := _projects_with(config, name):
        raise EditRejected("name", f"role {name} is a member's in {named_of(holders, visible)}: give them another role first")

    def change(document: Document) -> Document:
        return {**document, "roles": {key: value for key, value in _roles(document).items() if key != name}}

    return edited(ROLES_PATH, files[ROLES_PATH], change)


def _projects_with(config: Config, name: str) -> list[str]:
    return sorted(
        id_of(path)
        for path, file in config.files.items()
        if isinstance(file, Project) and any(member.role == name for member in file.members)
    )


def _present(files: Mapping[str, bytes], name: str) -> Document:
    role = _roles(loaded(ROLES_PATH, files[ROLES_PATH])).get(name) if ROLES_PATH in files else None
    if not isinstance(role, dict):
        raise EditRejected("name", f"there is no custom role {name!r}", not_found=True)
    return role


def _roles(document: Document) -> Document:
    roles = document.get("roles")
    return roles if isinstance(roles, dict) else {}


def _refuse_built_in(name: str) -> None:
    if name in BUILT_IN_ROLES:
        raise EditRejected("name", f"`{name}` is a built-in role: it cannot be changed, deleted or shadowed")
