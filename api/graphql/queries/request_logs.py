"""`requestLogs` and `requestLog(id)`: recorded rows, newest first, by the same cursors that the feed sends."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from api.access import signed_in
from api.database import request_logs
from api.database.request_logs import EVERYTHING
from api.graphql.context import Context
from api.graphql.types.nodes import PageInfo, page_size
from api.graphql.types.request_log import (
    LogOrder,
    RequestLog,
    RequestLogConnection,
    RequestLogEdge,
    RequestLogFilter,
    read_cursor,
)


async def page(
    context: Context,
    filter: RequestLogFilter | None,
    first: int | None,
    after: str | None,
    order: LogOrder = LogOrder.NEWEST_FIRST,
) -> RequestLogConnection:
    """The rows that follow `after` in this order, of the projects that the viewer may see. Raises BadInput.

    A rare filter may end a page early: with few rows or none, more to come, and the cursor to go on from.
    """
    meant = filter.to_rows() if filter is not None else EVERYTHING
    found = await request_logs.page(
        context.services.engine,
        meant.within(signed_in(context.viewer).projects("report:read")),
        first=page_size(first),
        after=read_cursor("after", after),
        newest_first=order is LogOrder.NEWEST_FIRST,
    )
    rows = [RequestLog.of(row) for row in found.rows]
    return RequestLogConnection(
        edges=[RequestLogEdge(cursor=row.cursor, node=row) for row in rows],
        nodes=rows,
        page_info=PageInfo(
            has_next_page=found.has_more,
            has_previous_page=after is not None,
            start_cursor=rows[0].cursor if rows else None,
            end_cursor=str(found.cursor) if found.cursor is not None else None,
        ),
    )


async def one(engine: AsyncEngine, trace_id: str) -> RequestLog | None:
    """The row of a request."""
    row = await request_logs.one(engine, trace_id)
    return RequestLog.of(row) if row is not None else None
