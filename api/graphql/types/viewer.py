"""The user behind the request."""

from __future__ import annotations

import strawberry

from api import access
from api.graphql.ids import node_id
from api.graphql.types.nodes import Node


@strawberry.type(description="The user behind this request and what they may do.")
class Viewer(Node):
    """Whoever asks."""

    email: str = strawberry.field(description="The user's e-mail, in lower case.")
    role: str = strawberry.field(description="The user's global role.")
    permissions: list[str] = strawberry.field(description="What that role grants, such as project:read.")

    @classmethod
    def of(cls, viewer: access.Viewer) -> Viewer:
        """The public side of a viewer."""
        return cls(
            id=node_id("User", viewer.user_id),
            email=viewer.email,
            role=viewer.role,
            permissions=sorted(viewer.permissions),
        )
