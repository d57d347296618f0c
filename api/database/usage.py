"""What projects used, from rollups: never by counting rows, and never losing what retention deletes.

Which rollup is read follows from the question: by tokens only `usage_hourly` knows; else `usage_by_day` where whole days do,
and `usage_by_hour` where they do not. Whole spans are read: an instant stands for the hour or the day that it lies in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database.bookings import DAY_MS as DAY_MS
from api.database.bookings import HOUR_MS as HOUR_MS
from api.database.tables import LATENCY_BOUNDS_MS, USAGE_FIGURES, tokens_used, usage_by_day, usage_by_hour, usage_hourly

Dimension: TypeAlias = Literal["project", "model", "token"]
_MOST_VALUES = 500
# Beyond this many seeks one walk over the whole range is sooner done.
_MOST_SEEKS = 2_000
_CLASSES = USAGE_FIGURES.index("latency_class_0")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over some requests, as limits count them: one that failed for nothing is no call, and is in `requests`. A call
    without a known price is in `unpriced_calls` and not in the cost. Latencies are those of successes, in ms."""

    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano_usd: int = 0
    unpriced_calls: int = 0
    requests: int = 0
    refused: int = 0
    cancelled: int = 0
    latency_ms: int = 0
    first_byte_ms: int = 0
    first_bytes: int = 0
    latency_classes: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_MS) + 1)

    @property
    def timed(self) -> int:
        """How many successes the latencies are of."""
        return sum(self.latency_classes)

    def latency_at(self, share: float) -> float | None:
        """The latency that so large a share of the successes stayed within: linear inside a class, so within a factor of two.

        None without successes. What lies in the last class is given as its lower bound.
        """
        wanted = share * self.timed
        if not wanted:
            return None
        below = 0
        for number, count in enumerate(self.latency_classes[:-1]):
            if count and below + count >= wanted:
                floor = LATENCY_BOUNDS_MS[number - 1] if number else 0
                return floor + (LATENCY_BOUNDS_MS[number] - floor) * (wanted - below) / count
            below += count
        return float(LATENCY_BOUNDS_MS[-1])


