"""Counts in windows against slow models of them: nothing lost, nothing counted twice, whatever the clock does."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.fields import LimitRule, RollingWindow
from core.limits import Effective, Record, Scope, new_usage, used_by
from core.limits.amounts import CALLS, COST, TOTAL, Amounts
from core.limits.rolling import KEPT_SWEEPS, MAX_INSTANTS, RollingUsage
from core.limits.usage import CalendarUsage

LENGTH = 1_000
NOTHING: Amounts = (0, 0, 0, 0, 0)


def one(cost: int = 1) -> Amounts:
    return (cost, 1, 2, 3, 5)


def used_between(records: list[tuple[int, int]], first: int, last: int) -> int:
    return sum(cost for at, cost in records if first <= at <= last)


def fullest(records: list[tuple[int, int]], at: int, length: int) -> int:
    """The largest sum over any window that holds the instant."""
    ends = {at, *(other for other, _ in records if at < other <= at + length)}
    return max(used_between(records, end - length, end) for end in ends)


def test_a_use_leaves_a_rolling_window_a_millisecond_after_its_length() -> None:
    usage = new_usage(LENGTH, 0, complete=True)
    usage.add(5_000, one(), NOTHING)
    assert usage.held(5_000 + LENGTH, CALLS) == 1
    assert usage.ends_ms(5_500, CALLS, 0) == 5_000 + LENGTH + 1
    assert usage.held(5_000 + LENGTH + 1, CALLS) == 0


def test_a_window_ends_when_enough_has_left_it() -> None:
    usage = new_usage(LENGTH, 0, complete=True)
    for at in (5_000, 5_100, 5_200):
        usage.add(at, one(10), NOTHING)
    assert usage.ends_ms(5_300, COST, 30) == 5_300
    assert usage.ends_ms(5_300, COST, 29) == 6_001
    assert usage.ends_ms(5_300, COST, 10) == 6_101
    assert usage.ends_ms(5_300, COST, 0) == 6_201
    assert usage.ends_ms(5_300, COST, -1) is None


def test_a_calendar_window_ends_at_its_reset_and_a_need_above_the_value_never() -> None:
    usage = new_usage("hourly", 0, complete=True)
    usage.add(3_600_000, one(), NOTHING)
    assert usage.ends_ms(3_600_001, CALLS, 0) == 7_200_000
    assert usage.ends_ms(3_600_001, CALLS, -1) is None


@pytest.mark.parametrize("window", ["daily", LENGTH])
def test_a_settlement_changes_the_window_of_the_admission_and_no_later_one(window: Any) -> None:
    usage = new_usage(window, 0, complete=True)
    admitted, later = 1_000, 86_400_000 + 1_000
    usage.add(admitted, one(9), one(9))
    assert usage.held(later, COST) == 0
    usage.add(admitted, (4 - 9, 0, 0, 0, 0), (-9, -1, -2, -3, -5))
    assert usage.held(later, COST) == 0
    assert usage.used(admitted, COST) == usage.held(admitted, COST) == 4


STEPS = st.lists(st.tuples(st.integers(-700, 1_500), st.integers(0, 9), st.booleans(), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_a_rolling_window_is_exact_whatever_the_clock_does(steps: list[tuple[int, int, bool, bool]]) -> None:
    usage = RollingUsage(LENGTH, 0, True)
    held: list[tuple[int, int]] = []
    used: list[tuple[int, int]] = []
    now = 100_000
    for step, cost, reserved, looked in steps:
        now += step
        if looked:  # else it is added where nobody has looked yet, or not for long
            check_figures(usage, now, held, used)
        figures = figures_of(cost)
        usage.add(now, figures, figures if reserved else NOTHING)
        held.append((now, cost))
        if not reserved:
            used.append((now, cost))
    restored = RollingUsage(LENGTH, 0, True)
    restored.restore(json.loads(json.dumps(usage.state())))
    for at in (now, now + 300, now - 300):
        check_figures(usage, at, held, used)
        check_figures(restored, at, held, used)


def figures_of(cost: int) -> Amounts:
    return (cost, 2 * cost, 3 * cost, 5 * cost, 8 * cost)


def check_figures(usage: RollingUsage, at: int, held: list[tuple[int, int]], used: list[tuple[int, int]]) -> None:
    both, without = figures_of(fullest(held, at, LENGTH)), figures_of(fullest(used, at, LENGTH))
    assert tuple(usage.held(at, metric) for metric in range(5)) == both
    assert tuple(usage.held_then(at, metric) for metric in range(5)) == both
    assert tuple(usage.used(at, metric) for metric in range(5)) == without


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=80), st.integers(1, 20))
def test_instants_in_any_order_are_all_counted_in_few_cells(instants: list[int], most: int) -> None:
    length = 100_000
    usage = RollingUsage(length, 0, True, max_instants=most)
    for at in instants:
        usage.held(10_000, COST)
        usage.add(at, one(), one())
    assert usage.held(10_000, COST) == len(instants)
    for at in instants:
        usage.add(at, (-1, -1, -2, -3, -5), (-1, -1, -2, -3, -5))
    assert usage.held(10_000, COST) == usage.used(10_000, COST) == 0
    assert not any(any(cell[1:]) for cell in usage.state()["cells"])
    # Beyond `most` a further cell is at least a thousandth of the window from its neighbours, so there is room for few.
    assert len(usage.state()["ats"]) <= most + 2_000 // 100 + 1
    distinct = len(set(instants))
    assert len(usage.state()["ats"]) == distinct if distinct <= most else len(usage.state()["ats"]) >= most


def test_the_first_instant_too_many_joins_its_neighbour_and_one_less_does_not() -> None:
    for count, cells in ((3, 3), (4, 3)):
        usage = RollingUsage(100_000, 0, True, max_instants=3)
        for at in range(1_000, 1_000 + count):
            usage.held(at, COST)
            usage.add(at, one(), NOTHING)
        assert len(usage.state()["ats"]) == cells
    assert usage.state()["ats"] == [1_000, 1_001, 1_003]
    usage.add(900, one(), NOTHING)  # exactly a thousandth of the window before its later neighbour
    assert usage.state()["ats"] == [1_000, 1_001, 1_003]
    usage.add(899, one(), NOTHING)
    assert usage.state()["ats"] == [899, 1_000, 1_001, 1_003]


def test_when_a_window_ends_what_is_reserved_does_not_count() -> None:
    usage = new_usage(LENGTH, 0, complete=True)
    usage.add(5_000, one(10), one(10))
    usage.add(5_100, one(10), (4, 0, 0, 0, 0))
    assert usage.ends_ms(5_300, COST, 6) == 5_300
    assert usage.ends_ms(5_300, COST, 5) == 6_101
    assert usage.ends_ms(5_300, TOTAL, 5) == 5_300
    assert usage.ends_ms(5_300, TOTAL, 4) == 6_101


def test_a_counter_that_was_let_go_is_begun_anew_when_it_is_needed() -> None:
    usage = new_usage("hourly", 0, complete=True)
    usage.add(1_000, one(), NOTHING)
    for number in range(1, 4):
        usage.sweep(10**9, kept_sweeps=2)
        assert usage.empty == (number == 3)
    usage.add(1_001, one(), NOTHING)
    assert not usage.empty
    assert usage.held(1_000, CALLS) == 1


def test_cells_that_left_stay_for_two_rounds_of_sweeps() -> None:
    usage = new_usage(LENGTH, 0, complete=True)
    usage.add(1_000, one(), NOTHING)
    for number in range(1, 7):
        usage.sweep(10**9, kept_sweeps=2)
        assert usage.empty == (number == 6), number


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=120), st.integers(1, 30))
def test_beyond_its_instants_use_leaves_late_by_a_thousandth_at_most(steps: list[tuple[int, int]], most: int) -> None:
    length = 20_000
    usage = RollingUsage(length, 0, True, max_instants=most)
    records: list[tuple[int, int]] = []
    now = 100_000
    for step, cost in steps:
        now += step
        usage.add(now, one(cost), NOTHING)
        records.append((now, cost))
    for later in range(now, now + length + 2 * 40, 397):
        held = usage.held(later, COST)
        assert used_between(records, later - length, later) <= held
        assert held <= used_between(records, later - length - length // 1000, later)
    assert usage.held(now + length + length // 1000 + 1, COST) == 0


def test_up_to_4096_instants_nothing_merges_and_beyond_memory_stays_bounded() -> None:
    length = 1_000_000
    usage = RollingUsage(length, 0, True)
    for at in range(MAX_INSTANTS):
        usage.add(at, one(), NOTHING)
        usage.held(at, COST)
    assert len(usage.state()["ats"]) == MAX_INSTANTS == 4_096
    assert usage.held(length + 1, COST) == MAX_INSTANTS - 1
    for at in range(MAX_INSTANTS, 30_000):
        usage.add(at, one(), NOTHING)
        usage.held(at, COST)
    assert len(usage.state()["ats"]) <= MAX_INSTANTS + 1_000
    assert usage.held(30_000, COST) == 30_000


def test_a_settlement_finds_the_cell_that_its_reserve_was_merged_into() -> None:
    usage = RollingUsage(100_000, 0, True, max_instants=2)
    for at in range(1_000, 1_060, 7):
        usage.add(at, one(10), one(10))
    usage.add(1_007, (-4, 0, 0, 0, 0), (-10, -1, -2, -3, -5))
    assert usage.held(1_060, COST) == 9 * 10 - 4
    assert usage.used(1_060, COST) == 6
    assert usage.held(1_060 + 100_000 + 100 + 1, COST) == 0


def test_a_clock_that_was_wrong_for_less_than_an_hour_of_sweeps_has_lost_nothing() -> None:
    usages = [new_usage("hourly", 0, complete=True), new_usage(LENGTH, 0, complete=True)]
    for usage in usages:
        usage.add(7_200_500, one(), NOTHING)
        for _ in range(700):
            usage.sweep(10**12)
        assert usage.held(10**12, CALLS) == 0
        assert usage.held(7_200_500, CALLS) == 1


@pytest.mark.parametrize("window", ["hourly", LENGTH])
def test_what_is_over_for_an_hour_of_sweeps_is_let_go_but_for_what_is_reserved(window: Any) -> None:
    usage = new_usage(window, 0, complete=True)
    usage.add(1_000, one(), NOTHING)
    usage.add(1_001, one(), one())
    for _ in range(2_200):
        usage.sweep(10**9)
    assert not usage.empty
    usage.add(1_001, NOTHING, (-1, -1, -2, -3, -5))
    for _ in range(2_200):
        usage.sweep(10**9)
    assert usage.empty


def test_cells_that_left_are_bounded_however_many_there_were() -> None:
    usage = RollingUsage(10, 0, True)
    for at in range(0, 200_000, 2):
        usage.held(at, COST)
        usage.add(at, one(), NOTHING)
    assert len(usage.state()["ats"]) <= MAX_INSTANTS + 256 + 10


@pytest.mark.parametrize("window", ["daily", LENGTH])
def test_an_opening_balance_replaces_what_was_used_and_keeps_what_is_reserved(window: Any) -> None:
    usage = new_usage(window, 5_000, complete=False)
    assert usage.pending(5_100)
    usage.add(5_050, one(7), one(7))
    usage.add(5_060, one(2), NOTHING)
    usage.replace_used(5_100, [(4_500, one(100)), (5_060, one(2)), (-90_000_000, one(1_000))])
    assert not usage.pending(5_100)
    assert usage.used(5_100, COST) == 102
    assert usage.held(5_100, COST) == 109
    assert [usage.held(5_100, metric) - usage.used(5_100, metric) for metric in range(5)] == list(one(7))


def test_a_window_that_began_after_its_count_is_known_whole() -> None:
    daily, rolling = CalendarUsage("daily", 5_000, False), RollingUsage(LENGTH, 5_000, False)
    assert daily.pending(86_399_999)
    assert not daily.pending(86_400_000)
    assert rolling.pending(5_999)
    assert not rolling.pending(6_000)


@pytest.mark.parametrize(
    ("scope", "window", "metric", "used"),
    [
        (Scope(), "daily", "calls", 4),
        (Scope("p"), "daily", "calls", 3),
        (Scope("p", "t"), "daily", "calls", 2),
        (Scope("", "", "m"), "daily", "calls", 3),
        (Scope("p", "", "m"), "daily", "total_tokens", 2 * 12),
        (Scope("p", "t", "m"), "daily", "cost", 5),
        (Scope(), RollingWindow(rolling=10, unit="seconds"), "calls", 3),
        (Scope(), RollingWindow(rolling=9, unit="seconds"), "calls", 2),
    ],
)
def test_records_are_added_up_by_scope_and_window(scope: Scope, window: Any, metric: Any, used: int) -> None:
    now = 86_400_000 + 20_000

    def record(age: int, project: str, token: str, model: str) -> Record:
        return Record(at_ms=now - age, project=project, token=token, model=model, cost=5, input_tokens=10, output_tokens=2)

    records = [
        record(0, "p", "t", "m"),
        record(1, "p", "u", "m"),
        record(10_000, "p", "t", "n"),
        record(20_000, "q", "t", "m"),
        record(20_001, "p", "t", "m"),
        record(-1, "p", "t", "m"),
    ]
    rule = LimitRule(metric=metric, window=window, value=Decimal(1))
    assert used_by(records, Effective(scope, rule), now) == used


def test_a_scope_keeps_4096_instants_and_what_is_over_for_an_hour_of_checkpoints_every_5_seconds() -> None:
    assert (MAX_INSTANTS, KEPT_SWEEPS) == (4_096, 3_600 // 5)


@pytest.mark.parametrize(
    ("second", "left"),
    [
        # The window is 1,000,000 ms and one instant may be kept: a second one within a thousandth of it, 1,000 ms, is joined
        # with the first, and both leave with the later one.
        (5_001_000, 2),
        (5_001_001, 1),
        (4_999_000, 2),
        (4_998_999, 1),
    ],
)
def test_beyond_the_instants_that_are_kept_neighbours_within_a_thousandth_of_the_window_are_joined(
    second: int, left: int
) -> None:
    length = 1_000_000
    usage = RollingUsage(length, 0, True, max_instants=1)
    assert usage.held(5_000_000, CALLS) == 0
    usage.add(5_000_000, one(), NOTHING)
    usage.add(second, one(), NOTHING)
    assert usage.held(5_001_500, CALLS) == 2
    assert usage.held(min(5_000_000, second) + length + 1, CALLS) == left
    assert usage.held(max(5_000_000, second) + length, CALLS) == left
    assert usage.held(max(5_000_000, second) + length + 1, CALLS) == 0
