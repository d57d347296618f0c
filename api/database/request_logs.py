"""Log rows: what a page or a subscription may ask for, and the queries that answer it from one index each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Select, false, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.database.tables import has_cause, log_spans, not_success, request_logs, tokens_used, traces
from core.events import CallType, Status

# Beyond this many values a filter is so wide that walking all rows finds its page sooner.
_MOST_BRANCHES = 32
# What no index begins with is looked for in so many rows; then a page ends, with a cursor to go on from. Along an index, each
# row is a look elsewhere.
SCANNED_ROWS = 50_000
WALKED_ROWS = 10_000

_logs = request_logs.c
Condition: TypeAlias = ColumnElement[bool]


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One finished request. `position` is its cursor; tokens are None where nothing was used, cost where no price is known."""

    position: int
    request_id: str
    at_ms: int
    project: str
    token: str
    model: str | None
    provider: str | None
    revision: str
    status: Status
    call_type: CallType
    dialect: str
    stream: bool
    http_status: int
    error_code: str
    error: str
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    estimated: bool
    cost_nano_usd: int | None
    latency_ms: float
    first_byte_ms: float | None
    attempts: int
    cause: str | None
    labels: dict[str, str]


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are meant: None asks nothing, a tuple any of its values; arrived at `since_ms` or later, before `until_ms`."""

    projects: tuple[str, ...] | None = None
    tokens: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    statuses: tuple[Status, ...] | None = None
    call_types: tuple[CallType, ...] | None = None
    causes: tuple[str, ...] | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def within(self, projects: Collection[str] | None) -> LogFilter:
        """The same filter, narrowed to these projects; None narrows nothing."""
        if projects is None:
            return self
        wanted = projects if self.projects is None else set(self.projects) & set(projects)
        return msgspec.structs.replace(self, projects=tuple(sorted(wanted)))

    def during(self, other: LogFilter) -> LogFilter:
        """The same filter at the other's instants."""
        return msgspec.structs.replace(self, since_ms=other.since_ms, until_ms=other.until_ms)

    def matches(self, row: LogRow) -> bool:
        """Whether the row is meant: the same answer as the query's."""
        return (
            (self.projects is None or row.project in self.projects)
            and (self.tokens is None or row.token in self.tokens)
            and (self.models is None or row.model in self.models)
            and (self.statuses is None or row.status in self.statuses)
            and (self.call_types is None or row.call_type in self.call_types)
            and (self.causes is None or row.cause in self.causes)
            and (self.since_ms is None or row.at_ms >= self.since_ms)
            and (self.until_ms is None or row.at_ms < self.until_ms)
        )


EVERYTHING = LogFilter()
_COLUMNS = [_logs[name] for name in LogRow.__struct_fields__]
_OLDEST, _NEWEST = (select(end(_logs.position)).scalar_subquery() for end in (func.min, func.max))


class Page(msgspec.Struct, frozen=True):
    """Some rows in the order asked for, whether more may follow, and the cursor to look for them from: None for no rows and no
    more. Where a rare filter ends a page early, it is behind the last row."""

    rows: list[LogRow]
    has_more: bool
    cursor: int | None


async def page(
    engine: AsyncEngine,
    filter: LogFilter,
    *,
    first: int,
    after: int | None = None,
    newest_first: bool = True,
    upto: int | None = None,
) -> Page:
    """At most `first` rows after the cursor: older ones if newest first, else newer ones. No row's position exceeds `upto`."""
    async with engine.connect() as connection:
        low, high = await _bounds(connection, filter)
        if after is not None and newest_first:
            high = after - 1 if high is None else min(high, after - 1)
        elif after is not None:
            low = after + 1 if low is None else max(low, after + 1)
        if upto is not None:
            high = upto if high is None else min(high, upto)
        filter = await _in_its_projects(connection, filter)
        reach = await _reach(connection, filter, low, high, newest_first)
        if reach is not None:
            low, high = (reach, high) if newest_first else (low, reach)
        found = (await connection.execute(page_statement(filter, low, high, first + 1, newest_first))).all()
    rows = [_row(each) for each in found[:first]]
    if len(found) <= first and reach is not None:
        return Page(rows, True, reach)
    return Page(rows, len(found) > first, rows[-1].position if rows else None)


