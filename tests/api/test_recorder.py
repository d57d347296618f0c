"""Every finished request gets one row, one trace and one place in the rollups, whatever dies, is full or is damaged."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from api.database.engine import sqlite_path
from api.database.request_logs import LogRow
from api.recorder import Recorder
from core.framing import segment_name
from proxy.journal import Journal
from tests.api.journalled import admitted, database, encoded, finished, journalled, request_id


class Place:
    """A journal folder, a database, and what a recorder published."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal"
        self.url = database(folder)
        self.published: list[LogRow] = []
        self.news = asyncio.Event()

    def publish(self, rows: list[LogRow]) -> None:
        self.published += rows
        self.news.set()

    def sql(self, statement: str) -> list[tuple]:
        with closing(sqlite3.connect(sqlite_path(self.url))) as connection:
            return connection.execute(statement).fetchall()

    def ids(self) -> list[str]:
        return [found for (found,) in self.sql("SELECT request_id FROM request_logs ORDER BY position")]

    @asynccontextmanager
    async def recorder(self) -> AsyncIterator[Recorder]:
        recorder = Recorder(self.journal, self.url, self.publish)
        await recorder.start()
        try:
            yield recorder
        finally:
            await recorder.close()

    def check(self, count: int) -> None:
        """Exactly `count` requests, in rows without holes, with traces, rollups and spans that agree."""
        assert self.sql("SELECT count(*), count(DISTINCT request_id), min(position), max(position) FROM request_logs") == [
            (count, count, 1, count)
        ]
        assert self.sql("SELECT count(*) FROM traces JOIN request_logs USING (position)") == [(count,)]
        assert self.sql("SELECT sum(calls) FROM usage_hourly") == [(count,)]
        assert self.sql("SELECT sum(last_position - first_position + 1) FROM log_spans") == [(count,)]
        assert self.sql("SELECT sum(trace_bytes) FROM log_spans") == self.sql("SELECT sum(length(body)) FROM traces")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # a counter has nothing to wait on
            await asyncio.sleep(0.005)


async def test_a_journal_is_recorded_and_published_in_order(place):
    events = [event for number in range(1, 1_301) for event in (admitted(number), finished(number))]
    journalled(place.journal, events, segment_bytes=100_000)
    async with place.recorder() as recorder:
        await recorder.catch_up()
        assert (recorder.recorded_total, recorder.newest, recorder.lag_bytes) == (1_300, 1_300, 0)
    place.check(1_300)
    assert [row.position for row in place.published] == list(range(1, 1_301))
    assert [row.request_id for row in place.published] == place.ids() == [request_id(number) for number in range(1, 1_301)]


async def test_a_record_is_published_long_before_250_ms(place):
    place.journal.mkdir()
    journal = Journal.open(place.journal)
    async with place.recorder() as recorder:
        running = asyncio.create_task(recorder.run())
        await until(lambda: recorder._tail.folder.exists())
        ages = []
        for number in range(1, 21):
            place.news.clear()
            began = time.perf_counter()
            journal.append(encoded(finished(number))[0])
            await asyncio.wait_for(place.news.wait(), 5)
            ages.append(time.perf_counter() - began)
        running.cancel()
        await asyncio.wait([running])
    journal.close()
    assert sorted(ages)[len(ages) // 2] < 0.1
    place.check(20)


async def test_a_journal_that_cannot_be_watched_is_polled(place, monkeypatch):
    def none_left() -> None:
        raise OSError("no inotify instance left")

    monkeypatch.setattr("api.recorder.Inotify", none_left)
    async with place.recorder() as recorder:
        running = asyncio.create_task(recorder.run())
        await until(place.journal.exists)
        journalled(place.journal, [finished(1)])
        await asyncio.wait_for(place.news.wait(), 5)
        running.cancel()
        await asyncio.wait([running])
    place.check(1)


async def test_a_new_recorder_goes_on_where_the_old_one_stopped(place):
    journalled(place.journal, map(finished, range(1, 11)))
    async with place.recorder() as recorder:
        await recorder.catch_up()
    journalled(place.journal, map(finished, range(11, 21)))
    async with place.recorder() as recorder:
        assert recorder.newest == 10
        await recorder.catch_up()
    assert [row.position for row in place.published] == list(range(1, 21))
    place.check(20)


async def test_admissions_alone_move_the_position_and_write_no_row(place):
    journalled(place.journal, map(admitted, range(10)))
    async with place.recorder() as recorder:
        await recorder.catch_up()
        assert (recorder.lag_bytes, recorder.newest, place.published) == (0, 0, [])


async def test_damaged_and_unknown_records_are_skipped_and_counted(place):
    journalled(place.journal, map(finished, range(1, 4)))
    with (place.journal / segment_name(0)).open("ab") as file:
        file.write(b"00000000 not a record\n")
    journal = Journal.open(place.journal)
    journal.append(b'{"event":"from_a_later_version","id":"x"}')
    journal.append(encoded(finished(4))[0].replace(b'"http_status":200', b'"http_status":1e99'))
    journal.append(encoded(finished(5))[0])
    journal.close()
    async with place.recorder() as recorder:
        await recorder.catch_up()
        assert (recorder.damaged_total, recorder.unreadable_total, recorder.recorded_total) == (1, 2, 4)
        assert recorder.lag_bytes == 0
    assert place.ids() == [request_id(number) for number in (1, 2, 3, 5)]


async def test_a_torn_end_waits_until_it_is_whole(place):
    journalled(place.journal, [finished(1)])
    segment = place.journal / segment_name(0)
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-7])
    async with place.recorder() as recorder:
        await recorder.catch_up()
        assert place.ids() == []
        segment.write_bytes(whole)
        await recorder.catch_up()
    place.check(1)


