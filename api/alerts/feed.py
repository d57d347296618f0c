"""Alerts to subscribers, each at its own cursor. They are few: each reader asks the database when it is told of news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database import alerts
from api.database.alerts import Alert, AlertKind
from api.feed import Gap

_BATCH = 200


class AlertBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Some alerts in order, the cursor after them to go on from, and what is missing before them."""

    alerts: tuple[Alert, ...]
    cursor: int
    gap: Gap | None = None


class AlertFeed:
    """One a process; everything in it belongs to the event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._news = asyncio.Event()
        self._closed = False

    def news(self) -> None:
        """New alerts are committed."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """End every `follow` at its next turn."""
        self._closed = True
        self.news()

    async def follow(
        self, after: int | None = None, projects: Sequence[str] | None = None, kinds: Sequence[AlertKind] | None = None
    ) -> AsyncGenerator[AlertBatch, None]:
        """Batches after a cursor: None = from now, 0 = from the oldest kept. Nothing is missing but what a gap names."""
        cursor, gap = await self._begin(after)
        if gap is not None:
            yield AlertBatch(alerts=(), cursor=cursor, gap=gap)
        while not self._closed:
            news = self._news  # taken before the look: what is committed during it wakes us again
            _, newest = await alerts.bounds(self._engine)
            while cursor < newest:
                found, more = await alerts.page(
                    self._engine, first=_BATCH, after=cursor, newest_first=False, projects=projects, kinds=kinds
                )
                cursor = found[-1].id if more else max(newest, found[-1].id if found else 0)
                yield AlertBatch(alerts=tuple(found), cursor=cursor)
            await news.wait()

    async def _begin(self, after: int | None) -> tuple[int, Gap | None]:
        oldest, newest = await alerts.bounds(self._engine)
        if after is None:
            return newest, None
        if after > newest:
            return newest, Gap(after=0, to=newest, reason="unknown")
        if after and after < oldest - 1:
            return oldest - 1, Gap(after=after, to=oldest - 1, reason="expired")
        return after, None
