"""Which project a field's arguments name, for the rules that are asked in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.graphql.context import Context
from api.graphql.ids import BadNodeId, read_node_id


def project_named(context: Context, arguments: Mapping[str, Any], path: str) -> str | None:
    """The slug of the project that the argument at `path` names by slug, by its node id, or by the node id of something in
    it (whose key begins with the project's id or slug and a slash). A project that does not exist is its own text; None
    where the argument was left out, which asks for the permission globally."""
    found: Any = arguments
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else getattr(found, name, None)
    if found is None:
        return None
    text = str(found)
    catalogue = context.services.catalogue()
    if catalogue.project(text) is not None:
        return text
    try:
        _, key = read_node_id(text)
    except BadNodeId:
        return text
    owner = key.partition("/")[0]
    entry = catalogue.project_by_id(owner)
    return entry.slug if entry is not None else owner
