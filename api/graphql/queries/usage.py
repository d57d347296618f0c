"""`usage`: totals, over time, and by model, project and token; from rollups, of the projects that the viewer may see."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final

import strawberry

from api.access import signed_in
from api.clock import now_ms
from api.database.usage import DAY_MS, Question
from api.graphql.context import Info
from api.graphql.errors import BadInput
from api.graphql.scalars import Instant
from api.graphql.types.request_log import several
from api.graphql.types.usage import DIMENSIONS, SPANS_MS, UsageDimension, UsageFilter, UsageInterval, UsageReport, UsageSource

MOST_SPANS: Final = 750  # a month by the hour, two years by the day
_DAYS: Final = {UsageInterval.HOUR: 1, UsageInterval.DAY: 30}


def question(
    from_ms: int | None,
    to_ms: int | None,
    interval: UsageInterval,
    by: list[UsageDimension],
    filter: UsageFilter | None,
    visible: Collection[str] | None,
) -> Question:
    """What the rollups are asked: whole spans, of the projects in `visible` where it is not None. Raises BadInput."""
    span_ms = SPANS_MS[interval]
    end = now_ms() if to_ms is None else to_ms
    begin = end - _DAYS[interval] * DAY_MS if from_ms is None else from_ms
    if begin >= end:
        raise BadInput("`from` must be before `to`")
    begin, end = begin - begin % span_ms, end + -end % span_ms
    if (end - begin) // span_ms > MOST_SPANS:
        raise BadInput(f"this is more than {MOST_SPANS} points: ask for a shorter time or a longer interval")
    meant = filter if filter is not None else UsageFilter()
    projects = several("project", meant.project)
    if visible is not None:
        projects = tuple(sorted(visible if projects is None else set(projects) & set(visible)))
    return Question(
        from_ms=begin,
        to_ms=end,
        span_ms=span_ms,
        by=tuple(dict.fromkeys(DIMENSIONS[dimension] for dimension in by)),
        projects=projects,
        tokens=several("token", meant.token),
        models=several("model", meant.model),
    )


@strawberry.type
class UsageQueries:
    """Root fields about use."""

    @strawberry.field(description="What was used, from rollups by the hour: in all, over time, by model, project and token.")
    def usage(
        self,
        info: Info,
        from_: Annotated[
            Instant | None,
            strawberry.argument(name="from", description="From the hour or day of this instant; a day or 30 days before `to`."),
        ] = None,
        to: Annotated[
            Instant | None, strawberry.argument(description="Up to the end of the hour or day of this instant; now.")
        ] = None,
        interval: Annotated[UsageInterval, strawberry.argument(description="How long a point is.")] = UsageInterval.HOUR,
        group_by: Annotated[
            list[UsageDimension] | None, strawberry.argument(description="What `groups` divides it by; nothing when left out.")
        ] = None,
        filter: Annotated[UsageFilter | None, strawberry.argument(description="Whose; all when left out.")] = None,
    ) -> UsageReport:
        """Asked of the database where a field of the report is asked for."""
        visible = signed_in(info.context.viewer).projects("report:read")
        asked = question(from_, to, interval, group_by or [], filter, visible)
        source = UsageSource(info, asked)
        return UsageReport(source=source, from_=Instant(asked.from_ms), to=Instant(asked.to_ms), interval=interval)
