"""`limitEvents` as they are raised: batches with the cursor to go on after, access checked again for each."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

import strawberry

from api.access import Rule, signed_in
from api.database import alerts
from api.feed import Gap
from api.graphql.context import Context, Info
from api.graphql.subscriptions.request_log_feed import GapReason
from api.graphql.types.limit_event import LimitEvent, LimitEventFilter
from api.graphql.types.request_log import read_cursor

RULE: Final[Rule] = "report:read"


@strawberry.type(description="Limit events that this subscriber was not given, and that are no longer kept.")
class LimitEventGap:
    """A hole in a subscriber's events."""

    from_: str = strawberry.field(name="from", description="The cursor before the first that is missing.")
    to: str = strawberry.field(description="The last place that is missing.")
    reason: GapReason = strawberry.field(description="Why.")

    @classmethod
    def of(cls, gap: Gap) -> LimitEventGap:
        """A gap of the feed."""
        return cls(from_=str(gap.after), to=str(gap.to), reason=GapReason(gap.reason))


@strawberry.type(description="Limit events in their order, and where they lead.")
class LimitEventBatch:
    """A batch of the feed."""

    cursor: str = strawberry.field(
        description="Give it as `after` to go on from here; sent also where nothing matched, to whoever may see all projects."
    )
    gap: LimitEventGap | None = strawberry.field(description="What is missing before these events; null for nothing.")
    events: list[LimitEvent] = strawberry.field(description="The events that match the filter.")


async def batches(
    context: Context, filter: LimitEventFilter | None, after: str | None
) -> AsyncGenerator[LimitEventBatch, None]:
    """Batches of what the viewer may see: asked again before each, from the same cursor when memberships change.

    Raises BadInput, AccessError.
    """
    meant = filter if filter is not None else LimitEventFilter()
    cursor = read_cursor("after", after)
    if cursor is None:
        _, cursor = await alerts.bounds(context.services.engine)
    while True:
        await context.recheck(RULE)
        visible = signed_in(context.viewer).projects(RULE)
        following = context.services.alerts.follow(cursor, meant.projects(visible), meant.kinds())
        async with aclosing(following) as found:
            async for batch in found:
                await context.recheck(RULE)
                if signed_in(context.viewer).projects(RULE) != visible:
                    break
                cursor = batch.cursor
                # That something happened in a project that one may not see, and how often, is not told by cursors either.
                if not (batch.alerts or batch.gap or visible is None):
                    continue
                told = batch.alerts[-1].id if batch.alerts and visible is not None else cursor
                yield LimitEventBatch(
                    cursor=str(told),
                    gap=LimitEventGap.of(batch.gap) if batch.gap is not None else None,
                    events=[LimitEvent.of(alert) for alert in batch.alerts],
                )
            else:
                return


@strawberry.type
class LimitEventSubscriptions:
    """Root fields that follow what limits have to say."""

    @strawberry.subscription(description="What limits have to say, as it is raised, in batches with the cursor to go on after.")
    async def limit_events(
        self,
        info: Info,
        filter: Annotated[LimitEventFilter | None, strawberry.argument(description="Which; all when left out.")] = None,
        after: Annotated[
            str | None,
            strawberry.argument(description='The cursor to go on after; from now when left out, "0" from the oldest kept.'),
        ] = None,
    ) -> AsyncIterator[LimitEventBatch]:
        """From the alerts' own feed."""
        async with aclosing(batches(info.context, filter, after)) as found:
            async for batch in found:
                yield batch
