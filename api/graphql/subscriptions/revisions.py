"""`revisions`: each revision as it is published, with a cursor that goes on where the last batch ended.

The cursor is a commit, so it is good for ever: what came after it is in the repository. A batch holds what one publication
brought (a push can bring several commits), the oldest first, without what the viewer may see nothing of.
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

import strawberry

from api.access import Rule
from api.graphql.context import Context, Info
from api.graphql.types.revision import Revision
from api.history.texts import Room
from api.publish import Publisher
from api.repository.errors import UnknownRevision

RULE: Final[Rule] = "project:read"
MOST: Final = 100
BEGINNING: Final = "0"


@strawberry.type(description="Revisions that were published, the oldest first, and where they lead.")
class RevisionBatch:
    """What one publication brought."""

    cursor: str = strawberry.field(
        description="Give it as `after` to go on from here; sent also where the viewer may see none."
    )
    gap: bool = strawberry.field(
        description="Whether `after` is no revision of the branch: what came between is not known, and this goes on from now."
    )
    revisions: list[Revision] = strawberry.field(description="Those that changed something that the viewer may see.")


async def published(context: Context, after: str | None) -> AsyncGenerator[RevisionBatch, None]:
    """Batches from `after` (None: now, "0": the first revision) on. Raises AccessError."""
    publisher = context.services.publisher
    cursor = publisher.revision if after is None else None if after == BEGINNING else after
    async with aclosing(publisher.published.follow()) as publications:
        if cursor is not None and not await _is_published(context, publisher, cursor):
            cursor = publisher.revision
            yield RevisionBatch(cursor=cursor or BEGINNING, gap=True, revisions=[])
        async for _ in publications:
            while (head := publisher.revision) is not None and head != cursor:
                batch = await _next(context, cursor, head)
                cursor = batch.cursor
                yield batch


async def _is_published(context: Context, publisher: Publisher, revision: str) -> bool:
    head = publisher.revision
    return head is not None and await context.services.history.contains(head, revision)


async def _next(context: Context, cursor: str | None, head: str) -> RevisionBatch:
    try:
        found = await context.services.history.between(cursor, head, MOST)
    except UnknownRevision:
        found = []
    await context.recheck(RULE)
    context.room = Room()
    if not found:
        # The history was replaced under us: nothing leads from the one to the other.
        return RevisionBatch(cursor=head, gap=True, revisions=[])
    revisions = [await Revision.seen(context, commit) for commit in found]
    return RevisionBatch(cursor=found[-1].revision, gap=False, revisions=[each for each in revisions if each.words is not None])


@strawberry.type
class RevisionSubscriptions:
    """The part of the subscription root that follows the configuration."""

    @strawberry.subscription(description="Revisions as they are published, each batch with the cursor to go on after.")
    async def revisions(
        self,
        info: Info,
        after: Annotated[
            str | None,
            strawberry.argument(description='The commit to go on after; from now when left out, "0" from the first revision.'),
        ] = None,
    ) -> AsyncIterator[RevisionBatch]:
        """See `published`."""
        async with aclosing(published(info.context, after)) as batches:
            async for batch in batches:
                yield batch
