"""What projects used, from the hourly rollups: never by counting rows, and never losing what retention deletes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database.request_logs import LogRow
from api.database.tables import usage_hourly

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_MOST_VALUES = 500


class UsageToday(msgspec.Struct, frozen=True, kw_only=True):
    """A project's use since midnight UTC. A call without a known price is in `unpriced_calls` and not in the cost."""

    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0
    unpriced_calls: int = 0


def by_hour(rows: Iterable[LogRow]) -> list[tuple[str | int, ...]]:
    """The rows of `usage_hourly` that these log rows add up to, in the order of its columns. Pure."""
    sums: dict[tuple[str, int, str, str], list[int]] = {}
    for row in rows:
        key = (row.project, row.at_ms - row.at_ms % HOUR_MS, row.token, row.model or "")
        total = sums.get(key)
        if total is None:
            total = sums[key] = [0] * 9
        total[0] += 1
        total[1] += row.status in ("error", "timeout")
        if row.input_tokens is not None:
            total[2] += row.input_tokens
            total[3] += row.output_tokens or 0
            total[4] += row.cached_input_tokens or 0
            total[5] += row.cache_write_tokens or 0
            total[6] += row.reasoning_tokens or 0
            total[8] += row.cost_nano_usd is None
        total[7] += row.cost_nano_usd or 0
    return [(*key, *total) for key, total in sums.items()]


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
