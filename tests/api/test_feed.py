"""Subscribers get every row that their filter means, in order and once, or are told what they did not get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from api import feed as feeds
from api.database import request_logs
from api.database.engine import open_engine, writing
from api.database.recording import Batch as Recording
from api.database.recording import Mark, SqliteRecords
from api.database.request_logs import EVERYTHING, LogFilter, LogRow
from api.database.tables import request_logs as table
from api.feed import Batch, Feed, Gap
from api.rows import read_rows
from tests.api.journalled import database, encoded, finished


class Source:
    """A real database whose rows go to a feed as the recorder's do: committed first, published then."""

    def __init__(self, url: str, feed: Feed) -> None:
        self.records = SqliteRecords(url)
        self.mark = self.records.open()
        self.feed = feed

    def record(self, count: int, **changes: object) -> list[LogRow]:
        first = self.mark.log_position + 1
        payloads = [(0, payload) for payload in encoded(*(finished(n, **changes) for n in range(first, first + count)))]
        read = read_rows(payloads, self.mark.log_position, count)
        self.mark = Mark(log_position=self.mark.log_position + count)
        self.records.commit(Recording(rows=read.rows, bodies=read.bodies, bookings=read.bookings, mark=self.mark))
        return read.rows

    def emit(self, count: int, **changes: object) -> None:
        self.feed.publish(self.record(count, **changes))


@pytest.fixture
async def engine(tmp_path):
    engine = open_engine(database(tmp_path))
    yield engine
    await engine.dispose()


@pytest.fixture
async def feed(engine):
    feed = Feed(engine, ring_rows=100, tick_s=0.005)
    yield feed
    feed.close()


@pytest.fixture
def source(engine, feed):
    source = Source(engine.url.render_as_string(), feed)
    yield source
    source.records.close()


async def take(following: AsyncIterator[Batch], upto: int) -> tuple[list[int], list[Gap]]:
    """Positions and gaps until the cursor reaches `upto`."""
    positions: list[int] = []
    gaps = []
    async with asyncio.timeout(30):
        async for batch in following:
            positions += [row.position for row in batch.rows]
            if batch.gap:
                gaps.append(batch.gap)
            if batch.cursor >= upto:
                break
    return positions, gaps


