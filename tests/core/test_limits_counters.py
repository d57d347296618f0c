"""Counters at their edges: every figure begins at nothing, a window's last millisecond is not the next one's first."""

from __future__ import annotations

from typing import Any

import pytest

from core.limits import new_usage
from core.limits.amounts import METRICS, NOTHING, amounts

HOUR_MS = 3_600_000
USED = amounts(7, 1, 20, 300)


def test_nothing_is_nothing_of_each_metric() -> None:
    assert (0,) * len(METRICS) == NOTHING
    assert USED == (7, 1, 20, 300, 320)


@pytest.mark.parametrize("window", ["daily", HOUR_MS])
def test_a_count_begins_named_by_no_revision_and_never_written(window: Any) -> None:
    usage = new_usage(window, 5, complete=False)
    assert (usage.since_ms, usage.complete, usage.generation, usage.idle, usage.encoded) == (5, False, 0, 0, None)


@pytest.mark.parametrize("window", ["hourly", "yearly", 1_000])
@pytest.mark.parametrize("metric", range(len(METRICS)))
def test_each_figure_begins_at_nothing_and_is_counted_in_its_own_place(window: Any, metric: int) -> None:
    usage = new_usage(window, 0, complete=True)
    assert (usage.held(HOUR_MS, metric), usage.used(HOUR_MS, metric)) == (0, 0)
    usage.add(HOUR_MS, USED, NOTHING)
    usage.add(HOUR_MS, USED, USED)
    assert (usage.held(HOUR_MS, metric), usage.used(HOUR_MS, metric)) == (2 * USED[metric], USED[metric])


@pytest.mark.parametrize("looked", [True, False])
def test_the_last_millisecond_of_an_hour_is_not_the_first_of_the_next(looked: bool) -> None:
    usage = new_usage("hourly", 0, complete=True)
    usage.add(HOUR_MS, USED, NOTHING)
    for at, known in ((2 * HOUR_MS - 1, 7), (2 * HOUR_MS, 0), (HOUR_MS - 1, 0), (HOUR_MS, 7)):
        assert usage.held(at, 0) == known
        assert usage.used(at, 0) == known
        if looked:
            assert usage.held(HOUR_MS, 0) == 7
    usage.add(2 * HOUR_MS, USED, NOTHING)
    assert [usage.held(at, 0) for at in (HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS)] == [7, 7, 0]


def test_a_rolling_window_counts_before_anybody_has_looked() -> None:
    usage = new_usage(1_000, 0, complete=True)
    usage.add(0, USED, NOTHING)
    usage.add(5, USED, USED)
    assert (usage.held(0, 0), usage.used(0, 0)) == (14, 7)
    assert usage.held(5, 0) == 14


@pytest.mark.parametrize(("since_ms", "pending"), [(HOUR_MS - 1, False), (HOUR_MS, False), (HOUR_MS + 1, True)])
def test_a_calendar_count_that_began_after_its_window_may_miss_something(since_ms: int, pending: bool) -> None:
    usage = new_usage("hourly", since_ms, complete=False)
    assert usage.pending(HOUR_MS + 5) == pending
    assert not new_usage("hourly", since_ms, complete=True).pending(HOUR_MS + 5)


def test_what_was_used_before_replaces_what_is_used_and_keeps_what_is_reserved() -> None:
    usage = new_usage("hourly", HOUR_MS + 1, complete=False)
    usage.add(HOUR_MS + 2, USED, USED)
    usage.add(HOUR_MS + 2, USED, NOTHING)
    hour = [(HOUR_MS - 1, USED), (HOUR_MS, USED), (2 * HOUR_MS - 1, USED), (2 * HOUR_MS, USED)]
    usage.replace_used(HOUR_MS + 5, hour)
    assert (usage.used(HOUR_MS + 5, 0), usage.held(HOUR_MS + 5, 0)) == (14, 21)
    assert not usage.pending(HOUR_MS + 5)


def test_the_clock_may_go_back_to_a_windows_last_instant() -> None:
    usage = new_usage(HOUR_MS, 0, complete=True)
    first = 100 * HOUR_MS
    usage.add(first, USED, NOTHING)
    assert [usage.held(first + HOUR_MS + later, 1) for later in (0, 1, 0, 1)] == [1, 0, 1, 0]


@pytest.mark.parametrize(("apart", "together"), [(HOUR_MS, 2), (HOUR_MS + 1, 1)])
def test_a_past_instants_fullest_window_holds_both_of_its_ends(apart: int, together: int) -> None:
    usage = new_usage(HOUR_MS, 0, complete=True)
    first = 100 * HOUR_MS
    for at_ms in (first, first + apart):
        usage.add(at_ms, USED, NOTHING)
    assert usage.held_then(first, 1) == together
    assert usage.held_then(first + apart, 1) == together


def test_after_the_clock_went_back_what_lies_beyond_a_windows_length_ends_nothing() -> None:
    """Two uses ten windows apart: at the first, that one alone has to leave; at the second, that one."""
    usage = new_usage(HOUR_MS, 0, complete=True)
    first, second = 100 * HOUR_MS, 110 * HOUR_MS
    for at_ms in (first, second):
        usage.add(at_ms, USED, NOTHING)
    for now_ms in (second, first, second, first + 1):
        at_ms = first if now_ms < second else second
        assert usage.ends_ms(now_ms, 1, 0) == at_ms + HOUR_MS + 1
        assert usage.held(now_ms, 1) == 1
