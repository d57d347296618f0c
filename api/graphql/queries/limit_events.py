"""`limitEvents`: what limits had to say, newest first, by the same cursors that the subscription sends."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated

import strawberry

from api.access import signed_in
from api.database import alerts
from api.graphql.context import Context, Info
from api.graphql.types.limit_event import LimitEvent, LimitEventConnection, LimitEventEdge, LimitEventFilter
from api.graphql.types.nodes import PageInfo, page_size
from api.graphql.types.request_log import LogOrder, read_cursor


async def page(
    context: Context, filter: LimitEventFilter | None, first: int | None, after: str | None, order: LogOrder
) -> LimitEventConnection:
    """The events that follow `after` in this order, of what the viewer may see. Raises BadInput."""
    meant = filter if filter is not None else LimitEventFilter()
    found, more = await alerts.page(
        context.services.engine,
        first=page_size(first),
        after=read_cursor("after", after),
        newest_first=order is LogOrder.NEWEST_FIRST,
        projects=meant.projects(signed_in(context.viewer).projects("report:read")),
        kinds=meant.kinds(),
    )
    nodes = [LimitEvent.of(alert) for alert in found]
    return LimitEventConnection(
        edges=[LimitEventEdge(cursor=node.cursor, node=node) for node in nodes],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=after is not None,
            start_cursor=nodes[0].cursor if nodes else None,
            end_cursor=nodes[-1].cursor if nodes else None,
        ),
    )


@strawberry.type
class LimitEventQueries:
    """Root fields about what limits had to say."""

    @strawberry.field(description="What limits had to say: nearly used up, used up, free again; and bills above their reserve.")
    async def limit_events(
        self,
        info: Info,
        filter: Annotated[LimitEventFilter | None, strawberry.argument(description="Which; all when left out.")] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")] = None,
        after: Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")] = None,
        order: Annotated[
            LogOrder, strawberry.argument(description="Newest first, or oldest first to go on after a cursor.")
        ] = LogOrder.NEWEST_FIRST,
    ) -> LimitEventConnection:
        """From the alerts that are kept."""
        return await page(info.context, filter, first, after, order)