async def caused_by(engine: AsyncEngine, request_ids: Sequence[str]) -> dict[str, list[LogRow]]:
    """The calls that routing policies made for each of these requests, the oldest first; without those that made none."""
    statement = select(*_COLUMNS).where(_logs.cause.in_(request_ids), has_cause).order_by(_logs.position)
    calls: dict[str, list[LogRow]] = {}
    async with engine.connect() as connection:
        for found in await connection.execute(statement):
            row = _row(found)
            calls.setdefault(str(row.cause), []).append(row)
    return calls


async def one(engine: AsyncEngine, request_id: str) -> LogRow | None:
    """The row of a request by its trace id; None where there is none, or none any more."""
    async with engine.connect() as connection:
        found = (await connection.execute(select(*_COLUMNS).where(_logs.request_id == request_id))).one_or_none()
    return _row(found) if found else None


async def trace(engine: AsyncEngine, request_id: str) -> bytes | None:
    """The finished event of a request as JSON (`core.events.RequestFinished`); None where none is kept."""
    return (await traces_of(engine, [request_id])).get(request_id)


async def traces_of(engine: AsyncEngine, request_ids: Sequence[str]) -> dict[str, bytes]:
    """The traces of several requests by trace id, those that are kept."""
    statement = select(_logs.request_id, traces.c.body).join_from(request_logs, traces, traces.c.position == _logs.position)
    async with engine.connect() as connection:
        found = await connection.execute(statement.where(_logs.request_id.in_(request_ids)))
        return {row.request_id: row.body for row in found}


async def oldest_position(engine: AsyncEngine) -> int | None:
    """The position of the oldest row kept; None without rows."""
    async with engine.connect() as connection:
        oldest: int | None = await connection.scalar(select(func.min(_logs.position)))
    return oldest


def page_statement(filter: LogFilter, low: int | None, high: int | None, limit: int, newest_first: bool) -> Select[Any]:
    """The rows with low ≤ position ≤ high in order. Each branch walks one index, so that none has to sort what it finds."""
    rest = _conditions(filter)
    if low is not None:
        rest.append(_logs.position >= low)
    if high is not None:
        rest.append(_logs.position <= high)
    order = _logs.position.desc() if newest_first else _logs.position
    branches = _branches(filter)
    if len(branches) == 1:
        return select(*_COLUMNS).where(*branches[0], *rest).order_by(order).limit(limit)
    walks = [select(_logs.position).where(*branch, *rest).order_by(order).limit(limit).subquery() for branch in branches]
    found = union_all(*(select(walk.c.position) for walk in walks)).subquery()
    # Rows are fetched for the positions that stay alone: the walks then need not carry 26 columns each.
    nearest = select(found.c.position).order_by(found.c.position.desc() if newest_first else found.c.position).limit(limit)
    return select(*_COLUMNS).where(_logs.position.in_(nearest)).order_by(order)


def _branches(filter: LogFilter) -> list[list[Condition]]:
    """The equalities that an index begins with: one list for each combination of values, [[]] to walk all rows."""
    if filter.causes is not None:
        found = [[_logs.cause == cause, has_cause] for cause in filter.causes]
    elif filter.statuses is not None and "success" not in filter.statuses:
        found = _combinations(_logs.status, filter.statuses, _logs.project, filter.projects)
        # Says literally what the partial index says: only then may it be used.
        found = [[*branch, not_success] for branch in found]
    elif filter.tokens is not None and filter.projects is not None:
        found = _combinations(_logs.token, filter.tokens, _logs.project, filter.projects)
    elif filter.tokens is not None:
        return [[]]
    elif filter.projects is not None:
        found = _combinations(_logs.project, filter.projects, _logs.model, filter.models)
    elif filter.models is not None:
        found = [[_logs.model == model] for model in filter.models]
    else:
        return [[]]
    if not found:
        return [[false()]]
    return found if len(found) <= _MOST_BRANCHES else [[]]


def _is_indexed(filter: LogFilter) -> bool:
    """Whether the index of `_branches` says all that the filter asks, but for instants: then its walk finds only rows meant."""
    if filter.causes is not None:
        return True  # a policy makes a handful of calls
    if filter.call_types is not None:
        return False
    if filter.statuses is not None:
        return filter.tokens is None and filter.models is None and "success" not in filter.statuses
    return filter.tokens is None or filter.models is None


