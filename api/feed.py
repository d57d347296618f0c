"""Recorded rows to any number of subscribers, each at its own cursor. Readers pull; the publisher waits for none of them.

The last rows lie in one ring, shared by all. Positions have no holes, so a cursor is an offset into it: a reader whose cursor
is older reads pages from the database until it meets the ring. While rows pour in, readers wake together: at most every 50 ms,
with many of them a little later (100 ms for 500). Those with the same filter and cursor get the very same batch, encoded once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import cached_property
from typing import Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database import request_logs
from api.database.request_logs import EVERYTHING, LogFilter, LogRow

RING_ROWS = 20_000
TICK_S = 0.05
TICK_S_A_FOLLOWER = 0.0001  # so that many readers get fewer, larger batches: what a batch costs is mostly its sending
_MOST_TICK_S = 0.15
CURSOR_S = 5.0  # how often a reader whose filter lets nothing through is told where it stands
_BATCH_ROWS = 500
_CATCH_UP_ROWS = 20_000  # looked at in one query, so that a rare filter holds no connection for long
_CATCH_UPS_AT_ONCE = 3
_SHARED_BATCHES = 256

_encode = msgspec.json.encode


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Rows after `after` and up to `to` that this reader was not given. The query fills what is kept of it, from `after` on.

    `expired`: retention deleted them; `unknown`: the cursor is of no row that was ever given; `slow`: the reader fell behind.
    """

    after: int
    to: int
    reason: Literal["expired", "unknown", "slow"]


