"""A limit that is added knows what was used before it: nothing counted twice, nothing lost, however far the recorder lags."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from api.balances import BalanceDesk
from api.database.engine import open_engine, sqlite_path, sqlite_url
from api.recorder import Recorder
from core.balances import read_opening, read_pending
from core.events import RequestFinished
from core.layout import Layout
from core.limits import METRICS, Scope
from proxy.balances import Openings
from proxy.journal import Journal
from proxy.ledger import MemoryLedger
from tests.api.journalled import database
from tests.api.mixed import SCOPES, mixed, used_by

NOW = 1_795_424_460_123  # 2026-11-23T09:01:00.123Z, a Monday
DAY = 86_400_000
WINDOWS: tuple[Any, ...] = ("hourly", "daily", "weekly", "monthly", "yearly", 60_000, 5 * DAY)


class Installation:
    """A journal with its proxy's ledger on one side, a recorder and the desk on the other, and a clock."""

    def __init__(self, folder) -> None:
        self.layout = Layout(folder)
        database(folder)
        self.url = sqlite_url(self.layout.database)
        assert sqlite_path(self.url) == str(self.layout.database)
        self.layout.balances.mkdir()
        self.journal = Journal.open(self.layout.journal, 40_000)
        self.now_ms = NOW
        self.ledger = MemoryLedger()
        self.events: list[RequestFinished] = []
        self.openings = self.restarted()

    def restarted(self) -> Openings:
        return Openings(self.layout, "proxy-1", self.ledger, self.journal, lambda: self.now_ms)

    def happen(self, events: list[RequestFinished]) -> None:
        """Requests end: journalled and booked, as the proxy does in one step."""
        for event in events:
            self.journal.append(msgspec.json.encode(event))
            self.ledger.settle(event)
        self.events += events

    def name_limits(self) -> None:
        for scope in SCOPES:
            self.held = getattr(self, "held", [])
            self.held.append(self.ledger.account(scope))
            self.ledger.count(scope, WINDOWS, 1, self.now_ms)

    @asynccontextmanager
    async def api(self):
        recorder = Recorder(self.layout.journal, self.url, lambda rows: None)
        await recorder.start()
        engine = open_engine(self.url)
        try:
            yield recorder, BalanceDesk(self.layout, engine, lambda: recorder.lag_bytes, lambda: self.now_ms)
        finally:
            await engine.dispose()
            await recorder.close()

    def check(self) -> None:
        """Every count is what all that ever happened is booked at."""
        for scope in SCOPES:
            for window in WINDOWS:
                usage = self.ledger.usage(scope, window)
                assert not usage.pending(self.now_ms), (scope, window)
                start = self.now_ms - window if isinstance(window, int) else _start(window, self.now_ms)
                expected = used_by(self.events, scope, start, self.now_ms)
                assert tuple(usage.used(self.now_ms, index) for index in range(len(METRICS))) == expected, (scope, window)


def _start(window: Any, now_ms: int) -> int:
    from core.limits.windows import calendar_bounds

    return calendar_bounds(window, now_ms)[0]


@pytest.fixture
def place(tmp_path):
    place = Installation(tmp_path)
    yield place
    place.journal.close()


async def test_a_limit_added_today_knows_what_was_used_before_it(place):
    place.happen(mixed(400, NOW, 9 * DAY))
    place.name_limits()
    assert place.ledger.usage(Scope(), "monthly").pending(NOW)
    async with place.api() as (recorder, desk):
        await recorder.catch_up()
        await place.openings.step()
        assert await desk.answer_all() == 1
        await place.openings.step()
        assert await desk.answer_all() == 0, "nothing is pending any more, and nothing is asked"
        assert not place.layout.pending_counts("proxy-1").exists()
    place.check()


async def test_requests_that_end_while_the_recorder_lags_count_once(place):
    """Some are recorded, some only journalled, some end between the question and the answer, some after the answer."""
    place.happen(mixed(300, NOW, 9 * DAY))
    async with place.api() as (recorder, desk):
        await recorder.catch_up()
        place.happen(mixed(150, NOW, 9 * DAY, seed=2, first=1_000))
        place.name_limits()
        place.happen(mixed(50, NOW, 50_000, seed=3, first=2_000))
        await place.openings.step()
        place.happen(mixed(50, NOW, 50_000, seed=4, first=3_000))
        await desk.answer_all()
        answer = read_opening(place.layout.opening_balances("proxy-1").read_bytes())
        assert answer.position == recorder.position < place.journal.position
        place.happen(mixed(50, NOW, 50_000, seed=5, first=4_000))
        await recorder.catch_up()  # the answer is older than the database by now
        await place.openings.step()
        place.happen(mixed(50, NOW, 50_000, seed=6, first=5_000))
    place.check()


async def test_a_window_that_ended_between_question_and_answer_takes_nothing_along(place):
    place.happen(mixed(200, NOW, 9 * DAY))
    place.name_limits()
    async with place.api() as (recorder, desk):
        await recorder.catch_up()
        await place.openings.step()
        await desk.answer_all()
        place.now_ms = NOW + 31 * DAY
        place.happen(mixed(30, place.now_ms, 50_000, seed=7, first=8_000))
        await place.openings.step()
    place.check()


async def test_a_question_of_the_process_before_is_not_mistaken_for_one_of_this(place):
    place.happen(mixed(100, NOW, 9 * DAY))
    place.name_limits()
    async with place.api() as (recorder, desk):
        await recorder.catch_up()
        await place.openings.step()
        first = read_pending(place.layout.pending_counts("proxy-1").read_bytes())
        await desk.answer_all()
        place.now_ms += 1  # it died here, and another one starts
        place.openings = place.restarted()
        await place.openings.step()
        assert read_pending(place.layout.pending_counts("proxy-1").read_bytes()).asked > first.asked
        assert place.ledger.usage(Scope(), "monthly").pending(NOW)
        assert await desk.answer_all() == 1
        await place.openings.step()
    place.check()


async def test_an_answer_about_another_journal_is_refused(place):
    place.happen(mixed(10, NOW, 9 * DAY))
    place.name_limits()
    async with place.api() as (recorder, desk):
        await recorder.catch_up()
        await place.openings.step()
        await desk.answer_all()
    path = place.layout.opening_balances("proxy-1")
    answer = read_opening(path.read_bytes())
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(answer, position=10**12)))
    await place.openings.step()
    assert place.ledger.usage(Scope(), "monthly").pending(NOW)


async def test_the_desk_waits_for_a_recorder_that_is_far_behind(place):
    place.name_limits()
    await place.openings.step()
    engine = open_engine(place.url)
    desk = BalanceDesk(place.layout, engine, lambda: 1 << 30, lambda: NOW)
    assert await desk.answer_all() == 0
    await engine.dispose()


async def test_what_is_in_flight_stays_reserved_when_its_balance_is_opened(place):
    from core.events import RequestAdmitted

    place.happen(mixed(100, NOW, 9 * DAY))
    admission = RequestAdmitted(
        id="f" * 32, at_ms=NOW - 5, project="a", token="t", revision="r", model="m1", reserved={"calls": 1, "cost": 77}
    )
    place.journal.append(msgspec.json.encode(admission))
    place.ledger.fold(admission)
    place.name_limits()
    async with place.api() as (recorder, desk):
        await recorder.catch_up()
        await place.openings.step()
        await desk.answer_all()
        await place.openings.step()
    place.check()
    usage = place.ledger.usage(Scope("a"), "daily")
    assert usage.held(NOW, 0) - usage.used(NOW, 0) == 77
