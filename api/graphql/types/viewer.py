"""The user behind the request, with their own sessions and keys."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import strawberry

from api import access, people
from api.access import signed_in
from api.graphql.context import Info
from api.graphql.ids import node_id
from api.graphql.scalars import Instant
from api.graphql.types.nodes import Node
from api.graphql.types.user import Membership, memberships


@strawberry.type(description="An open session of the viewer's.")
class Session:
    """A session without its value."""

    id: strawberry.ID = strawberry.field(description="Give it to `sessionEnd`.")
    current: bool = strawberry.field(description="Whether this request came with it.")
    created_at: Instant = strawberry.field(description="When it was opened, by a login.")
    last_seen_at: Instant = strawberry.field(description="When it was last used, to the minute.")
    expires_at: Instant = strawberry.field(description="When it ends by itself.")
    client: str = strawberry.field(description="The address that the login came from.")
    agent: str = strawberry.field(description="What the browser called itself then.")

    @classmethod
    def of(cls, session: people.Session, viewer: access.Viewer) -> Session:
        """A session of the database."""
        return cls(
            id=strawberry.ID(session.id),
            current=session.id == viewer.credential_id,
            created_at=Instant(session.created_at_ms),
            last_seen_at=Instant(session.seen_at_ms),
            expires_at=Instant(session.expires_at_ms),
            client=session.client,
            agent=session.agent,
        )


@strawberry.type(description="A personal API key of the viewer's; its value is shown once, by the mutation that makes it.")
class ApiKey:
    """A key without its value."""

    id: strawberry.ID = strawberry.field(description="Give it to `apiKeyRevoke`.")
    name: str = strawberry.field(description="What it is for.")
    prefix: str = strawberry.field(description="Its first characters, to tell it from others.")
    current: bool = strawberry.field(description="Whether this request came with it.")
    created_at: Instant = strawberry.field(description="When it was made.")
    last_used_at: Instant | None = strawberry.field(description="When it was last used, to the minute; null: never.")
    expires_at: Instant | None = strawberry.field(description="When it ends by itself; null: never.")

    @classmethod
    def of(cls, key: people.ApiKey, viewer: access.Viewer) -> ApiKey:
        """A key of the database."""
        return cls(
            id=strawberry.ID(key.id),
            name=key.name,
            prefix=key.prefix,
            current=key.id == viewer.credential_id,
            created_at=Instant(key.created_at_ms),
            last_used_at=Instant(key.last_used_at_ms) if key.last_used_at_ms is not None else None,
            expires_at=Instant(key.expires_at_ms) if key.expires_at_ms is not None else None,
        )


@strawberry.type(description="The user behind this request and what they may do.")
class Viewer(Node):
    """Whoever asks."""

    email: str = strawberry.field(description="The user's e-mail, in lower case.")
    name: str = strawberry.field(description="What the user is called; empty where nobody said.")
    role: str = strawberry.field(description="The user's global role.")
    permissions: list[str] = strawberry.field(
        description="What that role grants, such as project:read; where, `restricted` says."
    )
    restricted: bool = strawberry.field(
        description="Whether only the projects of `memberships` exist for the user: a member whose role lacks project:write."
        " Permissions over projects (project, token, member, limit, report, content) then hold there alone; users, roles,"
        " settings and everybody's models are of no project, and what the role grants over them stays."
    )

    @strawberry.field(description="The projects that the user is a member of, by slug, with what that grants.")
    def memberships(self, info: Info) -> list[Membership]:
        """From the published configuration."""
        return memberships(info, self.email)

    @strawberry.field(description="The user's open sessions, newest first.")
    async def sessions(self, info: Info) -> list[Session]:
        """Their own alone."""
        viewer = signed_in(info.context.viewer)
        return [Session.of(found, viewer) for found in await info.context.services.people.sessions.of(viewer.user_id)]

    @strawberry.field(description="The user's API keys, newest first.")
    async def api_keys(self, info: Info) -> list[ApiKey]:
        """Their own alone."""
        viewer = signed_in(info.context.viewer)
        return [ApiKey.of(found, viewer) for found in await info.context.services.people.keys.of(viewer.user_id)]

    @classmethod
    def of(cls, viewer: access.Viewer) -> Viewer:
        """The public side of a viewer."""
        return cls(
            id=node_id("Viewer", viewer.user_id),
            email=viewer.email,
            name=viewer.name,
            role=viewer.role,
            permissions=sorted(viewer.permissions),
            restricted=viewer.restricted,
        )
