"""Memory that statistics take is bounded, each bound where it is written: the last that fits, the first that does not."""

from __future__ import annotations

from typing import Any

import pytest

from core.events import AttemptFinished, RequestFinished
from core.routing.candidates import Candidate, Pool
from core.routing.stats import Statistics
from core.routing.successes import Successes
from core.routing.window import Cell, Window

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SPAN_MS = 86_400  # a thousandth of a day
START_MS = 20_000_000 * SPAN_MS  # where a span begins, of 86.4 s, of 172.8 s and of 345.6 s alike
POOL = Pool([Candidate(id=model, provider="p", upstream_name=model) for model in ("a", "b")])


def ended(at_ms: int, model: str = "a", status: Any = "success", project: str = "p") -> RequestFinished:
    """A request of one attempt, which ended then."""
    tried = AttemptFinished(model=model, provider="p", status=status)
    return RequestFinished(
        id=f"{at_ms}", at_ms=at_ms, project=project, token="t", revision="r", status="success", http_status=200,
        attempts=(tried,),
    )  # fmt: skip


def folded(*events: RequestFinished) -> Statistics:
    statistics = Statistics()
    for event in events:
        statistics.fold(event)
    return statistics


@pytest.mark.parametrize(("later", "counted"), [(DAY_MS, 1), (DAY_MS + 1, 0)])
def test_the_longest_window_holds_a_record_for_a_day_its_start_included(later: int, counted: int) -> None:
    statistics = folded(ended(START_MS), ended(START_MS + later, "b"))
    now = START_MS + later
    assert statistics.counts(1440.0, POOL, now) == [counted, 1]
    assert statistics.successes("p", 1440.0, POOL, now) == [counted, 1]
    assert statistics.sums(1440.0, 0.0, POOL, now).found[0].records == counted  # type: ignore[union-attr]  # it had a record


@pytest.mark.parametrize(("later", "kept"), [(DAY_MS, True), (DAY_MS + 1, False)])
def test_a_checkpoint_leaves_out_what_no_window_can_reach(later: int, kept: bool) -> None:
    state = folded(ended(START_MS, "old", project="old"), ended(START_MS + later)).state()
    assert ("old" in state["models"], "old" in state["successes"]) == (kept, kept)


@pytest.mark.parametrize(("later", "kept"), [(HOUR_MS, 1), (HOUR_MS + 1, 0)])
def test_sums_and_counts_that_nobody_reads_are_let_go_after_an_hour(later: int, kept: int) -> None:
    statistics = folded(ended(START_MS))
    statistics.sums(20.0, 5.0, POOL, START_MS)
    statistics.counts(1.0, POOL, START_MS)
    statistics.fold(ended(START_MS + later))
    state = statistics.state()
    assert (len(state["sums"]), len(state["counts"])) == (kept, kept)


def test_the_4096_projects_that_succeeded_last_are_known() -> None:
    statistics = folded(*(ended(START_MS + number, project=f"p{number}") for number in range(4096)))
    assert len(statistics.state()["successes"]) == 4096
    statistics.fold(ended(START_MS + 5_000, project="p0"))
    statistics.fold(ended(START_MS + 5_001, project="new"))
    known = statistics.state()["successes"]
    assert len(known) == 4096
    assert "p0" in known
    assert "p1" not in known


def test_what_1024_rankings_made_of_a_millisecond_is_remembered() -> None:
    statistics = Statistics()
    assert statistics.remembered("first", 5) is None
    for number in range(1025):
        statistics.remember(number, f"of {number}")
    assert statistics.remembered(1023, 5) == "of 1023"
    assert statistics.remembered(1024, 5) is None
    assert statistics.remembered(0, 6) is None


def test_what_has_left_a_window_is_given_back_once_it_is_the_larger_half_and_over_1024() -> None:
    def held(cells: int, left: int) -> int:
        window = Window(10_000)
        window.fill(Cell(START_MS + number, 1) for number in range(cells))
        window.advance(START_MS + 10_000 + left)
        assert len(window.kept()) == cells - left
        return len(window.cells)

    assert held(2049, 1025) == 1024
    assert held(2050, 1025) == 2050
    assert held(1025, 1024) == 1025
    assert held(1025, 1025) == 0


def test_a_project_keeps_4096_successes_as_they_were() -> None:
    log = Successes()
    for number in range(4096):
        log.add("a", START_MS + number)
    assert list(log.instants) == [START_MS + number for number in range(4096)]
    log.add("a", START_MS + 4096)
    # 2,048 of 4,097 are the older half; all within a span join the first one.
    assert list(log.instants) == [START_MS, *(START_MS + number for number in range(2048, 4097))]


