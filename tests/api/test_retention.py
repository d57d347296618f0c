"""What is old enough goes, what anybody still needs stays."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest
import time_machine
from sqlalchemy import func, select

from api.audit import AuditFilter, AuditTrail, Entry
from api.database import request_logs, usage
from api.database.engine import open_engine
from api.database.request_logs import LogFilter
from api.database.tables import log_spans, traces
from api.retention import Removed, RetentionJob
from core.config import Retention
from tests.api.journalled import database, finished, journalled, recorded, request_id

DAY = 86_400_000
NOW = 1_790_000_000_000


@pytest.fixture
def url(tmp_path):
    return database(tmp_path)


@pytest.fixture
async def engine(url):
    engine = open_engine(url)
    yield engine
    await engine.dispose()


def job(engine, folder: Path, settings: Retention, *, recorded: int = 0, now_ms: int = NOW) -> RetentionJob:
    return RetentionJob(
        engine,
        folder / "journal",
        folder / "checkpoint.json",
        settings=lambda: settings,
        recorded=lambda: recorded,
        now_ms=lambda: now_ms,
    )


def aged(url: str, first: int, count: int, days: float, size: int = 10) -> None:
    at_ms = int(NOW - days * DAY)
    recorded(url, [finished(number, at_ms=at_ms, error="x" * size) for number in range(first, first + count)])


async def positions(engine) -> list[int]:
    page = await request_logs.page(engine, LogFilter(), first=10_000, newest_first=False)
    return [row.position for row in page.rows]


async def traced(engine) -> list[int]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(traces.c.position).order_by(traces.c.position))).scalars())


async def trace_bytes(engine) -> tuple[int, int]:
    """As the spans say, and as it is."""
    async with engine.connect() as connection:
        said = await connection.scalar(select(func.coalesce(func.sum(log_spans.c.trace_bytes), 0)))
        return said, await connection.scalar(select(func.coalesce(func.sum(func.length(traces.c.body)), 0)))


async def test_rows_and_traces_go_by_age_each_at_its_own_and_usage_stays(url, engine, tmp_path):
    aged(url, 1, 1_200, days=91)
    aged(url, 1_201, 30, days=20)
    aged(url, 1_231, 10, days=1)
    removed = await job(engine, tmp_path, Retention(rows_days=90, traces_days=14)).run_once()
    assert removed == Removed(rows=1_200, traces=1_230)
    assert await positions(engine) == list(range(1_201, 1_241))
    assert await traced(engine) == list(range(1_231, 1_241))
    said, real = await trace_bytes(engine)
    assert said == real > 0
    assert sum(day.calls for day in (await usage.by_day(engine, ["a"], NOW, 93))["a"]) == 1_240
    assert await request_logs.trace(engine, request_id(1_231)) is not None
    assert await job(engine, tmp_path, Retention(rows_days=90, traces_days=14)).run_once() == Removed()


async def test_a_trace_goes_with_its_row_at_the_latest(url, engine, tmp_path):
    aged(url, 1, 10, days=3)
    await job(engine, tmp_path, Retention(rows_days=2, traces_days=14)).run_once()
    assert (await positions(engine), await traced(engine)) == ([], [])


async def test_the_oldest_traces_go_until_the_rest_fits(url, engine, tmp_path):
    for first in range(1, 61, 10):
        aged(url, first, 10, days=1, size=50_000)
    removed = await job(engine, tmp_path, Retention(traces_max_mb=1)).run_once()
    assert (removed.rows, removed.traces) == (0, 40)
    assert await traced(engine) == list(range(41, 61))
    said, real = await trace_bytes(engine)
    assert said == real <= 1024 * 1024


async def test_recording_goes_on_after_everything_was_deleted(url, engine, tmp_path):
    aged(url, 1, 10, days=100)
    await job(engine, tmp_path, Retention()).run_once()
    assert await positions(engine) == []
    from api.database.recording import Batch, SqliteRecords
    from api.rows import read_rows
    from tests.api.journalled import encoded

    records = SqliteRecords(url)
    mark = records.open()
    for number in (11, 12):
        read = read_rows([(0, encoded(finished(number))[0])], mark.log_position, 1)
        mark = msgspec.structs.replace(mark, log_position=mark.log_position + 1)
        records.commit(Batch(rows=read.rows, bodies=read.bodies, bookings=read.bookings, mark=mark))
        await job(engine, tmp_path, Retention(), now_ms=NOW + 200 * DAY).run_once()
    assert await positions(engine) == []
    async with engine.connect() as connection:
        assert (await connection.execute(select(log_spans))).all() == []
    records.close()


class Segments:
    """A journal of several old segments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        journalled(folder / "journal", map(finished, range(1, 41)), segment_bytes=4_000)
        for path in self.paths():
            os.utime(path, (NOW / 1000 - 7_200, NOW / 1000 - 7_200))

    def paths(self) -> list[Path]:
        return sorted((self.folder / "journal").iterdir())

    def checkpoint(self, position: int) -> None:
        value = {"position": position, "open": {"x": {"event": "admitted"}}, "statistics": {}}
        (self.folder / "checkpoint.json").write_bytes(msgspec.json.encode(value))


