"""What a change of files takes beside what its mutation takes: decided by the files themselves, for whoever commits. Pure.

A mode that lifts a model's own limits (§4) is one that stands between a model and a request: an entry of a project or a token
that replaces or disables what it inherits, and a token's own `disable`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast, get_args

from api.access import Grant, Rule
from api.edits import EditRejected, references
from api.edits.documents import Document, loaded
from api.grants import Grants
from core.config import Config, Model, Permission, Project, Provider, Roles, Routing, Settings, Token
from core.paths import kind_of, model_path, project_path, slug_of
from core.yaml_strict import Value

Need: TypeAlias = tuple[Rule | Grant, str | None]


def needed(config: Config, files: Mapping[str, bytes], changes: Mapping[str, bytes | None]) -> tuple[Need, ...]:
    """(rule, project or None for everywhere) of everything that turning `files` into `changes` takes, each once."""
    found: dict[Need, None] = {}
    for path, after in changes.items():
        slug = slug_of(path)
        own = project_path(slug) if slug is not None else ""
        if own in changes and changes[own] is None:
            found[("project:delete", slug)] = None
        elif own in changes and own not in files:
            found[("project:write", None)] = None
        else:
            before = files.get(path)
            found.update(dict.fromkeys(_of_file(config, path, slug, _read(path, before), _read(path, after))))
    return tuple(found)


def _read(path: str, data: bytes | None) -> Document:
    try:
        return loaded(path, data) if data is not None else {}
    except EditRejected:
        return {}  # the check at the commit says what is wrong with it


def _of_file(config: Config, path: str, slug: str | None, before: Document, after: Document) -> Iterator[Need]:
    kind = kind_of(path)
    if kind is Project:
        yield from _of_project(config, slug, before, after)
    elif kind is Routing:
        yield from _of_routing(config, slug, before, after)
    elif kind is Token:
        yield from _of_token(config, slug, before, after)
    elif kind is Model:
        yield "model:write", None
    elif kind is Provider:
        yield from _of_provider(before, after)
        yield from references.needed(config, before, after)
    elif kind is Settings:
        yield "settings:write", None
    elif kind is Roles:
        yield from _of_roles(before, after)
    if kind in (Model, Settings) and before.get("limits") != after.get("limits"):
        yield "limit:write", None


def _of_provider(before: Document, after: Document) -> Iterator[Need]:
    """A project's own provider is its project's to change, and nobody takes one over without a right to both."""
    for document in (before, after):
        if document:
            owner = document.get("project")
            yield "model:write", owner if isinstance(owner, str) else None


def _of_roles(before: Document, after: Document) -> Iterator[Need]:
    yield "user:write", None
    # Nobody grants what they lack: neither by a new role nor by more in one that somebody has, wherever that is.
    old, new = _granted(before), _granted(after)
    for name, permissions in new.items():
        yield from ((Grant(permission), None) for permission in sorted(permissions - old.get(name, frozenset())))


def _granted(document: Document) -> dict[str, frozenset[Permission]]:
    """What each custom role grants; words that are no permission are left to the check."""
    roles = document.get("roles")
    listed = (
        {name: role.get("permissions") for name, role in roles.items() if isinstance(role, dict)}
        if isinstance(roles, dict)
        else {}
    )
    return {
        name: frozenset(found for found in get_args(Permission) if found in permissions)
        for name, permissions in listed.items()
        if isinstance(permissions, list)
    }


def _of_project(config: Config, slug: str | None, before: Document, after: Document) -> Iterator[Need]:
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if "limits" in differing:
        yield "limit:write", slug
    if "members" in differing:
        yield "member:write", slug
        # Nobody grants what they lack.
        grants, known = Grants(Config(files=_roles(config))), _members(before)
        for user, role in _members(after).items():
            if known.get(user) != role:
                yield from ((cast("Rule", permission), slug) for permission in sorted(grants.of_project_role(role)))
    if differing - {"limits", "members"}:
        yield "project:write", slug


def _roles(config: Config) -> dict[str, Roles]:
    return {path: file for path in ("roles.yaml",) if isinstance(file := config.files.get(path), Roles)}


def _members(document: Document) -> dict[str, str]:
    return {str(entry.get("user")): str(entry.get("role")) for entry in _entries(document.get("members"))}


def _of_routing(config: Config, slug: str | None, before: Document, after: Document) -> Iterator[Need]:
    old, new = _limits_by_model(before), _limits_by_model(after)
    # An entry that goes takes its limits with it: it could come back without them.
    if any(old.get(model) != new.get(model) for model in old.keys() | new.keys()):
        yield "limit:write", slug
    if _without_limits(before) != _without_limits(after):
        yield "project:write", slug
    if _lifts_more(config, before, after):
        yield "model:write", None


def _of_token(config: Config, slug: str | None, before: Document, after: Document) -> Iterator[Need]:
    yield "token:write", slug
    if not after:
        return
    if any(before.get(key) != after.get(key) for key in ("limits", "models")):
        yield "limit:write", slug
    disables = [_mode(document.get("limits")) == "disable" for document in (before, after)]
    if disables == [False, True] or _lifts_more(config, before, after):
        yield "model:write", None


def _lifts_more(config: Config, before: Document, after: Document) -> bool:
    """Whether an entry does away with a model's own limits otherwise than it did: it may be older than those limits, so that it
    was there before says nothing of who let it be."""
    old = _limits_by_model(before)
    return any(
        limits is not None and limits != old.get(model) and _lifts(config, model, limits)
        for model, limits in _limits_by_model(after).items()
    )


def _lifts(config: Config, model: str, limits: Value) -> bool:
    mode = _mode(limits)
    if mode == "disable":
        return True
    own = config.files.get(model_path(model))
    replaces = mode == "replace" and isinstance(limits, dict) and bool(limits.get("rules"))
    return replaces and isinstance(own, Model) and bool(own.limits.rules) and own.limits.mode != "disable"


def _mode(limits: Value) -> Value:
    return limits.get("mode", "replace") if isinstance(limits, dict) else None


def _limits_by_model(document: Document) -> dict[str, Value]:
    return {str(entry.get("id")): entry.get("limits") for entry in _entries(document.get("models"))}


def _without_limits(document: Document) -> Document:
    bare: list[Value] = [
        {key: value for key, value in entry.items() if key != "limits"} for entry in _entries(document.get("models"))
    ]
    return {**document, "models": bare}


def _entries(value: Value) -> list[Document]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
