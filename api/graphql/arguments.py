"""What arguments name: the project that a field's rules are asked in, the revision that it is answered from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.catalogue import Catalogue
from api.graphql.context import Context
from api.graphql.errors import BadInput
from api.graphql.ids import BadNodeId, read_node_id
from api.repository.errors import UnknownRevision


def project_named(context: Context, arguments: Mapping[str, Any], path: str) -> str | None:
    """The slug of the project that the argument at `path` names by slug, by its node id, or by the node id of something in
    it (whose key begins with the project's id or slug and a slash). A project that does not exist is its own text; None
    where the argument was left out, which asks for the permission globally."""
    found = argument_at(arguments, path)
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


def argument_at(arguments: Mapping[str, Any], path: str) -> Any:
    """The argument at a dotted path; None where it was left out."""
    found: Any = arguments
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else getattr(found, name, None)
    return found


async def catalogue_at(context: Context, at: str | None) -> Catalogue:
    """The configuration at a commit of the branch, the published one where none is named. Raises BadInput."""
    services = context.services
    if at is None:
        return services.catalogue()
    try:
        return await services.history.catalogue(at)
    except UnknownRevision as error:
        raise BadInput(f"`at` is no commit of this configuration: {error}") from error
