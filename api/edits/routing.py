"""A project's models and policies, both in order: single steps, and the whole at once. Pure.

A model is named by its id. A policy is named by its position, for a kind may be there twice; the revision that the client read
says what stands at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from api.edits import EditRejected
from api.edits.documents import Document, edited, written
from api.edits.projects import merged
from core.paths import routing_path
from core.yaml_strict import Value

Files: TypeAlias = Mapping[str, bytes]
Items: TypeAlias = list[Value]

_POLICY_KEYS = ("kind", "enabled")


class PolicyWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a list says of one policy: None for what it does not say. `parameters` are all that it is to have."""

    kind: str
    enabled: bool | None = None
    parameters: Mapping[str, Value] | None = None


def changed(files: Files, slug: str, change: Callable[[Document], Document]) -> dict[str, bytes]:
    """The routing file after `change`; a project without one has an empty one."""
    path = routing_path(slug)
    return edited(path, files[path], change) if path in files else {path: written(change({}))}


# --- models -------------------------------------------------------------------------------------------------------------


def model_added(files: Files, slug: str, model: str, position: int | None, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """Put a model at `position` (None: last). Raises EditRejected where it is there already."""

    def change(document: Document) -> Document:
        models = _items(document, "models")
        if model in _ids(models):
            raise EditRejected("model", f"{model} is one of the project's models already")
        entry: Value = merged({"id": model}, fields)
        return {**document, "models": _with(models, entry, position)}

    return changed(files, slug, change)


def model_removed(files: Files, slug: str, model: str) -> dict[str, bytes]:
    """Take a model out. Raises EditRejected where it is not there."""
    return changed(files, slug, lambda document: _model_out(document, model)[1])


def model_moved(files: Files, slug: str, model: str, position: int) -> dict[str, bytes]:
    """Put a model at another position. Raises EditRejected where it is not there."""

    def change(document: Document) -> Document:
        entry, rest = _model_out(document, model)
        return {**document, "models": _with(_items(rest, "models"), entry, position)}

    return changed(files, slug, change)


def model_changed(files: Files, slug: str, model: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """Set `guidance` or `limits` of a model's entry (None: unset). Raises EditRejected where it is not there."""

    def change(document: Document) -> Document:
        models = _items(document, "models")
        at = _model_at(models, model)
        return {**document, "models": [*models[:at], merged(_mapping(models[at]), fields), *models[at + 1 :]]}

    return changed(files, slug, change)


# --- policies -----------------------------------------------------------------------------------------------------------


def policy_added(files: Files, slug: str, kind: str, position: int | None, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """Put a policy at `position` (None: last)."""
    entry: Value = merged({"kind": kind}, fields)
    return changed(files, slug, lambda document: {**document, "policies": _with(_items(document, "policies"), entry, position)})


def policy_removed(files: Files, slug: str, position: int) -> dict[str, bytes]:
    """Take out the policy at `position`. Raises EditRejected where there is none."""
    return changed(files, slug, lambda document: _policy_out(document, position)[1])


def policy_moved(files: Files, slug: str, position: int, to: int) -> dict[str, bytes]:
    """Put the policy at `position` at another one. Raises EditRejected where there is none."""

    def change(document: Document) -> Document:
        entry, rest = _policy_out(document, position)
        return {**document, "policies": _with(_items(rest, "policies"), entry, to)}

    return changed(files, slug, change)


def policy_changed(files: Files, slug: str, position: int, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """Set parameters and `enabled` of the policy at `position` (None: its default). Raises EditRejected."""

    def change(document: Document) -> Document:
        policies = _items(document, "policies")
        at = _policy_at(policies, position)
        return {**document, "policies": [*policies[:at], settled(_mapping(policies[at]), fields), *policies[at + 1 :]]}

    return changed(files, slug, change)


def settled(entry: Mapping[str, Value], fields: Mapping[str, Value]) -> Document:
    """A policy with these fields; `enabled: true` is only written over an `enabled` that is there."""
    return merged(entry, {key: value for key, value in fields.items() if key in entry or (key, value) != ("enabled", True)})


def parameters(given: object, field: str = "parameters") -> Document:
    """Parameters as a file has them: what JSON can say, numbers exact. Raises EditRejected."""
    if not isinstance(given, dict):
        raise EditRejected(field, "must be an object of parameters by name")
    for name in _POLICY_KEYS:
        if name in given:
            raise EditRejected(f"{field}.{name}", "is no parameter: it has a field of its own")
    return {str(name): _exact(value, f"{field}.{name}") for name, value in given.items()}


def _exact(value: object, field: str) -> Value:
    if isinstance(value, dict):
        return {str(name): _exact(inner, f"{field}.{name}") for name, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner, f"{field}[{position}]") for position, inner in enumerate(value)]
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(repr(value))
    if value is None or isinstance(value, str | int):
        return value
    raise EditRejected(field, "must be text, a number, true or false, a list or an object")


# --- the whole ----------------------------------------------------------------------------------------------------------


def replaced(
    files: Files, slug: str, models: Sequence[Document] | None, policies: Sequence[PolicyWish] | None
) -> dict[str, bytes]:
    """Give the project these models and policies in this order (None: those it has).

    Each is what is said of it over what its entry said before: a field that is left out stays, None takes it away.
    """

    def change(document: Document) -> Document:
        wished = dict(document)
        if models is not None:
            known = {str(_mapping(item).get("id")): _mapping(item) for item in _items(document, "models")}
            wished["models"] = [merged(known.get(str(model["id"]), {}), model) for model in models]
        if policies is not None:
            left = [_mapping(item) for item in _items(document, "policies")]
            wished["policies"] = [_policy_over(left, policy) for policy in policies]
        return wished

    return changed(files, slug, change)


def _policy_over(left: list[Document], wish: PolicyWish) -> Document:
    """The wish over the first policy of its kind that is left; parameters, where they are given, are all there are."""
    at = next((position for position, entry in enumerate(left) if entry.get("kind") == wish.kind), None)
    known = left.pop(at) if at is not None else {}
    fields: Document = {"kind": wish.kind} | ({"enabled": wish.enabled} if wish.enabled is not None else {})
    if wish.parameters is not None:
        known = {key: value for key, value in known.items() if key in _POLICY_KEYS or key in wish.parameters}
        fields |= wish.parameters
    return settled(known, fields)


# --- lists --------------------------------------------------------------------------------------------------------------


def _items(document: Document, key: str) -> Items:
    found = document.get(key)
    return found if isinstance(found, list) else []


def _mapping(item: Value) -> Document:
    return item if isinstance(item, dict) else {}


def _ids(models: Items) -> list[Value]:
    return [_mapping(item).get("id") for item in models]


def _with(items: Items, item: Value, position: int | None) -> Items:
    at = len(items) if position is None else position
    if not 0 <= at <= len(items):
        raise EditRejected("position", f"must be from 0 to {len(items)}, not {at}")
    return [*items[:at], item, *items[at:]]


def _model_at(models: Items, model: str) -> int:
    ids = _ids(models)
    if model not in ids:
        raise EditRejected("model", f"{model} is none of the project's models", not_found=True)
    return ids.index(model)


def _policy_at(policies: Items, position: int) -> int:
    if not 0 <= position < len(policies):
        raise EditRejected("policy", f"there is no policy at position {position}: there are {len(policies)}", not_found=True)
    return position


def _model_out(document: Document, model: str) -> tuple[Value, Document]:
    models = _items(document, "models")
    at = _model_at(models, model)
    return models[at], {**document, "models": [*models[:at], *models[at + 1 :]]}


def _policy_out(document: Document, position: int) -> tuple[Value, Document]:
    policies = _items(document, "policies")
    at = _policy_at(policies, position)
    return policies[at], {**document, "policies": [*policies[:at], *policies[at + 1 :]]}
