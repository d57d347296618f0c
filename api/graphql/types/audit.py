"""The audit trail of what is in no commit."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

import strawberry

from api import audit
from api.audit import SHOWN, AuditFilter
from api.graphql.errors import BadInput
from api.graphql.ids import BadNodeId, node_id, read_node_id
from api.graphql.scalars import Instant, Json
from api.graphql.types.nodes import PageInfo


@strawberry.enum(description="What came of it.")
class AuditOutcome(Enum):
    """Outcomes of audit rows."""

    OK = strawberry.enum_value("ok", description="It was done.")
    REFUSED = strawberry.enum_value("refused", description="A wrong password, too many of them, or an unknown key.")
    DENIED = strawberry.enum_value("denied", description="Somebody known lacked the permission.")


@strawberry.type(description="Something that somebody did, or tried to do, that is in no commit.")
class AuditEntry:
    """A row of the trail."""

    cursor: str = strawberry.field(description="The row's position; it rises with time.")
    at: Instant = strawberry.field(description="When.")
    user_id: strawberry.ID | None = strawberry.field(description="Node id of the user who did it; null: nobody was known.")
    action: str = strawberry.field(
        description="What: login, apiKey, a mutation such as userCreate, or the field that was denied, such as Query.users."
    )
    outcome: AuditOutcome = strawberry.field(description="What came of it.")
    subject: str = strawberry.field(description="On whom or what: an e-mail, a key's prefix, a project's slug, a file.")
    client: str = strawberry.field(description="The address that it came from.")
    detail: Json = strawberry.field(description="More of it, such as reason, requestId, permission; never a secret.")

    @classmethod
    def of(cls, row: audit.Row, visible: Collection[str] | None) -> AuditEntry:
        """A row of the database; a project that is not `visible` (None: all are) is not named."""
        return cls(
            cursor=str(row.id),
            at=Instant(row.at_ms),
            user_id=node_id("User", row.user_id) if row.user_id is not None else None,
            action=row.action,
            outcome=_OUTCOMES[row.outcome],
            subject=row.subject if visible is None or _is_seen(row, visible) else "",
            client=row.client,
            detail=Json(row.detail),
        )


def _is_seen(row: audit.Row, visible: Collection[str]) -> bool:
    """Whether the row's subject names no project, or one that is visible."""
    if row.outcome != "denied" and row.action != SHOWN:
        return True
    slug = row.subject.partition("/")[0]
    return not slug or slug in visible or "@" in slug  # whom it was about


_OUTCOMES = {outcome.name.lower(): outcome for outcome in AuditOutcome}


@strawberry.type(description="An audit row in its list.")
class AuditEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The row's position.")
    node: AuditEntry = strawberry.field(description="The row.")


@strawberry.type(description="A page of audit rows, newest first.")
class AuditConnection:
    """Relay's connection."""

    edges: list[AuditEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: list[AuditEntry] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


@strawberry.input(description="Which audit rows are meant: what is left out is not asked about.")
class AuditLogFilter:
    """Filters of the query."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Node id of the user who did it.")
    action: str | None = strawberry.field(default=None, description="What was done, such as login.")
    outcome: AuditOutcome | None = strawberry.field(default=None, description="What came of it.")
    subject: str | None = strawberry.field(default=None, description="On whom or what, exactly.")
    since: Instant | None = strawberry.field(default=None, description="At this instant or later.")
    until: Instant | None = strawberry.field(default=None, description="Before this instant.")

    def to_rows(self) -> AuditFilter:
        """What the rows are asked. Raises BadInput."""
        return AuditFilter(
            user_id=user_key("filter.user", self.user) if self.user is not None else None,
            action=self.action,
            outcome=self.outcome.name.lower() if self.outcome is not None else None,
            subject=self.subject,
            since_ms=self.since,
            until_ms=self.until,
        )


def user_key(name: str, text: str) -> str:
    """The key of a user's node id. Raises BadInput for any other text."""
    try:
        kind, key = read_node_id(text)
    except BadNodeId as error:
        raise BadInput(f"`{name}`: {error}") from error
    if kind not in ("User", "Viewer"):
        raise BadInput(f"`{name}` is the id of a {kind}, not of a user")
    return key
