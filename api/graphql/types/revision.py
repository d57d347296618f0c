"""A revision of the configuration: a commit."""

from __future__ import annotations

import strawberry

from api.graphql.ids import node_id
from api.graphql.scalars import Instant
from api.graphql.types.nodes import Node


@strawberry.type(description="A revision of the configuration: one commit of its repository.")
class Revision(Node):
    """One commit."""

    commit: str = strawberry.field(description="The commit's id; give it as `expectedRevision` to change what was read at it.")
    committed_at: Instant | None = strawberry.field(description="When it was committed.")

    @classmethod
    def of(cls, commit: str, committed_at_ms: int | None) -> Revision:
        """The revision that `commit` names."""
        at = Instant(committed_at_ms) if committed_at_ms is not None else None
        return cls(id=node_id("Revision", commit), commit=commit, committed_at=at)
