"""Users, as those who manage them see them; and what their memberships grant."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import strawberry

from api import people
from api.access import signed_in
from api.graphql.context import Info
from api.graphql.ids import node_id
from api.graphql.scalars import Instant
from api.graphql.types.nodes import Node, PageInfo


@strawberry.type(description="Somebody's role in one project.")
class Membership:
    """A line of a project's members."""

    project_slug: str = strawberry.field(description="The project.")
    role: str = strawberry.field(description="The project role: viewer, editor, admin, or a custom one.")
    permissions: list[str] = strawberry.field(
        description="What it grants there; project:delete is what project:write of an editor lacks."
    )


@strawberry.type(description="Somebody who may sign in.")
class User(Node):
    """A user, without the password."""

    user_id: strawberry.Private[str]

    email: str = strawberry.field(description="The e-mail, in lower case: what projects' members are named by.")
    name: str = strawberry.field(description="What the person is called; empty where nobody said.")
    role: str = strawberry.field(description="The global role: admin, operator, viewer, or a custom one.")
    created_at: Instant = strawberry.field(description="When the user was made.")
    disabled_at: Instant | None = strawberry.field(description="Since when the user may not sign in; null: they may.")

    @strawberry.field(description="The projects that the user is a member of, of those that the viewer may see, by slug.")
    def memberships(self, info: Info) -> list[Membership]:
        """From the published configuration."""
        return seen_memberships(info, self.email)

    @classmethod
    def of(cls, user: people.User) -> User:
        """A user of the database."""
        return cls(
            id=node_id("User", user.id),
            user_id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            created_at=Instant(user.created_at_ms),
            disabled_at=Instant(user.disabled_at_ms) if user.disabled_at_ms is not None else None,
        )


def memberships(info: Info, email: str) -> list[Membership]:
    """What the user with this e-mail is in which projects, by slug."""
    grants = info.context.services.catalogue().grants
    return [
        Membership(project_slug=slug, role=role, permissions=sorted(grants.of_project_role(role)))
        for slug, role in sorted(grants.roles_of(email).items())
    ]


def seen_memberships(info: Info, email: str) -> list[Membership]:
    """Those of them that are in projects which the viewer may see."""
    visible = signed_in(info.context.viewer).visible_projects()
    return [each for each in memberships(info, email) if visible is None or each.project_slug in visible]


@strawberry.type(description="A user in their list.")
class UserEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The user's position.")
    node: User = strawberry.field(description="The user.")


@strawberry.type(description="A page of users, by e-mail.")
class UserConnection:
    """Relay's connection."""

    edges: list[UserEdge] = strawberry.field(description="The users with their cursors.")
    nodes: list[User] = strawberry.field(description="The users alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
