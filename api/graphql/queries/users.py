"""`users` and `auditLog`: who may sign in, and what they did that is in no commit."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated

import strawberry

from api.access import signed_in
from api.audit import AuditFilter
from api.graphql.context import Context, Info
from api.graphql.types.audit import AuditConnection, AuditEdge, AuditEntry, AuditLogFilter
from api.graphql.types.nodes import PageInfo, page_size
from api.graphql.types.request_log import read_cursor
from api.graphql.types.user import User, UserConnection, UserEdge


async def page(context: Context, first: int | None, after: str | None, search: str | None) -> UserConnection:
    """The users after an e-mail. Raises BadInput."""
    found, more = await context.services.people.users.page(first=page_size(first), after=after, search=search or "")
    nodes = [User.of(user) for user in found]
    return UserConnection(
        edges=[UserEdge(cursor=user.email, node=user) for user in nodes],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=after is not None,
            start_cursor=nodes[0].email if nodes else None,
            end_cursor=nodes[-1].email if nodes else None,
        ),
    )


async def one(context: Context, key: str) -> User | None:
    """The user with this key."""
    found = await context.services.people.users.one(key)
    return User.of(found) if found is not None else None


async def audit_page(context: Context, filter: AuditLogFilter | None, first: int | None, after: str | None) -> AuditConnection:
    """Audit rows older than a cursor, newest first. Raises BadInput."""
    meant = filter.to_rows() if filter is not None else AuditFilter()
    found, more = await context.services.people.audit.page(meant, first=page_size(first), before=read_cursor("after", after))
    visible = signed_in(context.viewer).visible_projects()
    nodes = [AuditEntry.of(row, visible) for row in found]
    if meant.subject:
        nodes = [node for node in nodes if node.subject]  # nor does a search find what is not named
    return AuditConnection(
        edges=[AuditEdge(cursor=row.cursor, node=row) for row in nodes],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=after is not None,
            start_cursor=nodes[0].cursor if nodes else None,
            end_cursor=nodes[-1].cursor if nodes else None,
        ),
    )


@strawberry.type
class PeopleQueries:
    """A part of the root of queries."""

    @strawberry.field(description="Everybody who may sign in, by e-mail.")
    async def users(
        self,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")] = None,
        after: Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")] = None,
        search: Annotated[
            str | None, strawberry.argument(description="A part of the e-mail or the name, ignoring case.")
        ] = None,
    ) -> UserConnection:
        """From the database."""
        return await page(info.context, first, after, search)

    @strawberry.field(description="What was done, or tried, that is in no commit: logins, users, keys, shown secrets, denials.")
    async def audit_log(
        self,
        info: Info,
        filter: Annotated[AuditLogFilter | None, strawberry.argument(description="Which rows; all when left out.")] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")] = None,
        after: Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")] = None,
    ) -> AuditConnection:
        """From the database, newest first."""
        return await audit_page(info.context, filter, first, after)