async def test_a_request_that_is_journalled_twice_has_one_row(place):
    journalled(place.journal, [finished(1), finished(2), finished(1)])
    async with place.recorder() as recorder:
        await recorder.catch_up()
        journalled(place.journal, [finished(2), finished(3)])
        await recorder.catch_up()
    place.check(3)
    assert [row.position for row in place.published] == [1, 2, 3]


async def test_a_locked_database_delays_and_loses_nothing(place):
    journalled(place.journal, map(finished, range(1, 6)))
    with closing(sqlite3.connect(sqlite_path(place.url), isolation_level=None)) as other:
        async with place.recorder() as recorder:
            other.execute("BEGIN IMMEDIATE")
            recording = asyncio.create_task(recorder.catch_up())
            await until(lambda: recorder.failing)
            assert "locked" in str(recorder.failing)
            other.execute("ROLLBACK")
            await asyncio.wait_for(recording, 10)
            assert recorder.failing is None
    place.check(5)


async def test_a_full_database_delays_and_loses_nothing(place):
    journalled(place.journal, (finished(number, error="x" * 5_000) for number in range(1, 200)))
    async with place.recorder() as recorder:
        connection = recorder._records._connected()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        recording = asyncio.create_task(recorder.catch_up())
        await until(lambda: recorder.failing)
        assert "full" in str(recorder.failing)
        assert place.published == []
        connection.execute("PRAGMA max_page_count = 1000000")
        await asyncio.wait_for(recording, 10)
    place.check(199)


async def test_segments_deleted_before_they_were_read_are_counted_as_lost(place):
    journalled(place.journal, map(finished, range(1, 101)), segment_bytes=5_000)
    starts = sorted(place.journal.iterdir())
    starts[0].unlink()
    lost = int(starts[1].stem)
    async with place.recorder() as recorder:
        await recorder.catch_up()
        assert (recorder.lost_bytes_total, recorder.lag_bytes) == (lost, 0)
    assert place.ids()[-1] == request_id(100)


async def test_a_journal_that_was_cut_back_is_read_again_without_doubles(place):
    """The machine died: what was recorded of the journal's end is gone, and other requests stand there now."""
    journalled(place.journal, map(finished, range(1, 11)))
    async with place.recorder() as recorder:
        await recorder.catch_up()
    segment = place.journal / segment_name(0)
    os.truncate(segment, segment.read_bytes().rfind(b"\n", 0, 2_000) + 1)
    journalled(place.journal, map(finished, range(20, 60)))
    async with place.recorder() as recorder:
        await recorder.catch_up()
        assert recorder.lag_bytes == 0
    assert place.ids() == [request_id(number) for number in (*range(1, 11), *range(20, 60))]
    place.check(50)


async def test_a_journal_that_begins_anew_is_noticed_while_recording(place):
    journalled(place.journal, map(finished, range(1, 11)))
    async with place.recorder() as recorder:
        await recorder.catch_up()
        os.truncate(place.journal / segment_name(0), 0)
        journalled(place.journal, [finished(77)])
        await recorder.catch_up()
    assert place.ids()[-1] == request_id(77)
    place.check(11)


def test_killed_recorders_record_everything_once(place):
    """12 times SIGKILL while a journal is being written: what the last one leaves is complete and has no double."""
    journal = Journal.open(place.journal, 200_000)
    number = 0
    for run in range(12):
        recorder = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("recorder_process.py")), str(place.journal), place.url],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert recorder.stdout
        assert recorder.stdout.readline()
        for _ in range(150 + 60 * run):
            number += 1
            for payload in encoded(admitted(number), finished(number)):
                journal.append(payload)
        recorder.stdout.readline()  # at least one more batch is committed, another one perhaps under way
        recorder.send_signal(signal.SIGKILL)
        recorder.communicate()
    end = journal.position
    journal.close()

    async def finish() -> None:
        async with place.recorder() as last:
            await last.catch_up()
            assert last.position == end

    asyncio.run(finish())
    place.check(number)
    # The processes watched 90 limits of 100, 200, 300 … calls: each has said both things once, each at its own request.
    said = place.sql("SELECT kind, value, used FROM alerts WHERE at_ms <= (SELECT max(at_ms) FROM request_logs)")
    assert len(said) == len(set(said))
    assert all(used == (value if kind == "exhausted" else value * 4 // 5) for kind, value, used in said)
    assert len([kind for kind, _, _ in said if kind == "exhausted"]) >= 20


async def test_closing_twice_is_no_error(place):
    recorder = Recorder(place.journal, place.url, place.publish)
    await recorder.start()
    await recorder.close()
    await recorder.close()