async def _in_its_projects(connection: AsyncConnection, filter: LogFilter) -> LogFilter:
    """The same filter, with the projects whose tokens it names; as it is where so many have them that rows are everywhere."""
    if filter.tokens is None or filter.projects is not None:
        return filter
    statement = select(tokens_used.c.project).where(tokens_used.c.token.in_(filter.tokens)).distinct().limit(_MOST_BRANCHES + 1)
    projects = tuple(sorted((await connection.execute(statement)).scalars()))
    return filter if len(projects) > _MOST_BRANCHES else msgspec.structs.replace(filter, projects=projects)


async def _reach(
    connection: AsyncConnection, filter: LogFilter, low: int | None, high: int | None, newest_first: bool
) -> int | None:
    """The position at which a page ends at the latest: where SCANNED_ROWS rows have been looked at. None: at the last row."""
    branches = _branches(filter)
    if branches == [[]]:
        return None if filter == EVERYTHING.during(filter) else await _end_of_scan(connection, low, high, newest_first)
    if _is_indexed(filter):
        return None
    ends = [_end_of_walk(branch, low, high, WALKED_ROWS // len(branches), newest_first) for branch in branches]
    found: list[int] = [position for end in ends if (position := await connection.scalar(end)) is not None]
    if not found:
        return None
    return max(found) if newest_first else min(found)


async def _end_of_scan(connection: AsyncConnection, low: int | None, high: int | None, newest_first: bool) -> int | None:
    """The position of the last of so many rows in order: positions have no holes. None where there are not so many."""
    oldest, newest = (await connection.execute(select(_OLDEST, _NEWEST))).one()
    if oldest is None:
        return None
    first = oldest if low is None else max(low, oldest)
    last = newest if high is None else min(high, newest)
    if last - first < SCANNED_ROWS:
        return None
    return int(last - SCANNED_ROWS + 1) if newest_first else int(first + SCANNED_ROWS - 1)


def _end_of_walk(branch: list[Condition], low: int | None, high: int | None, rows: int, newest_first: bool) -> Select[Any]:
    """The position of the last of so many rows along one index."""
    statement = select(_logs.position).where(*branch)
    if low is not None:
        statement = statement.where(_logs.position >= low)
    if high is not None:
        statement = statement.where(_logs.position <= high)
    return statement.order_by(_logs.position.desc() if newest_first else _logs.position).offset(rows - 1).limit(1)


def _combinations(
    column: ColumnElement[Any], values: Sequence[str], other: ColumnElement[Any], others: Sequence[str] | None
) -> list[list[Condition]]:
    if others is None:
        return [[column == value] for value in values]
    return [[column == value, other == second] for value in values for second in others]


def _conditions(filter: LogFilter) -> list[Condition]:
    conditions: list[Condition] = []
    for column, values in (
        (_logs.project, filter.projects),
        (_logs.token, filter.tokens),
        (_logs.model, filter.models),
        (_logs.status, filter.statuses),
        (_logs.call_type, filter.call_types),
        (_logs.cause, filter.causes),
    ):
        if values is not None:
            conditions.append(column.in_(values))
    if filter.since_ms is not None:
        conditions.append(_logs.at_ms >= filter.since_ms)
    if filter.until_ms is not None:
        conditions.append(_logs.at_ms < filter.until_ms)
    return conditions


async def _bounds(connection: AsyncConnection, filter: LogFilter) -> tuple[int | None, int | None]:
    """The positions between which all rows of the filter's instants lie; an empty range where there are none."""
    low = high = None
    if filter.since_ms is not None:
        statement = select(func.min(log_spans.c.first_position)).where(log_spans.c.max_at_ms >= filter.since_ms)
        low = await connection.scalar(statement)
        if low is None:
            return 0, -1
    if filter.until_ms is not None:
        statement = select(func.max(log_spans.c.last_position)).where(log_spans.c.min_at_ms < filter.until_ms)
        high = await connection.scalar(statement)
        if high is None:
            return 0, -1
    return low, high


def _row(values: Any) -> LogRow:
    return LogRow(**values._mapping)
