"""Each project's successes, calls and rests: exact, bounded in memory, the same after a checkpoint."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.events import AttemptFinished, RequestFinished
from core.facts import Facts
from core.routing import stats
from core.routing.candidates import Candidate, Pool
from core.routing.engine import Ranking
from core.routing.policies import Fairness, Health, Performance, RateLimit
from core.routing.series import HORIZON_MS
from core.routing.stats import Statistics
from core.routing.successes import MAX_WINDOWS, Successes

START_MS = 1_795_424_460_123
CANDIDATES = [Candidate(id=model, provider="p", upstream_name=model, calls_limited=True) for model in ("a", "b", "c")]
POOL = Pool(CANDIDATES)
MINUTES = (0.01, 1.0, 60.0, 1440.0)

records = st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from("abcd"), st.integers(1, 3)), max_size=50)


@given(records, st.integers(0, 50), st.integers(0, 90_000))
def test_shares_are_those_of_a_plain_count_in_any_order_of_arrival(
    found: list[tuple[int, str, int]], read_at: int, later: int
) -> None:
    log = Successes()
    newest = START_MS
    for number, (at, model, count) in enumerate(found):
        log.add(model, START_MS + at, count)
        newest = max(newest, START_MS + at)
        if number >= read_at:
            for minutes in MINUTES:
                log.shares(minutes, POOL, newest)
    log = Successes.restore(json.loads(json.dumps(log.state()))) if read_at % 2 else log
    for minutes in MINUTES:
        start = newest + later - round(minutes * 60_000)
        expected = [sum(count for at, model, count in found if model == name and START_MS + at >= start) for name in "abc"]
        assert log.shares(minutes, POOL, newest + later) == expected


def test_a_project_with_more_successes_than_fit_keeps_their_number_and_nearly_their_time() -> None:
    log = Successes(max_entries=400)
    for number in range(20_000):  # one every 4 s, for 22 hours
        log.add("abc"[number % 3], START_MS + number * 4_000)
        if number % 50 == 0:
            log.shares(60.0, POOL, START_MS + number * 4_000)
        assert len(log.instants) <= 400
    now = START_MS + 20_000 * 4_000
    # Newest ones stand where they were: half of the entries at least, which are the last quarter of an hour.
    assert log.shares(5.0, POOL, now) == [25, 25, 25]
    assert sum(log.shares(1440.0, POOL, now)) == 20_000
    hour = log.shares(60.0, POOL, now)
    assert max(hour) - min(hour) <= 30
    restored = Successes.restore(log.state(), max_entries=400)
    assert [restored.shares(minutes, POOL, now) for minutes in MINUTES] == [
        log.shares(minutes, POOL, now) for minutes in MINUTES
    ]


def test_what_is_past_the_horizon_is_forgotten_when_room_is_needed() -> None:
    log = Successes(max_entries=10)
    for number in range(10):
        log.add("a", START_MS + number)
    log.add("b", START_MS + HORIZON_MS + 100)
    assert list(log.instants) == [START_MS + HORIZON_MS + 100]
    assert log.shares(1440.0, POOL, START_MS + HORIZON_MS + 100) == [0, 1, 0]


def test_windows_that_nobody_asks_for_any_more_do_not_pile_up() -> None:
    log = Successes()
    log.add("a", START_MS)
    for minutes in range(1, 50):
        assert log.shares(float(minutes), POOL, START_MS) == [1, 0, 0]
    assert len(log.state()["windows"]) == MAX_WINDOWS


def finished(number: int, project: str, attempt: AttemptFinished, at_ms: int = START_MS, **more: Any) -> RequestFinished:
    return RequestFinished(
        id=f"{number:032x}", at_ms=at_ms, project=project, token="t", revision="r", status="success", http_status=200,
        attempts=(attempt,), **more,
    )  # fmt: skip


def success(model: str, ended_ms: float = 0) -> AttemptFinished:
    return AttemptFinished(model=model, provider="p", status="success", ended_ms=ended_ms)


def test_projects_are_forgotten_longest_idle_first() -> None:
    statistics = Statistics()
    for number in range(stats.MAX_PROJECTS + 10):
        statistics.fold(finished(number, f"p{number}", success("a", number)))
        statistics.fold(finished(10**6 + number, "busy", success("b", number)))
    now = START_MS + 10_000
    assert statistics.successes("busy", 1440.0, POOL, now) == [0, stats.MAX_PROJECTS + 10, 0]
    assert statistics.successes("p0", 1440.0, POOL, now) == [0, 0, 0]
    assert statistics.successes(f"p{stats.MAX_PROJECTS}", 1440.0, POOL, now) == [1, 0, 0]
    assert len(statistics.state()["successes"]) == stats.MAX_PROJECTS


def test_a_project_idle_for_a_day_leaves_the_checkpoint() -> None:
    statistics = Statistics()
    statistics.fold(finished(1, "old", success("a")))
    statistics.fold(finished(2, "new", success("a"), START_MS + HORIZON_MS + 1))
    assert set(statistics.state()["successes"]) == {"new"}


def test_calls_that_policies_make_are_records_as_any_other() -> None:
    statistics = Statistics()
    statistics.fold(finished(1, "p", success("a"), call_type="routing"))
    assert statistics.counts(1.0, POOL, START_MS) == [1, 0, 0]
    assert statistics.successes("p", 60.0, POOL, START_MS) == [1, 0, 0]


def test_rests_and_counts_survive_a_checkpoint() -> None:
    statistics = Statistics()
    rest = AttemptFinished(model="a", provider="p", status="error", http_status=429, retry_after_ms=60_000, ended_ms=5)
    statistics.fold(finished(1, "p", rest))
    statistics.fold(finished(2, "p", success("b")))
    ranking = Ranking(CANDIDATES, [RateLimit(max_calls=1), Fairness()])
    before = ranking.decide(Facts(), statistics, START_MS + 9, project="p")
    assert before.order == ("c",)
    # It ended at 5 ms, so at 9 ms 59,996 of its 60,000 ms are left.
    assert before.policies[0].inputs["a"] == {"calls": 1, "rests_ms": 59_996}
    assert "another 59996 ms" in before.policies[0].excluded["a"]
    restored = Statistics.restore(json.loads(json.dumps(statistics.state())))
    assert ranking.decide(Facts(), restored, START_MS + 9, project="p") == before
    assert restored.rests == {"a": START_MS + 5 + 60_000}
    statistics.fold(finished(3, "p", success("b"), START_MS + 70_000))
    assert statistics.state()["rests"] == {}


def test_a_checkpoint_of_another_format_is_a_first_start() -> None:
    assert Statistics.restore({"format": 1, "models": {"a": {}}}).state() == Statistics().state()


def test_the_cost_of_a_decision_does_not_grow_with_history_or_projects() -> None:
    def cost_us(requests: int, projects: int) -> float:
        statistics = Statistics()
        ranking = Ranking(CANDIDATES, [Health(), Performance(), RateLimit(), Fairness()])
        for number in range(requests):
            statistics.fold(finished(number, f"p{number % projects}", success("abc"[number % 3], number)))
        now = START_MS + requests
        ranking.decide(Facts(), statistics, now, project="p0")
        best = float("inf")
        for round_number in range(5):
            begun = time.process_time()
            for tick in range(200):
                ranking.decide(Facts(), statistics, now + 1 + round_number * 200 + tick, project="p0")
            best = min(best, (time.process_time() - begun) / 200 * 1e6)
        return best

    # The larger one is twenty times as large; a scan of it would show as such.
    assert cost_us(20_000, 1_000) < 4 * cost_us(1_000, 50) + 20