NOTHING = Figures()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whose use is asked for, from one instant (whole spans) up to another, the end left out. None asks nothing."""

    from_ms: int
    to_ms: int
    span_ms: int  # of a point: HOUR_MS or DAY_MS
    by: tuple[Dimension, ...] = ()
    projects: tuple[str, ...] | None = None
    tokens: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None


class Day(NamedTuple):
    """What a chart of days shows of one."""

    cost_nano_usd: int = 0
    calls: int = 0
    errors: int = 0


async def today(engine: AsyncEngine, slugs: Sequence[str], now_ms: int) -> dict[str, Figures]:
    """Use since midnight UTC of each of these projects, all zeros for those without."""
    columns = usage_by_day.c
    used = dict.fromkeys(slugs, NOTHING)
    statement = select(columns.project, *_sums(usage_by_day)).where(columns.start_ms == now_ms - now_ms % DAY_MS)
    async with engine.connect() as connection:
        for chosen in _chosen(used):
            found = statement.where(columns.project.in_(chosen)).group_by(columns.project)
            for project, *figures in await connection.execute(found):
                used[project] = _figures(figures)
    return used


async def by_day(engine: AsyncEngine, slugs: Sequence[str], now_ms: int, days: int) -> dict[str, list[Day]]:
    """Each of these projects' use in each of the last so many days, UTC, today's the last."""
    columns = usage_by_day.c
    first = now_ms - now_ms % DAY_MS - (days - 1) * DAY_MS
    starts = [first + day * DAY_MS for day in range(days)]
    used = {slug: [Day()] * days for slug in slugs}
    sums = [func.sum(columns[name]) for name in Day._fields]
    statement = select(columns.project, columns.start_ms, *sums).where(columns.start_ms.in_(starts))
    async with engine.connect() as connection:
        for chosen in _chosen(used):
            found = statement.where(columns.project.in_(chosen)).group_by(columns.start_ms, columns.project)
            for project, start_ms, *figures in await connection.execute(found):
                used[project][(start_ms - first) // DAY_MS] = Day(*map(int, figures))
    return used


def _chosen(slugs: Iterable[str]) -> Iterator[list[str]]:
    names = list(slugs)
    return (names[start : start + _MOST_VALUES] for start in range(0, len(names), _MOST_VALUES))


async def today_of_all(engine: AsyncEngine, figure: Literal["cost_nano_usd", "calls"], now_ms: int) -> dict[str, int]:
    """One figure of every project with use since midnight UTC."""
    columns = usage_by_day.c
    statement = select(columns.project, func.sum(columns[figure])).where(columns.start_ms == now_ms - now_ms % DAY_MS)
    async with engine.connect() as connection:
        return {slug: int(amount) for slug, amount in await connection.execute(statement.group_by(columns.project))}


async def last_used(engine: AsyncEngine, slug: str, tokens: Sequence[str]) -> dict[str, int]:
    """When each of these tokens of a project was used last, in Unix ms; without those that never were."""
    columns = tokens_used.c
    statement = select(columns.token, columns.last_at_ms).where(columns.project == slug, columns.token.in_(tokens))
    async with engine.connect() as connection:
        return {row.token: row.last_at_ms for row in await connection.execute(statement)}


async def points(engine: AsyncEngine, question: Question) -> dict[int, Figures]:
    """Use by the first instant of each span in which there was any, of all that is asked for together."""
    table, start = _rollup(question)
    async with engine.connect() as connection:
        found = await connection.execute(_asked(question, table, [_span(start, question.span_ms)], start))
        return {int(start_ms): _figures(figures) for start_ms, *figures in found}


async def groups(engine: AsyncEngine, question: Question) -> dict[tuple[str, ...], Figures]:
    """Use by the values of `question.by`, in its order, over the whole time."""
    table, start = _rollup(question)
    keys = [table.c[name] for name in question.by]
    async with engine.connect() as connection:
        found = await connection.execute(_asked(question, table, keys, start))
        return {tuple(row[: len(keys)]): _figures(row[len(keys) :]) for row in found}


async def group_points(engine: AsyncEngine, question: Question) -> dict[tuple[str, ...], dict[int, Figures]]:
    """The same by span."""
    table, start = _rollup(question)
    keys = [table.c[name] for name in question.by]
    used: dict[tuple[str, ...], dict[int, Figures]] = {}
    async with engine.connect() as connection:
        for row in await connection.execute(_asked(question, table, [*keys, _span(start, question.span_ms)], start)):
            *key, start_ms = row[: len(keys) + 1]
            used.setdefault(tuple(key), {})[int(start_ms)] = _figures(row[len(keys) + 1 :])
    return used


def _rollup(question: Question) -> tuple[Table, ColumnElement[int]]:
    if "token" in question.by or question.tokens is not None:
        return usage_hourly, usage_hourly.c.hour_ms
    table = usage_by_day if question.span_ms == DAY_MS else usage_by_hour
    return table, table.c.start_ms


def _asked(question: Question, table: Table, keys: list[Any], start: ColumnElement[int]) -> Select[Any]:
    statement = select(*keys, *_sums(table)).where(start >= question.from_ms, start < question.to_ms)
    for column, values in (
        (table.c.project, question.projects),
        (table.c.model, question.models),
        (table.c.token if "token" in table.c else None, question.tokens),
    ):
        if values is not None and column is not None:
            statement = statement.where(column.in_(values))
    spans = (question.to_ms - question.from_ms) // question.span_ms
    if table is not usage_hourly and question.projects is not None and spans * len(question.projects) <= _MOST_SEEKS:
        # Their key begins with the time: one seek for each span and project, instead of a walk over all projects.
        statement = statement.where(start.in_(range(question.from_ms, question.to_ms, question.span_ms)))
    return statement.group_by(*keys)


def _span(start: ColumnElement[int], span_ms: int) -> ColumnElement[int]:
    return start if span_ms == HOUR_MS else start - start % span_ms


def _sums(table: Table) -> list[ColumnElement[Any]]:
    return [func.sum(table.c[name]) for name in USAGE_FIGURES]


def _figures(sums: Sequence[Any]) -> Figures:
    whole = [int(figure) for figure in sums]
    return Figures(**dict(zip(USAGE_FIGURES[:_CLASSES], whole, strict=False)), latency_classes=tuple(whole[_CLASSES:]))
