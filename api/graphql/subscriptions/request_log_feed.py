"""`requestLogFeed` and `requestLogFirehose`: the feed's batches, typed or as JSON, access checked again for each.

What a batch leads to is worked out once for all subscribers that asked the same (`share_key`): positions have no holes, so a
filter, the first row and the cursor say everything about its content.
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from enum import Enum
from typing import Final

import strawberry
from msgspec.structs import replace

from api.access import Rule, signed_in
from api.database.request_logs import EVERYTHING, LogFilter
from api.feed import Batch, Gap
from api.graphql.context import Context
from api.graphql.scalars import Encoded
from api.graphql.types.limit_use import sees_all
from api.graphql.types.request_log import RequestLog, RequestLogFilter, read_cursor
from core.limits import without_shared_figures

RULE: Final[Rule] = "report:read"


@strawberry.enum(description="Why rows are missing.")
class GapReason(Enum):
    """Reasons of gaps."""

    EXPIRED = strawberry.enum_value("expired", name="expired", description="Retention deleted them.")
    UNKNOWN = strawberry.enum_value("unknown", name="unknown", description="The cursor is of no row that was ever given.")
    SLOW = strawberry.enum_value("slow", name="slow", description="This subscriber read too slowly; the query still has them.")


@strawberry.type(description="Rows that this subscriber was not given.")
class RequestLogGap:
    """A hole in a subscriber's rows."""

    from_: str = strawberry.field(
        name="from", description="The cursor to fill it from: `requestLogs(order: OLDEST_FIRST, after: …)`."
    )
    to: str = strawberry.field(description="The last position that is missing.")
    reason: GapReason = strawberry.field(description="Why.")

    @classmethod
    def of(cls, gap: Gap) -> RequestLogGap:
        """A gap of the feed."""
        return cls(from_=str(gap.after), to=str(gap.to), reason=GapReason(gap.reason))


@strawberry.type(description="Rows in the order of their positions, and where they lead.")
class RequestLogBatch:
    """A batch of the feed."""

    batch: strawberry.Private[Batch]
    share_key: strawberry.Private[Hashable]

    cursor: str = strawberry.field(description="Give it as `after` to go on from here; sent also where no row matched.")
    gap: RequestLogGap | None = strawberry.field(description="What is missing before these rows; null for nothing.")

    @strawberry.field(description="The rows that match the filter.")
    def events(self) -> list[RequestLog]:
        """Made where they are asked for: once for all who share this batch."""
        return [RequestLog.of(row) for row in self.batch.rows]


async def typed(context: Context, filter: RequestLogFilter | None, after: str | None) -> AsyncGenerator[RequestLogBatch, None]:
    """Batches for typed fields. Raises BadInput, AccessError."""
    async with aclosing(_seen(context, filter, after)) as batches:
        async for meant, batch in batches:
            gap = RequestLogGap.of(batch.gap) if batch.gap is not None else None
            yield RequestLogBatch(batch=batch, share_key=_share_key(meant, batch), cursor=str(batch.cursor), gap=gap)


async def firehose(context: Context, filter: RequestLogFilter | None, after: str | None) -> AsyncGenerator[Encoded, None]:
    """The same batches as JSON. Raises BadInput, AccessError."""
    async with aclosing(_seen(context, filter, after)) as batches:
        async for meant, batch in batches:
            shown = batch.json if sees_all(signed_in(context.viewer)) else _narrowed(batch).json
            yield Encoded(shown, _share_key(meant, batch))


async def _seen(
    context: Context, filter: RequestLogFilter | None, after: str | None
) -> AsyncGenerator[tuple[LogFilter, Batch], None]:
    """Batches of the projects that the viewer may see, and the filter that says so: asked again before each, and narrowed or
    widened from the same cursor when memberships change. Raises BadInput, AccessError."""
    wanted, feed = _rows(filter), context.services.feed
    cursor = read_cursor("after", after)
    cursor = feed.newest if cursor is None else cursor
    while True:
        await context.recheck(RULE)
        projects = signed_in(context.viewer).projects(RULE)
        meant = wanted.within(projects)
        async with aclosing(feed.follow(meant, cursor)) as batches:
            async for batch in batches:
                await context.recheck(RULE)
                if signed_in(context.viewer).projects(RULE) != projects:
                    break
                cursor = batch.cursor
                yield meant, batch
            else:
                return


def _narrowed(batch: Batch) -> Batch:
    """The batch without what other projects used, as errors of limits tell it."""
    if not any(row.error for row in batch.rows):
        return batch
    rows = tuple([replace(row, error=without_shared_figures(row.error)) if row.error else row for row in batch.rows])
    return replace(batch, rows=rows)


def _rows(filter: RequestLogFilter | None) -> LogFilter:
    return filter.to_rows() if filter is not None else EVERYTHING


def _share_key(filter: LogFilter, batch: Batch) -> Hashable:
    """None for a batch that is this subscriber's own affair."""
    return (filter, batch.rows[0].position, batch.cursor) if batch.rows and batch.gap is None else None