@pytest.fixture
def segments(tmp_path):
    return Segments(tmp_path)


@pytest.mark.parametrize(
    ("recorded_up_to", "checkpoint_at", "hours", "left"),
    [
        (99_999, 99_999, 1, "the last"),
        (99_999, 99_999, 3, "all"),
        (99_999, None, 1, "all"),
        ("second", 99_999, 1, "from second"),
        (99_999, "second", 1, "from second"),
        (0, 99_999, 1, "all"),
    ],
)
async def test_a_journal_segment_goes_when_it_is_old_recorded_and_before_the_checkpoint(
    engine, tmp_path, segments, recorded_up_to, checkpoint_at, hours, left
):
    before = segments.paths()
    # A byte into the second segment: the first one is done with, the second is not.
    second = int(before[1].stem) + 1
    if checkpoint_at is not None:
        segments.checkpoint(second if checkpoint_at == "second" else checkpoint_at)
    position = second if recorded_up_to == "second" else recorded_up_to
    removed = await job(engine, tmp_path, Retention(journal_hours=hours), recorded=position).run_once()
    expected = {"all": before, "the last": before[-1:], "from second": before[1:]}[left]
    assert segments.paths() == expected
    assert removed.segments == len(before) - len(expected)


async def test_the_job_runs_again_and_again_and_outlives_a_failure(engine, tmp_path):
    runs = asyncio.Event()
    count = 0

    def settings() -> Retention:
        nonlocal count
        count += 1
        if count == 2:
            raise OSError("no")
        if count == 3:
            runs.set()
        return Retention()

    retention = RetentionJob(
        engine, tmp_path / "journal", tmp_path / "c", settings=settings, recorded=lambda: 0, now_ms=lambda: NOW
    )
    task = asyncio.create_task(retention.run(interval_s=0.001))
    await asyncio.wait_for(runs.wait(), 5)
    task.cancel()
    await asyncio.wait([task])


async def test_audit_rows_go_by_age(tmp_path: Path, engine) -> None:
    with time_machine.travel((NOW - 3 * DAY) / 1000, tick=False):
        await AuditTrail(engine).note(Entry(action="login", outcome="ok", subject="old@example.org"))
    with time_machine.travel((NOW - DAY) / 1000, tick=False):
        await AuditTrail(engine).note(Entry(action="login", outcome="ok", subject="new@example.org"))
    removed = await job(engine, tmp_path, Retention(audit_days=2)).run_once()
    rows, _ = await AuditTrail(engine).page(AuditFilter(), first=10)
    assert (removed.audit, [row.subject for row in rows]) == (1, ["new@example.org"])
