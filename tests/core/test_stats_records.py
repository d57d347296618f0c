"""What counts as which record, to the millisecond, and what a checkpoint holds."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from core.events import AttemptFinished, RequestFinished
from core.routing.candidates import Candidate, Pool
from core.routing.series import HORIZON_MS
from core.routing.stats import Statistics
from core.routing.window import Aggregate, Cell, Decay

START_MS = 1_795_424_460_123
POOL = Pool([Candidate(id=model, provider="p", upstream_name=model) for model in ("a", "b")])


def ended(at_ms: int, model: str = "a", status: Any = "success", **figures: Any) -> RequestFinished:
    """A request of one attempt, which ended then."""
    tried = AttemptFinished(model=model, provider="p", status=status, **figures)
    return RequestFinished(
        id=f"{at_ms}", at_ms=at_ms, project="p", token="t", revision="r", status="success", http_status=200, attempts=(tried,)
    )


def test_a_clock_that_went_back_makes_no_time_below_none() -> None:
    statistics = Statistics()
    statistics.fold(ended(START_MS, started_ms=9, ended_ms=7, first_content_ms=4))
    [known] = statistics.sums(1.0, 0.0, Pool(POOL.candidates[:1]), START_MS + 8).found
    assert known is not None
    assert known.averaged() == ({"mean_ms": 0.0, "samples": 1}, {"mean_ms": 0.0, "samples": 1})


def test_times_are_kept_to_the_microsecond() -> None:
    statistics = Statistics()
    statistics.fold(ended(START_MS, started_ms=1.5, ended_ms=11.0015, first_content_ms=4.25))
    [known] = statistics.sums(1.0, 0.0, Pool(POOL.candidates[:1]), START_MS + 12).found
    assert known is not None
    assert known.averaged() == ({"mean_ms": 2.75, "samples": 1}, {"mean_ms": 9.502, "samples": 1})


OWN = [
    ("error", 400, 0), ("error", 413, 0), ("error", 422, 0), ("error", 401, 1), ("error", 412, 1), ("error", 414, 1),
    ("error", 421, 1), ("error", 423, 1), ("error", 399, 1), ("error", 429, 1), ("error", 500, 1), ("error", None, 1),
    ("timeout", None, 1), ("cancelled", None, 0), ("success", 200, 1),
]  # fmt: skip


@pytest.mark.parametrize(("status", "http_status", "records"), OWN)
def test_the_requests_own_faults_and_what_was_cancelled_are_no_record(
    status: Any, http_status: int | None, records: int
) -> None:
    statistics = Statistics()
    statistics.fold(ended(START_MS, status=status, http_status=http_status))
    assert statistics.counts(1.0, POOL, START_MS) == [records, 0]


def test_what_waits_is_counted_oldest_first_whatever_ended_first() -> None:
    states = []
    for order in permutations((0, 10_000, 20_000, 30_000)):
        statistics = Statistics(max_instants=3)
        for at in order:
            statistics.fold(ended(START_MS + at))
        states.append(statistics.state())
    assert all(state == states[0] for state in states)
    # The fourth instant does not fit, and joins the one before it, which is less than a thousandth of a day away.
    assert [cell[0] - START_MS for cell in states[0]["models"]["a"]["cells"]] == [0, 10_000, 20_000]


def test_no_more_records_wait_than_may() -> None:
    statistics = Statistics()
    for number in range(256):
        statistics.fold(ended(START_MS + number))
    assert len(statistics._waiting) == 256
    statistics.fold(ended(START_MS + 256))
    assert statistics._waiting == []


def test_a_checkpoint_is_made_of_these_plain_values() -> None:
    """The next process reads it, maybe of a later version: a change here needs another STATE_FORMAT."""
    statistics = Statistics()
    statistics.fold(ended(START_MS, "a", started_ms=1, ended_ms=5, first_content_ms=3))
    rest = ended(START_MS, "b", "error", http_status=429, retry_after_ms=1_000, ended_ms=7)
    statistics.fold(rest)
    handle = statistics.begin("a", START_MS)
    statistics.end(handle, "open", START_MS, "p", AttemptFinished(model="a", provider="p", status="cancelled", ended_ms=9))
    statistics.sums(1.0, 0.5, POOL, START_MS + 10)
    statistics.counts(2.0, POOL, START_MS + 10)
    statistics.successes("p", 60.0, POOL, START_MS + 10)
    assert statistics.state() == {
        "format": 2,
        "models": {
            "a": {"cells": [(START_MS + 5, 0, 1, 4_000, 1, 2_000)], "merged": False, "newest": (-1, START_MS + 5)},
            "b": {"cells": [(START_MS + 7, 1, 0, 0, 0, 0)], "merged": False, "newest": (START_MS + 7, -1)},
        },
        "sums": [
            {
                "window_minutes": 1.0,
                "half_life_minutes": 0.5,
                "read_at_ms": START_MS + 10,
                "models": {"a": (START_MS - 59_990, None), "b": (START_MS - 59_990, None)},
            }
        ],
        "counts": [
            {
                "window_minutes": 2.0,
                "read_at_ms": START_MS + 10,
                "models": {"a": (START_MS - 119_990, None), "b": (START_MS - 119_990, None)},
            }
        ],
        "successes": {"p": {"names": ["a"], "entries": [(START_MS + 5, 0, 1)], "windows": [(60.0, START_MS + 10 - 3_600_000)]}},
        "rests": {"b": START_MS + 7 + 1_000},
        "counted": {"open": (1, START_MS)},
    }


def test_a_late_record_joins_the_one_before_it_up_to_a_thousandth_of_the_window() -> None:
    def instants(late: int) -> list[int]:
        known = Aggregate(1_000_000, 0, max_instants=3)
        for at in (0, 2_000, 9_000, late):
            known.add(Cell(START_MS + at, 1))
        return [cell.at_ms - START_MS for cell in known.kept()]

    assert instants(3_000) == [0, 2_000, 9_000]
    assert instants(3_001) == [0, 2_000, 3_001, 9_000]


def test_the_newest_record_joins_the_one_before_it_up_to_a_thousandth_of_the_window() -> None:
    def instants(newest: int) -> list[int]:
        known = Aggregate(1_000_000, 0, max_instants=3)
        for at in (0, 2_000, 9_000, newest):
            known.add(Cell(START_MS + at, 1))
        return [cell.at_ms - START_MS for cell in known.kept()]

    assert instants(10_000) == [0, 2_000, 9_000]
    assert instants(10_001) == [0, 2_000, 9_000, 10_001]


def test_records_of_one_instant_are_one_cell_however_late_they_come() -> None:
    known = Aggregate(1_000_000, 0)
    for at in (0, 10, 20, 10, 0, 20):
        known.add(Cell(START_MS + at, 1))
    assert [(cell.at_ms - START_MS, cell.errors) for cell in known.kept()] == [(0, 2), (10, 2), (20, 2)]


@pytest.mark.parametrize(("at", "counted"), [(0, 3), (-1, 2)])
def test_a_late_record_counts_from_the_windows_start_on(at: int, counted: int) -> None:
    known = Aggregate(1_000, 0)
    known.add(Cell(START_MS + 500, 1))
    known.add(Cell(START_MS + 900, 1))
    known.advance(START_MS + 1_000)
    known.add(Cell(START_MS + at, 1))
    assert known.records == counted


@pytest.mark.parametrize(("at", "counted"), [(0, 1), (-1, 0)])
def test_so_does_the_first_record_of_an_empty_window(at: int, counted: int) -> None:
    known = Aggregate(1_000, 0)
    known.advance(START_MS + 1_000)
    known.add(Cell(START_MS + at, 1))
    known.fill([Cell(START_MS + at + 1, 1)])
    assert known.records == counted + 1


def test_a_half_life_halves_and_none_does_not() -> None:
    for half_life, expected in ((1_000, (0.25, 1.25)), (0, (1.0, 2.0))):
        known = Aggregate(60_000, half_life)
        known.add(Cell(START_MS, 1))
        known.add(Cell(START_MS + 2_000, 0, 1))
        assert known.weighted(Decay(half_life, START_MS + 2_000)) == expected


def test_a_request_begun_a_day_before_the_last_is_forgotten_by_a_restart() -> None:
    statistics = Statistics()
    cancelled = AttemptFinished(model="a", provider="p", status="cancelled")
    for id, at_ms in (("gone", START_MS - 1), ("kept", START_MS), ("last", START_MS + HORIZON_MS)):
        statistics.end(statistics.begin("a", at_ms), id, at_ms, "p", cancelled)
    assert set(Statistics.restore(statistics.state()).state()["counted"]) == {"kept", "last"}