def numbers(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


async def begun(following: AsyncIterator[Batch]) -> asyncio.Task[Batch]:
    """A follower that waits for its first batch."""
    task = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    return task


async def test_without_a_cursor_a_reader_begins_now(feed, source):
    source.record(10)
    feed.start(10)
    following = feed.follow()
    first = await begun(following)
    source.emit(3)
    assert [row.position for row in (await first).rows] == [11, 12, 13]
    await following.aclose()
    assert feed.followers == 0


async def test_zero_begins_at_the_oldest_row_kept_without_a_gap(engine, feed, source):
    source.record(700)
    feed.start(700)
    async with writing(engine) as connection:
        await connection.execute(table.delete().where(table.c.position <= 50))
    assert await take(feed.follow(after=0), 700) == (numbers(51, 700), [])


@pytest.mark.parametrize("after", [1, 250, 899, 900, 901, 950, 999, 1_000])
async def test_a_reader_resumes_at_its_cursor_from_database_or_ring(feed, source, after):
    source.record(900)
    feed.start(900)
    source.emit(100)
    await asyncio.sleep(0.02)
    following = feed.follow(after=after)
    task = asyncio.ensure_future(take(following, 1_010))
    await asyncio.sleep(0)
    source.emit(10)
    assert await task == (numbers(after + 1, 1_010), [])


async def test_readers_that_catch_up_while_rows_pour_in_miss_none_and_get_none_twice(feed, source):
    source.record(3_000)
    feed.start(3_000)
    filters = [EVERYTHING, LogFilter(projects=("a",)), LogFilter(projects=("b",))]
    readers = [
        asyncio.create_task(take(feed.follow(filter, after), 4_000)) for filter in filters for after in (1, 1_500, 2_999, 3_000)
    ]
    for turn in range(100):
        source.emit(10, project="ab"[turn % 2])
        await asyncio.sleep(0.002)
    source.emit(1, project="b")
    source.emit(1, project="a")
    results = [await reader for reader in readers]
    for positions, gaps in results[:4]:
        assert (positions[-1] >= 4_000, gaps) == (True, [])
        assert positions == numbers(positions[0], positions[-1])
    assert [positions[0] for positions, _ in results[:4]] == [2, 1_501, 3_000, 3_001]
    for positions, gaps in results[4:]:
        assert gaps == []
        assert positions == sorted(set(positions))
    live_a = [number for number in range(3_001, 4_001) if (number - 3_001) // 10 % 2 == 0]
    assert [position for position in results[7][0] if position <= 4_000] == live_a


@pytest.mark.parametrize("after", [11, 10_000, -1])
async def test_a_cursor_that_was_never_given_is_a_gap_and_goes_on_from_now(feed, source, after):
    source.record(10)
    feed.start(10)
    following = feed.follow(after=after)
    batch = await anext(following)
    assert (batch.rows, batch.cursor, batch.gap) == ((), 10, Gap(after=0, to=10, reason="unknown"))
    following_row = await begun(following)
    source.emit(1)
    assert [row.position for row in (await following_row).rows] == [11]


async def test_a_cursor_whose_rows_were_deleted_is_a_gap_up_to_the_oldest_kept(engine, feed, source):
    source.record(300)
    feed.start(300)
    async with writing(engine) as connection:
        await connection.execute(table.delete().where(table.c.position <= 100))
    assert await take(feed.follow(after=40), 300) == (numbers(101, 300), [Gap(after=40, to=100, reason="expired")])
    async with writing(engine) as connection:
        await connection.execute(table.delete())
    batch = await anext(feed.follow(after=40))
    assert (batch.cursor, batch.gap) == (300, Gap(after=40, to=300, reason="expired"))


async def test_a_reader_that_falls_behind_gets_a_gap_that_the_query_fills(engine, feed, source):
    stalled, quick = feed.follow(), asyncio.ensure_future(take(feed.follow(), 550))
    first = await begun(stalled)
    source.emit(10)
    cursor = (await first).cursor
    for _ in range(54):
        source.emit(10)
        await asyncio.sleep(0.006)
    assert (await quick) == (numbers(1, 550), []), "others notice nothing"
    batch = await anext(stalled)
    assert batch.gap == Gap(after=cursor, to=550, reason="slow")
    assert batch.cursor == 550
    page = await request_logs.page(
        engine, EVERYTHING, first=1_000, after=batch.gap.after, newest_first=False, upto=batch.gap.to
    )
    assert [row.position for row in page.rows] == numbers(11, 550)
    rest = await begun(stalled)
    source.emit(1)
    assert [row.position for row in (await rest).rows] == [551]


async def test_the_ring_is_bounded(feed, source):
    for _ in range(5):
        source.emit(90)
    assert len(feed._ring) == 100
    assert feed._ring[-1].position == 450


async def test_a_filter_sees_only_its_rows_and_the_cursor_moves_on_past_the_others(feed, source, monkeypatch):
    monkeypatch.setattr(feeds, "CURSOR_S", 0.0)
    following = feed.follow(LogFilter(projects=("b",), statuses=("error",)))
    first = await begun(following)
    source.emit(5)
    assert ((await first).rows, (await first).cursor) == ((), 5)
    second = await begun(following)
    source.emit(2, project="b", status="error")
    batch = await second
    assert ([row.position for row in batch.rows], batch.cursor) == ([6, 7], 7)


async def test_rows_that_pour_in_come_in_few_batches_which_readers_share(engine, source):
    feed = Feed(engine, tick_s=0.05)
    source.feed = feed
    everyone = [feed.follow() for _ in range(10)] + [feed.follow(LogFilter(models=("m",))) for _ in range(10)]
    waiting = [await begun(following) for following in everyone]
    source.emit(1)
    await asyncio.gather(*waiting)
    waiting = [await begun(following) for following in everyone]
    for _ in range(40):
        source.emit(1)
    batches = await asyncio.gather(*waiting)
    assert all(len(batch.rows) == 40 for batch in batches)
    assert len({id(batch) for batch in batches}) == 2, "one for each filter"
    assert batches[0].json is batches[9].json
    feed.close()


async def test_a_batch_as_json_has_its_cursors_as_strings(feed, source):
    following = feed.follow(after=5)
    gap = json.loads((await anext(following)).json)
    assert gap == {"rows": [], "cursor": "0", "gap": {"from": "0", "to": "0", "reason": "unknown"}}
    first = await begun(following)
    source.emit(1, labels={"team": "x"})
    batch = json.loads((await first).json)
    assert (batch["cursor"], batch["gap"], batch["rows"][0]["labels"]) == ("1", None, {"team": "x"})


async def test_closing_ends_every_reader(feed, source):
    waiting = [asyncio.create_task(take(feed.follow(), 10**9)) for _ in range(3)]
    await asyncio.sleep(0)
    feed.close()
    assert await asyncio.gather(*waiting) == [([], [])] * 3
    assert feed.followers == 0
