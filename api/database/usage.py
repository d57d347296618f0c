"""What projects used, from the hourly rollups: never by counting rows, and never losing what retention deletes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database.bookings import HOUR_MS as HOUR_MS
from api.database.tables import usage_hourly

DAY_MS = 24 * HOUR_MS
_MOST_VALUES = 500


class UsageToday(msgspec.Struct, frozen=True, kw_only=True):
    """A project's use since midnight UTC, as limits count it.

    A request that failed for nothing is no call, and is in `requests`. A call without a known price is in `unpriced_calls` and
    not in the cost.
    """

    calls: int = 0
    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0
    unpriced_calls: int = 0


async def today(engine: AsyncEngine, slugs: Sequence[str], now_ms: int) -> dict[str, UsageToday]:
    """Today's use of each of these projects, all zeros for those without calls."""
    columns = usage_hourly.c
    sums = [func.sum(columns[name]) for name in UsageToday.__struct_fields__]
    used = {slug: UsageToday() for slug in slugs}
    names = list(used)
    async with engine.connect() as connection:
        for start in range(0, len(names), _MOST_VALUES):
            chosen = columns.project.in_(names[start : start + _MOST_VALUES])
            statement = select(columns.project, *sums).where(chosen, columns.hour_ms >= now_ms - now_ms % DAY_MS)
            for project, *figures in await connection.execute(statement.group_by(columns.project)):
                used[project] = UsageToday(**dict(zip(UsageToday.__struct_fields__, map(int, figures), strict=True)))
    return used