def test_no_more_than_four_windows_of_a_project_are_kept_and_the_first_one_goes() -> None:
    log = Successes()
    log.add("a", START_MS)
    for minutes in (1.0, 2.0, 3.0, 4.0, 5.0):
        log.shares(minutes, POOL, START_MS)
    assert [minutes for minutes, _ in log.state()["windows"]] == [2.0, 3.0, 4.0, 5.0]


def entries(log: Successes) -> dict[int, int]:
    """How many successes a log has at which second."""
    return {(at_ms - START_MS) // 1000: count for at_ms, _, count in log.state()["entries"]}


THINNED = [
    # (of 8 that fit, the seconds of the older 4 of 9 successes, and of the newer 5, which stay as they are). Six stay, three
    # quarters of 8: the older ones come to 1.
    ("all of one span join the first", [0, 20, 40, 86], [200, 210, 220, 230, 240]),
    ("of two spans, in one of twice the length", [0, 20, 40, 87], [200, 210, 220, 230, 240]),
    ("of four, in one of four times", [0, 90, 180, 340], [500, 510, 520, 530, 540]),
]


@pytest.mark.parametrize(("older", "newer"), [row[1:] for row in THINNED], ids=[row[0] for row in THINNED])
def test_a_full_log_joins_its_older_half_in_spans_as_short_as_the_bound_allows(older: list[int], newer: list[int]) -> None:
    log = Successes(max_entries=8)
    for second in (*older, *newer):
        log.add("a", START_MS + second * 1000)
    assert entries(log) == {older[0]: 4, **dict.fromkeys(newer, 1)}


LARGER = [
    # (of 16 that fit, the seconds of the older 8 of 17, what they come to, with room for 3 beside the newer 9)
    ("three spans fit", [0, 10, 90, 100, 180, 190, 200, 210], {0: 2, 90: 2, 180: 4}),
    ("four do not, and come to two of twice the length", [0, 10, 90, 100, 180, 190, 270, 280], {0: 4, 180: 4}),
]


@pytest.mark.parametrize(("older", "joined"), [row[1:] for row in LARGER], ids=[row[0] for row in LARGER])
def test_a_larger_log_keeps_three_quarters_of_what_fits(older: list[int], joined: dict[int, int]) -> None:
    log = Successes(max_entries=16)
    newer = range(1000, 1090, 10)
    for second in (*older, *newer):
        log.add("a", START_MS + second * 1000)
    assert entries(log) == {**joined, **dict.fromkeys(newer, 1)}


@pytest.mark.parametrize(("gone", "joined"), [(5, 1), (4, 6)])
def test_where_three_quarters_are_left_within_a_day_nothing_is_joined(gone: int, joined: int) -> None:
    log = Successes(max_entries=16)
    day = DAY_MS // 1000
    for second in (*range(gone), *range(day + 10, day + 10 + 17 - gone)):
        log.add("a", START_MS + second * 1000)
    assert list(entries(log).values()) == [joined, *[1] * (17 - gone - joined)]


def test_a_success_of_a_day_ago_is_not_past_the_horizon() -> None:
    log = Successes(max_entries=4)
    day = DAY_MS // 1000
    for second in (0, day - 3, day - 2, day - 1, day):
        log.add("a", START_MS + second * 1000)
    assert sum(log.shares(1440.0, POOL, START_MS + day * 1000)) == 5


def test_successes_of_one_instant_and_model_are_one_entry() -> None:
    log = Successes()
    for model, at_ms in (("b", 1), ("a", 5), ("a", 5), ("b", 1), ("b", 5), ("a", 9), ("b", 5)):
        log.add(model, START_MS + at_ms)
    assert [(at_ms - START_MS, number, count) for at_ms, number, count in log.state()["entries"]] == [
        (1, 0, 2), (5, 1, 2), (5, 0, 2), (9, 1, 1),
    ]  # fmt: skip


def test_successes_of_two_models_do_not_join() -> None:
    log = Successes(max_entries=8)
    for second in range(9):
        log.add("ab"[second % 2], START_MS + second * 1000)
    # Two of each model are the older half. Joined they are two, one more than there is room for, however long the span.
    assert [count for _, _, count in log.state()["entries"]] == [2, 2, 1, 1, 1, 1, 1]
    assert log.shares(1.0, POOL, START_MS + 9_000) == [5, 4]
