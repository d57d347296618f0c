"""Use of a scope in a window, from rollups and rows: to the millisecond, the nano-dollar and the single call."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from api.database import windows
from api.database.bookings import HOUR_MS
from api.database.engine import open_engine, open_sqlite, sqlite_path
from core.limits import Scope
from core.limits.amounts import NOTHING
from core.limits.windows import calendar_bounds
from tests.api.journalled import database, finished, recorded
from tests.api.mixed import SCOPES, mixed, used_by

NOW = 1_795_424_460_123  # 2026-11-23T09:01:00.123Z, a Monday
DAY = 24 * HOUR_MS


@pytest.fixture(scope="module")
def events():
    return [*mixed(1_500, NOW, 3 * DAY), *mixed(600, NOW, 50 * DAY, seed=2, first=2_000), *mixed(600, NOW, 20_000, 3, 4_000)]


@pytest.fixture(scope="module")
def url(tmp_path_factory, events):
    url = database(tmp_path_factory.mktemp("windows"))
    recorded(url, events, batch_rows=170)
    return url


@pytest.fixture
def run(url):
    with closing(open_sqlite(sqlite_path(url))) as connection:
        yield windows.sqlite_run(connection)


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.owner)
@pytest.mark.parametrize("window", ["hourly", "daily", "weekly", "monthly", "yearly"])
def test_a_calendar_window_holds_exactly_what_was_admitted_in_it(run, events, scope, window):
    start, end = calendar_bounds(window, NOW)
    assert windows.window_use(run, scope, window, NOW) == used_by(events, scope, start, end - 1)


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.owner)
@pytest.mark.parametrize("window_ms", [1_000, 15_000, HOUR_MS, HOUR_MS + 60_123, 7 * HOUR_MS, DAY, 30 * DAY])
def test_a_rolling_window_is_exact_to_the_millisecond(run, events, scope, window_ms):
    expected = used_by(events, scope, NOW - window_ms, NOW)
    assert windows.window_use(run, scope, window_ms, NOW) == expected
    balance = windows.rolling_balance(run, scope, window_ms, NOW)
    assert _total(balance) == expected
    assert [at_ms for at_ms, _ in balance] == sorted({at_ms for at_ms, _ in balance})


def _total(balance):
    return tuple(map(sum, zip(*(used for _, used in balance), strict=True))) if balance else NOTHING


@pytest.mark.parametrize(("at_ms", "calls"), [(NOW - 1_001, 0), (NOW - 1_000, 1), (NOW, 1)])
def test_the_start_of_a_rolling_window_is_inside_it(tmp_path, at_ms, calls):
    url = database(tmp_path)
    recorded(url, [finished(1, at_ms=at_ms - 7, admitted_ms=7)])
    with closing(open_sqlite(sqlite_path(url))) as connection:
        used = windows.window_use(windows.sqlite_run(connection), Scope("a"), 1_000, NOW)
    assert used[1] == calls


@pytest.mark.parametrize(
    ("window", "last_before", "first_inside"),
    [
        ("hourly", "2026-11-23T08:59:59.999", "2026-11-23T09:00:00.000"),
        ("daily", "2026-11-22T23:59:59.999", "2026-11-23T00:00:00.000"),
        ("weekly", "2026-11-22T23:59:59.999", "2026-11-23T00:00:00.000"),
        ("monthly", "2026-10-31T23:59:59.999", "2026-11-01T00:00:00.000"),
        ("yearly", "2025-12-31T23:59:59.999", "2026-01-01T00:00:00.000"),
    ],
)
def test_a_request_belongs_to_the_window_of_its_admission_not_of_its_arrival(tmp_path, window, last_before, first_inside):
    url = database(tmp_path)
    before, inside = (_instant(text) for text in (last_before, first_inside))
    # Both arrived before the edge; one was admitted after it.
    recorded(
        url, [finished(1, at_ms=before - 50, admitted_ms=50), finished(2, at_ms=before - 50, admitted_ms=inside - before + 50)]
    )
    with closing(open_sqlite(sqlite_path(url))) as connection:
        run = windows.sqlite_run(connection)
        assert windows.window_use(run, Scope("a"), window, NOW)[1] == 1
        assert windows.window_use(run, Scope("a"), window, before)[1] == 1


def _instant(text):
    from datetime import UTC, datetime

    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def test_instants_beyond_the_bound_merge_into_later_ones_and_nothing_is_lost(run, events):
    window_ms = 3 * DAY
    expected = used_by(events, Scope(), NOW - window_ms, NOW)
    balance = windows.rolling_balance(run, Scope(), window_ms, NOW, most=1_200)
    assert _total(balance) == expected
    assert len(balance) <= 1_200
    instants = sorted(
        {event.at_ms + event.admitted_ms for event in events if event.at_ms + event.admitted_ms >= NOW - window_ms}
    )
    # At no later moment does less seem used than was: merged use leaves with the later one, a thousandth later at most.
    for later in range(0, window_ms, window_ms // 97):
        left = sum(used[0] for at_ms, used in balance if at_ms >= NOW + later - window_ms)
        assert left >= used_by(events, Scope(), NOW + later - window_ms, NOW)[0]
        assert left <= used_by(events, Scope(), NOW + later - window_ms - window_ms // 1_000, NOW)[0]
    assert {at_ms for at_ms, _ in balance} <= set(instants)


def test_what_retention_deleted_of_the_rows_is_made_up_for_from_the_rollups(tmp_path):
    url = database(tmp_path)
    events = mixed(800, NOW, 3 * DAY, seed=5)
    recorded(url, events)
    window_ms = 2 * DAY + 1_000
    with sqlite3.connect(sqlite_path(url)) as connection:
        connection.execute("DELETE FROM request_logs WHERE at_ms < ?", (NOW - DAY,))
    connection.close()
    with closing(open_sqlite(sqlite_path(url))) as connection:
        run = windows.sqlite_run(connection)
        hour = (NOW - window_ms) // HOUR_MS * HOUR_MS
        # Of the hour that the window begins in nobody knows the instants any more: all of it counts.
        expected = used_by(events, Scope("a"), hour, NOW)
        assert windows.rolling_use(run, Scope("a"), window_ms, NOW) == expected
        balance = windows.rolling_balance(run, Scope("a"), window_ms, NOW)
    assert _total(balance) == expected
    assert all(at_ms <= NOW for at_ms, _ in balance)


async def test_rows_rollups_and_events_give_one_sum(url, events):
    """Rows with what is kept beside them = rollups = the ledger's arithmetic over the events."""
    engine = open_engine(url)
    total = used_by(events, Scope(), 0, NOW)
    assert await windows.with_run(engine, lambda run: windows.calendar_use(run, Scope(), 0)) == total
    assert (
        await windows.with_run(engine, lambda run: windows._sum(used for _, used in windows._from_rows(run, Scope(), 0, None)))
        == total
    )
    by_all = await windows.with_run(engine, lambda run: windows.calendar_uses(run, "yearly", NOW))
    assert windows._sum(by_all.values()) == used_by(events, Scope(), calendar_bounds("yearly", NOW)[0], NOW)
    await engine.dispose()
