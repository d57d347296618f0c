"""`node(id)`: anything by its opaque id, under the rule of its type."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from api.access import TYPE_RULES, Forbidden, signed_in
from api.graphql.context import Context
from api.graphql.errors import BadInput
from api.graphql.ids import BadNodeId, read_node_id
from api.graphql.queries import request_logs, users
from api.graphql.queries.history import revision_of
from api.graphql.types.model import Model
from api.graphql.types.nodes import Node
from api.graphql.types.project import Project
from api.graphql.types.provider import Provider
from api.graphql.types.role import Role
from api.graphql.types.token import Token
from api.graphql.types.viewer import Viewer


async def node(context: Context, node_id: str) -> Node | None:
    """The thing, or None where it is gone or may not be seen. Raises BadInput for a text that is no id."""
    try:
        type_name, key = read_node_id(node_id)
    except BadNodeId as error:
        raise BadInput(str(error)) from error
    find = FINDERS.get(type_name)
    if find is None:
        raise BadInput("this is no id that this API gave out")
    found = await find(context, key)
    return found if found is not None and _may_see(context, found) else None


def _may_see(context: Context, found: Node) -> bool:
    """Whether the rule of the thing's type is met, in its project where it is of one: what may not be seen does not exist."""
    rule, project = TYPE_RULES[type(found).__name__], getattr(found, "project_slug", None)
    if signed_in(context.viewer).may(rule, project):
        return True
    context.deny("Query.node", rule, Forbidden(rule, project))
    return False


async def _project(context: Context, key: str) -> Node | None:
    catalogue = context.services.catalogue()
    entry = catalogue.project_by_id(key)
    return Project.of(entry, catalogue) if entry is not None else None


async def _model(context: Context, key: str) -> Node | None:
    return Model.at(context.services.catalogue(), key)


async def _provider(context: Context, key: str) -> Node | None:
    return Provider.at(context.services.catalogue(), key)


async def _role(context: Context, key: str) -> Node | None:
    return Role.at(context.services.catalogue(), key)


async def _token(context: Context, key: str) -> Node | None:
    slug, _, token = key.partition("/")
    return Token.at(context.services.catalogue().config, slug, token)


async def _request_log(context: Context, key: str) -> Node | None:
    return await request_logs.one(context.services.engine, key)


async def _viewer(context: Context, key: str) -> Node | None:
    viewer = signed_in(context.viewer)
    return Viewer.of(viewer) if viewer.user_id == key else None


# One line for each type with ids: (context, key) -> the thing, whoever asks. Who may see it is decided above.
FINDERS: Final[Mapping[str, Callable[[Context, str], Awaitable[Node | None]]]] = {
    "Model": _model,
    "Project": _project,
    "Provider": _provider,
    "Token": _token,
    "RequestLog": _request_log,
    "Revision": revision_of,
    "Role": _role,
    "User": users.one,
    "Viewer": _viewer,
}
