"""What was used: figures, over time, and by model, project or token."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Final

import strawberry

from api.database import usage
from api.database.usage import NOTHING, Day, Figures, Question
from api.graphql.context import Info
from api.graphql.errors import BadInput
from api.graphql.limits import MAX_PAGE
from api.graphql.scalars import BigInt, Instant, NanoUsd

MOST_POINTS = 20_000
_TOP = 20


@strawberry.enum(description="How long a point of a chart is, in UTC.")
class UsageInterval(Enum):
    """Spans."""

    HOUR = strawberry.enum_value("hour", description="An hour.")
    DAY = strawberry.enum_value("day", description="A day from midnight, UTC.")


@strawberry.enum(description="What usage is divided by.")
class UsageDimension(Enum):
    """Columns of the rollups."""

    PROJECT = strawberry.enum_value("project", description="By project.")
    MODEL = strawberry.enum_value("model", description="By model; what belongs to none has null.")
    TOKEN = strawberry.enum_value("token", description="By token; give `PROJECT` too, as ids of tokens are a project's own.")


@strawberry.enum(description="What puts groups in order: the largest first.")
class UsageMeasure(Enum):
    """Figures of the rollups."""

    COST = strawberry.enum_value("cost", description="Cost.")
    CALLS = strawberry.enum_value("calls", description="Calls.")
    REQUESTS = strawberry.enum_value("requests", description="Requests.")
    ERRORS = strawberry.enum_value("errors", description="Errors and timeouts.")
    INPUT_TOKENS = strawberry.enum_value("input_tokens", description="Input tokens.")
    OUTPUT_TOKENS = strawberry.enum_value("output_tokens", description="Output tokens.")


SPANS_MS: Final = {UsageInterval.HOUR: usage.HOUR_MS, UsageInterval.DAY: usage.DAY_MS}
DIMENSIONS: Final[Mapping[UsageDimension, usage.Dimension]] = {
    UsageDimension.PROJECT: "project",
    UsageDimension.MODEL: "model",
    UsageDimension.TOKEN: "token",
}
MEASURES: Final = {measure: "cost_nano_usd" if measure.name == "COST" else measure.name.lower() for measure in UsageMeasure}


@strawberry.input(description="Whose use is meant: what is left out is not asked about, a list means any of its values.")
class UsageFilter:
    """Filters of the rollups."""

    project: list[str] | None = strawberry.field(default=None, description="Slugs of projects.")
    token: list[str] | None = strawberry.field(default=None, description="Ids of tokens.")
    model: list[str] | None = strawberry.field(default=None, description="Ids of models.")


@strawberry.type(description="How long successes took, in milliseconds; shares are counted in classes that double.")
class UsageLatency:
    """Latencies of a rollup."""

    average_ms: float = strawberry.field(description="Their mean, from arrival to the last byte.")
    p50_ms: float = strawberry.field(description="Half of them stayed within this.")
    p95_ms: float = strawberry.field(description="95 % of them stayed within this.")
    p99_ms: float = strawberry.field(description="99 % of them stayed within this.")
    first_byte_average_ms: float | None = strawberry.field(
        description="The mean time to the client's first byte, of those that were streamed; null where none was."
    )


@strawberry.type(description="Sums over requests.")
class UsageFigures:
    """`api.database.usage.Figures`."""

    figures: strawberry.Private[Figures]

    calls: BigInt = strawberry.field(description="Calls as limits count them: one that failed for nothing is none.")
    requests: BigInt = strawberry.field(description="Requests at model endpoints, however they ended.")
    errors: BigInt = strawberry.field(description="Requests that ended in an error or a timeout.")
    refused: BigInt = strawberry.field(description="Requests that a limit or another rule refused before any attempt.")
    cancelled: BigInt = strawberry.field(description="Requests whose client left.")
    cost: NanoUsd = strawberry.field(description="USD; calls without a price count as nothing.")
    unpriced_calls: BigInt = strawberry.field(description="Calls whose model has no price: they are not in the cost.")
    input_tokens: BigInt = strawberry.field(description="All input tokens.")
    output_tokens: BigInt = strawberry.field(description="All output tokens.")
    cached_input_tokens: BigInt = strawberry.field(description="Input that providers had cached.")
    cache_write_tokens: BigInt = strawberry.field(description="Input that providers wrote into their caches.")
    reasoning_tokens: BigInt = strawberry.field(description="Output spent on reasoning.")

    @strawberry.field(description="Input and output tokens.")
    def total_tokens(self) -> BigInt:
        """Their sum."""
        return BigInt(self.figures.input_tokens + self.figures.output_tokens)

    @strawberry.field(description="How long successes took; null where there was none.")
    def latency(self) -> UsageLatency | None:
        """From sums and classes."""
        found = self.figures
        if not found.timed:
            return None
        p50, p95, p99 = (found.latency_at(share) or 0.0 for share in (0.5, 0.95, 0.99))
        return UsageLatency(
            average_ms=found.latency_ms / found.timed,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            first_byte_average_ms=found.first_byte_ms / found.first_bytes if found.first_bytes else None,
        )

    @classmethod
    def of(cls, found: Figures) -> UsageFigures:
        """Figures of the rollups."""
        return cls(
            figures=found,
            calls=BigInt(found.calls),
            requests=BigInt(found.requests),
            errors=BigInt(found.errors),
            refused=BigInt(found.refused),
            cancelled=BigInt(found.cancelled),
            cost=NanoUsd(found.cost_nano_usd),
            unpriced_calls=BigInt(found.unpriced_calls),
            input_tokens=BigInt(found.input_tokens),
            output_tokens=BigInt(found.output_tokens),
            cached_input_tokens=BigInt(found.cached_input_tokens),
            cache_write_tokens=BigInt(found.cache_write_tokens),
            reasoning_tokens=BigInt(found.reasoning_tokens),
        )


@strawberry.type(description="A small chart of the last days, today the last; each list has one entry a day.")
class UsageTrend:
    """Daily rollups, as lists: a page of projects has a chart each."""

    days: list[Instant] = strawberry.field(description="The midnights, UTC, that they begin at.")
    cost: list[NanoUsd] = strawberry.field(description="USD a day.")
    calls: list[BigInt] = strawberry.field(description="Calls a day.")
    errors: list[BigInt] = strawberry.field(description="Errors and timeouts a day.")

    @classmethod
    def of(cls, days: list[Day], today_ms: int) -> UsageTrend:
        """The last days up to the one that begins at `today_ms`."""
        first = today_ms - (len(days) - 1) * usage.DAY_MS
        return cls(
            days=[Instant(first + number * usage.DAY_MS) for number in range(len(days))],
            cost=[NanoUsd(day.cost_nano_usd) for day in days],
            calls=[BigInt(day.calls) for day in days],
            errors=[BigInt(day.errors) for day in days],
        )


@strawberry.type(description="What was used in one hour or day.")
class UsagePoint:
    """A span of a chart."""

    start: Instant = strawberry.field(description="Its first instant, UTC.")
    figures: UsageFigures = strawberry.field(description="What was used in it; zeros where there was nothing.")


class UsageSource:
    """One question; each of its answers is asked of the database once, and only if somebody wants it."""

    def __init__(self, info: Info, question: Question) -> None:
        self.question = question
        self._engine = info.context.services.engine

    @property
    def spans(self) -> range:
        """The first instant of each point."""
        return range(self.question.from_ms, self.question.to_ms, self.question.span_ms)

    @cached_property
    def points(self) -> Awaitable[dict[int, Figures]]:
        """Of all together."""
        return asyncio.ensure_future(usage.points(self._engine, self.question))

    @cached_property
    def groups(self) -> Awaitable[dict[tuple[str, ...], Figures]]:
        """Of each group over the whole time."""
        return asyncio.ensure_future(usage.groups(self._engine, self.question))

    @cached_property
    def group_points(self) -> Awaitable[dict[tuple[str, ...], dict[int, Figures]]]:
        """Of each group over time."""
        return asyncio.ensure_future(usage.group_points(self._engine, self.question))

    def chart(self, found: Mapping[int, Figures]) -> list[UsagePoint]:
        """All spans, those without use too."""
        return [
            UsagePoint(start=Instant(start_ms), figures=UsageFigures.of(found.get(start_ms, NOTHING)))
            for start_ms in self.spans
        ]


@strawberry.type(description="The use of one model, project or token, or of one combination of them.")
class UsageGroup:
    """Rows of the rollups with the same key."""

    key: strawberry.Private[tuple[str, ...]]
    source: strawberry.Private[UsageSource]

    project: str | None = strawberry.field(description="The project's slug; null where it is not divided by.")
    model: str | None = strawberry.field(
        description="The model's id; null where it is not divided by, and for what belongs to no model."
    )
    token: str | None = strawberry.field(description="The token's id; null where it is not divided by.")
    figures: UsageFigures = strawberry.field(description="What was used over the whole time.")

    @strawberry.field(description="The same over time: every hour or day, those without use too.")
    async def points(self) -> list[UsagePoint]:
        """One query for all groups."""
        return self.source.chart((await self.source.group_points).get(self.key, {}))

    @classmethod
    def of(cls, source: UsageSource, key: tuple[str, ...], figures: Figures) -> UsageGroup:
        """A row of the groups."""
        named: dict[str, str | None] = dict(zip(source.question.by, key, strict=True))
        return cls(
            key=key,
            source=source,
            project=named.get("project"),
            model=named.get("model") or None,
            token=named.get("token"),
            figures=UsageFigures.of(figures),
        )


@strawberry.type(description="What was used in a time, as far as the viewer may see it.")
class UsageReport:
    """The answers to one question."""

    source: strawberry.Private[UsageSource]

    from_: Instant = strawberry.field(name="from", description="The beginning of the first hour or day.")
    to: Instant = strawberry.field(description="The end of the last hour or day.")
    interval: UsageInterval = strawberry.field(description="How long a point is.")

    @strawberry.field(description="All of it together.")
    async def totals(self) -> UsageFigures:
        """The points added up."""
        return UsageFigures.of(total(list((await self.source.points).values())))

    @strawberry.field(description="All of it over time: every hour or day, those without use too.")
    async def points(self) -> list[UsagePoint]:
        """One query."""
        return self.source.chart(await self.source.points)

    @strawberry.field(description="How many groups `groupBy` divides it into; 0 without `groupBy`.")
    async def group_count(self) -> int:
        """Those with use."""
        return len(await self.source.groups) if self.source.question.by else 0

    @strawberry.field(description="The largest groups of `groupBy`; none without it.")
    async def groups(
        self,
        first: Annotated[int, strawberry.argument(description="How many, at most 200.")] = _TOP,
        order: Annotated[UsageMeasure, strawberry.argument(description="What the largest has most of.")] = UsageMeasure.COST,
    ) -> list[UsageGroup]:
        """One query, and one more where points are asked for."""
        if not 1 <= first <= MAX_PAGE:
            raise BadInput(f"`first` must be between 1 and {MAX_PAGE}, not {first}")
        if first * len(self.source.spans) > MOST_POINTS:
            raise BadInput(
                f"{first} groups over {len(self.source.spans)} points are more than {MOST_POINTS}: "
                "ask for fewer groups, a shorter time or a longer interval"
            )
        if not self.source.question.by:
            return []
        measure = MEASURES[order]
        found = sorted((await self.source.groups).items(), key=lambda each: (-getattr(each[1], measure), each[0]))
        return [UsageGroup.of(self.source, key, figures) for key, figures in found[:first]]


def total(found: list[Figures]) -> Figures:
    """Their sums."""
    if not found:
        return NOTHING
    names = [name for name in Figures.__struct_fields__ if name != "latency_classes"]
    sums: dict[str, Any] = {name: sum(getattr(each, name) for each in found) for name in names}
    classes = tuple(map(sum, zip(*(each.latency_classes for each in found), strict=True)))
    return Figures(**sums, latency_classes=classes)
