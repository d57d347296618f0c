"""`limits`: what requests are held to in a scope, as it stands now."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated

import strawberry

from api.access import NotVisible, signed_in
from api.graphql.arguments import project_named
from api.graphql.context import Info
from api.graphql.errors import BadInput
from api.graphql.types.limit_use import LimitUse, seen
from core.limits import Scope


@strawberry.type
class LimitQueries:
    """Root fields about limits."""

    @strawberry.field(
        description="The limits that hold for a project, a token or a model, with their present use; for everything without "
        "arguments. Those of all projects together are shown to whoever may see all projects."
    )
    async def limits(
        self,
        info: Info,
        project: Annotated[str | None, strawberry.argument(description="The project's slug, or its node id.")] = None,
        token: Annotated[str | None, strawberry.argument(description="A token's id; takes `project`.")] = None,
        model: Annotated[
            str | None, strawberry.argument(description="A model's id: its own limits, or those on it in `project` or `token`.")
        ] = None,
    ) -> list[LimitUse]:
        """Through a loader."""
        if token is not None and project is None:
            raise BadInput("`token` takes `project`")
        slug = project_named(info.context, {"project": project}, "project")
        if slug is not None and info.context.services.catalogue().project(slug) is None:
            raise NotVisible(slug, project)
        scope = Scope(slug or "", token or "", model or "")
        return seen(signed_in(info.context.viewer), await info.context.loaders.limit_uses.load(scope))