class Batch(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Some rows in order, the cursor after them to resume from, and what is missing before them. Shared: never changed."""

    rows: tuple[LogRow, ...]
    cursor: int
    gap: Gap | None = None

    @cached_property
    def json(self) -> bytes:
        """`{"rows": […], "cursor": "…", "gap": {"from", "to", "reason"} or null}`, encoded once. Cursors are strings."""
        gap = {"from": str(self.gap.after), "to": str(self.gap.to), "reason": self.gap.reason} if self.gap else None
        return _encode({"rows": self.rows, "cursor": str(self.cursor), "gap": gap})


class Feed:
    """One a process. Everything in it belongs to the event loop."""

    def __init__(self, engine: AsyncEngine, newest: int = 0, *, ring_rows: int = RING_ROWS, tick_s: float = TICK_S) -> None:
        self.followers = 0
        self._engine = engine
        self._ring_rows = ring_rows
        self._tick_s = tick_s
        self._ring: list[LogRow] = []
        self._published = newest  # the newest position in the ring
        self._visible = newest  # the newest that readers have been woken for
        self._woken_at = 0.0
        self._waking: asyncio.TimerHandle | None = None
        self._news = asyncio.Event()
        self._closed = False
        self._shared: dict[tuple[LogFilter, int], Batch] = {}
        self._catching_up = asyncio.Semaphore(_CATCH_UPS_AT_ONCE)

    @property
    def newest(self) -> int:
        """The newest position that readers may have."""
        return self._visible

    def start(self, newest: int) -> None:
        """Say where the database stands; before the first `publish` and the first `follow`."""
        self._published = self._visible = newest

    def publish(self, rows: Sequence[LogRow]) -> None:
        """Add committed rows, in order and without holes. Takes microseconds however many follow."""
        if not rows:
            return
        self._ring.extend(rows)
        self._published = rows[-1].position
        del self._ring[: -self._ring_rows]
        if self._waking is None:
            loop = asyncio.get_running_loop()
            tick_s = min(self._tick_s + TICK_S_A_FOLLOWER * self.followers, _MOST_TICK_S)
            self._waking = loop.call_at(max(loop.time(), self._woken_at + tick_s), self._wake)

    def close(self) -> None:
        """End every `follow` at its next turn."""
        self._closed = True
        self._wake()

    async def follow(self, filter: LogFilter = EVERYTHING, after: int | None = None) -> AsyncGenerator[Batch, None]:
        """Batches of the rows that the filter means, after a cursor: None = from now, 0 = from the oldest kept.

        Nothing is missing but what a gap names, and nothing comes twice. Ends when the feed is closed.
        """
        self.followers += 1
        try:
            cursor, gap = await self._begin(after)
            if gap is not None:
                yield Batch(rows=(), cursor=cursor, gap=gap)
            said_at = asyncio.get_running_loop().time()
            while not self._closed and not self._in_ring(cursor):
                batch = await self._from_database(filter, cursor)
                cursor = batch.cursor
                if batch.rows or asyncio.get_running_loop().time() - said_at >= CURSOR_S:
                    yield batch
                    said_at = asyncio.get_running_loop().time()
            async for batch in self._live(filter, cursor):
                yield batch
        finally:
            self.followers -= 1

    async def _live(self, filter: LogFilter, cursor: int) -> AsyncGenerator[Batch, None]:
        clock = asyncio.get_running_loop().time
        said_at = clock()
        while not self._closed:
            if cursor >= self._visible:
                await self._news.wait()
                continue
            if not self._in_ring(cursor):
                # Served from the database it would only fall behind again, at everybody's cost: it is told what it missed.
                gap = Gap(after=cursor, to=self._visible, reason="slow")
                cursor, said_at = self._visible, clock()
                yield Batch(rows=(), cursor=cursor, gap=gap)
                continue
            batch = self._from_ring(filter, cursor)
            cursor = batch.cursor
            if batch.rows or clock() - said_at >= CURSOR_S:
                yield batch
                said_at = clock()
            else:
                await asyncio.sleep(0)  # a filter that lets little through still takes its turns

    async def _begin(self, after: int | None) -> tuple[int, Gap | None]:
        """The cursor to begin at, and the gap before it."""
        if after is None:
            return self._visible, None
        if after > self._visible or after < 0:
            return self._visible, Gap(after=0, to=self._visible, reason="unknown")
        if self._in_ring(after):
            return after, None
        oldest = await request_logs.oldest_position(self._engine)
        before_oldest = self._visible if oldest is None else oldest - 1
        if after >= before_oldest:
            return after, None
        gap = Gap(after=after, to=before_oldest, reason="expired") if after else None
        return before_oldest, gap

    def _in_ring(self, cursor: int) -> bool:
        """Whether every row after the cursor that readers may have is in the ring."""
        return cursor >= self._visible or cursor >= self._published - len(self._ring)

    def _from_ring(self, filter: LogFilter, cursor: int) -> Batch:
        """The next rows after a cursor in the ring; the same object for all who ask the same before the next wake."""
        batch = self._shared.get((filter, cursor))
        if batch is None:
            first = cursor - (self._published - len(self._ring))
            upto = min(cursor + _BATCH_ROWS, self._visible)
            rows = self._ring[first : first + upto - cursor]
            batch = Batch(rows=tuple(rows if filter == EVERYTHING else _chosen(filter, rows)), cursor=upto)
            if len(self._shared) < _SHARED_BATCHES:
                self._shared[filter, cursor] = batch
        return batch

    async def _from_database(self, filter: LogFilter, cursor: int) -> Batch:
        """The next page after a cursor that is older than the ring."""
        upto = min(self._visible, cursor + _CATCH_UP_ROWS)
        async with self._catching_up:
            page = await request_logs.page(self._engine, filter, first=_BATCH_ROWS, after=cursor, newest_first=False, upto=upto)
        return Batch(rows=tuple(page.rows), cursor=page.cursor if page.has_more and page.cursor is not None else upto)

    def _wake(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        self._woken_at = asyncio.get_running_loop().time()
        self._visible = self._published
        self._shared.clear()
        news, self._news = self._news, asyncio.Event()
        news.set()


def _chosen(filter: LogFilter, rows: list[LogRow]) -> list[LogRow]:
    matches = filter.matches
    return [row for row in rows if matches(row)]
