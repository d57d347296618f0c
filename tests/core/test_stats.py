"""Statistics: the live path, a replay and a checkpoint agree exactly, windows are exact, memory and time are bounded."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import AttemptFinished, RequestFinished
from core.facts import Facts
from core.routing.candidates import Candidate, Pool
from core.routing.engine import decide
from core.routing.policies import Health, Performance
from core.routing.stats import HORIZON_MS, UNUSED_MS, Statistics
from core.routing.window import Aggregate, Cell, Decay

START_MS = 1_795_424_460_123
MODELS = ("a", "b")
CANDIDATES = [Candidate(id=model, provider="p", upstream_name=model) for model in MODELS]
POOL = Pool(CANDIDATES)
PARAMETERS = ((20.0, 5.0), (1.0, 0.0), (0.05, 0.01), (1440.0, 5.0))
STATUSES = st.sampled_from(["success", "success", "error", "timeout", "cancelled", "skipped"])


def attempt(model: str, status: Any, started_ms: float, ended_ms: float, first_ms: float | None = None) -> AttemptFinished:
    return AttemptFinished(
        model=model, provider="p", status=status, started_ms=started_ms, ended_ms=ended_ms, first_content_ms=first_ms
    )


def finished(number: int, at_ms: int, attempts: list[AttemptFinished]) -> RequestFinished:
    return RequestFinished(
        id=f"{number:032x}", at_ms=at_ms, project="p", token="t", revision="r", status="success", http_status=200,
        attempts=tuple(attempts),
    )  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> list[RequestFinished]:
    """Requests that overlap: up to three attempts each, one after another."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        clock = 0.0
        attempts = []
        for _ in range(draw(st.integers(0, 3))):
            begun, clock = clock, clock + draw(st.floats(0, 5_000))
            first = draw(st.none() | st.just((begun + clock) / 2))
            attempts.append(attempt(draw(st.sampled_from(MODELS)), draw(STATUSES), begun, clock, first))
        found.append(finished(number, START_MS + draw(st.integers(0, 20_000)), attempts))
    return found


def seen(statistics: Statistics, now_ms: int) -> list[Any]:
    """Everything that a policy can read, exactly."""
    figures: list[Any] = []
    for window, half_life in PARAMETERS:
        sums = statistics.sums(window, half_life, POOL, now_ms)
        for model, known in zip(MODELS, sums.found, strict=True):
            if known is not None and known.records:
                counts = (known.records, known.successes, known.timed)
                figures.append((model, *counts, known.weighted(sums.decay), known.averaged()))
                figures.append(statistics.failed_last(model))
        figures.append(statistics.counts(window, POOL, now_ms))
        figures += [statistics.successes(project, window, POOL, now_ms) for project in ("p", "q")]
    return figures


def timeline(events: list[RequestFinished]) -> list[tuple[float, int, RequestFinished, AttemptFinished | None]]:
    """What happens one after another: each attempt's end, then its request's."""
    happenings: list[tuple[float, int, RequestFinished, AttemptFinished | None]] = []
    for event in events:
        ends = [event.at_ms + tried.ended_ms for tried in event.attempts]
        happenings += [(end, 0, event, tried) for end, tried in zip(ends, event.attempts, strict=True)]
        happenings.append((max(ends, default=event.at_ms), 1, event, None))
    return sorted(happenings, key=lambda happening: (happening[0], happening[1]))


def live(statistics: Statistics, happening: tuple[float, int, RequestFinished, AttemptFinished | None]) -> None:
    """What the proxy does: report an attempt when it ends, fold the event when the request does."""
    _, _, event, tried = happening
    if tried is None:
        statistics.fold(event)
    elif tried.status != "skipped":
        handle = statistics.begin(tried.model, event.at_ms + round(tried.started_ms))
        statistics.end(handle, event.id, event.at_ms, event.project, tried)


@given(requests(), st.integers(0, 60), st.booleans())
def test_live_and_replayed_and_restored_agree_to_the_last_bit(events: list[RequestFinished], cut: int, read: bool) -> None:
    happenings = timeline(events)
    running, crashed = Statistics(), Statistics()
    for position, happening in enumerate(happenings):
        live(running, happening)
        if position < cut:
            live(crashed, happening)
        if read:  # sums are made at the first reading and kept up to date from then on
            seen(running, int(happening[0]))
    # A checkpoint in the middle of requests, then a crash: what ended before it is not counted again by the replay.
    restored = Statistics.restore(json.loads(json.dumps(crashed.state())))
    for happening in happenings[cut:]:
        if happening[3] is None:
            restored.fold(happening[2])
    replayed = Statistics()
    for happening in reversed(happenings):
        if happening[3] is None:
            replayed.fold(happening[2])
    now = int(max((happening[0] for happening in happenings), default=START_MS)) + 1
    for later in (0, 700, 15_000, 60_000, 1_199_000):
        expected = seen(running, now + later)
        assert seen(replayed, now + later) == expected
        assert seen(restored, now + later) == expected


@given(
    st.lists(st.tuples(st.integers(0, 90_000), st.booleans(), st.integers(0, 9_000_000)), min_size=1, max_size=60),
    st.sampled_from([(60_000, 0), (60_000, 10_000), (20_000, 600), (86_400_000, 300_000)]),
    st.integers(0, 90_000),
)
def test_sums_are_those_of_a_plain_computation(
    records: list[tuple[int, bool, int]], parameters: tuple[int, int], later: int
) -> None:
    window, half_life = parameters
    known = Aggregate(window, half_life)
    for at, failed, latency in records:
        known.add(Cell(START_MS + at, int(failed), int(not failed), 0 if failed else latency))
    now = START_MS + max(at for at, _, _ in records) + later
    known.advance(now)
    inside = [
        (2.0 ** -((now - START_MS - at) / half_life) if half_life else 1.0, failed, latency)
        for at, failed, latency in records
        if START_MS + at >= now - window
    ]
    assert known.records == len(inside)
    errors, total = known.weighted(Decay(half_life, now))
    assert errors == pytest.approx(sum(weight for weight, failed, _ in inside if failed), rel=1e-12)
    assert total == pytest.approx(sum(weight for weight, _, _ in inside), rel=1e-12)
    if any(not failed for _, failed, _ in inside):
        weights = sum(weight for weight, failed, _ in inside if not failed)
        latencies = sum(weight * latency for weight, failed, latency in inside if not failed)
        mean = known.averaged()[1]
        assert mean is not None
        assert mean["mean_ms"] == pytest.approx(latencies / weights / 1000, rel=1e-12)


def test_an_empty_window_sums_to_exactly_nothing() -> None:
    known = Aggregate(60_000, 7_000)
    for number in range(1_000):
        at = START_MS + number * 37
        known.add(Cell(at, number % 3 == 0, number % 3 != 0, 1_234_567, 1, 7_654_321))
    known.advance(START_MS + 1_000 * 37 + 60_001)
    assert (known.records, known.successes, known.timed) == (0, 0, 0)
    assert known.weighted(Decay(7_000, START_MS + 200_000)) == (0.0, 0.0)
    assert known.averaged() == (None, None)
    assert known.kept() == []


def test_more_instants_than_fit_join_the_one_before_by_at_most_a_thousandth_of_the_window() -> None:
    known = Aggregate(1_200_000, 0)
    for number in range(60_000):
        at = START_MS + number * 20
        known.advance(at)
        known.add(Cell(at, 0, 1, 1_000))
    cells = known.kept()
    assert len(cells) <= 4096 + 1001
    # Each cell holds the successes, one every 20 ms, from its instant to the next one's: 1,200 ms at most.
    assert max(cell.successes for cell in cells) == 1_200 // 20 + 1
    assert known.records == sum(cell.successes for cell in cells)
    assert all(later.at_ms - earlier.at_ms == earlier.successes * 20 for earlier, later in pairwise(cells))
    exact = 1_200_000 // 20
    assert exact - 1_200 // 20 <= known.records <= exact + 1


def test_up_to_4096_instants_nothing_moves() -> None:
    known = Aggregate(1_200_000, 0)
    for number in range(4096):
        known.add(Cell(START_MS + number, 0, 1))
    assert [cell.at_ms for cell in known.kept()] == [START_MS + number for number in range(4096)]
    assert not known.merged
    known.add(Cell(START_MS + 4096, 0, 1))
    assert (len(known.kept()), known.merged) == (4096, True)


def test_a_record_too_late_for_a_full_window_joins_the_one_before_it() -> None:
    known = Aggregate(1_000_000, 0, max_instants=3)
    for at in (0, 2_000, 4_000):
        known.add(Cell(START_MS + at, 0, 1))
    known.add(Cell(START_MS + 2_500, 1))
    assert [(cell.at_ms - START_MS, cell.errors) for cell in known.kept()] == [(0, 0), (2_000, 1), (4_000, 0)]


def test_merged_instants_survive_a_checkpoint_as_they_are() -> None:
    statistics = Statistics(max_instants=8)
    for number in range(200):
        statistics.fold(finished(number, START_MS + number * 3, [attempt("a", "success", 0, 10 + number)]))
        if number % 10 == 0:
            seen(statistics, START_MS + number * 3 + 400)
    restored = Statistics.restore(json.loads(json.dumps(statistics.state())), max_instants=8)
    assert seen(restored, START_MS + 1_000) == seen(statistics, START_MS + 1_000)
    assert restored.state() == statistics.state()


def test_the_shortest_half_life_in_the_longest_window_neither_overflows_nor_forgets() -> None:
    statistics = Statistics()
    for hours in (0, 5, 23):
        statistics.fold(finished(hours, START_MS + hours * 3_600_000, [attempt("a", "error", 0, 1)]))
    statistics.fold(finished(99, START_MS, [attempt("b", "success", 0, 1)]))
    policy = Health(window_minutes=1440.0, half_life_minutes=0.01, probe_seconds=0.0)
    decision = decide(Facts(), CANDIDATES, [policy], statistics, START_MS + 86_300_000)
    assert decision.policies[0].inputs["a"]["records"] == 3
    assert decision.policies[0].scores == {"a": 1.0, "b": 1.0}  # all weights are far below what a float can hold


def test_sums_that_nobody_reads_are_let_go_and_come_back_from_the_history() -> None:
    statistics = Statistics()
    statistics.fold(finished(1, START_MS, [attempt("a", "error", 0, 1)]))
    before = seen(statistics, START_MS + 1)
    assert len(statistics.state()["sums"]) == len(PARAMETERS)
    statistics.fold(finished(2, START_MS + UNUSED_MS + 10, [attempt("b", "success", 0, 1)]))
    assert statistics.state()["sums"] == []
    assert before
    assert [figures[1] for figures in seen(statistics, START_MS + UNUSED_MS + 12) if isinstance(figures, tuple)].count(1) == 5


def test_a_first_reading_finds_what_came_before_it() -> None:
    statistics = Statistics()
    statistics.fold(finished(1, START_MS, [attempt("a", "success", 0, 200), attempt("b", "success", 200, 600)]))
    decision = decide(Facts(), CANDIDATES, [Performance()], statistics, START_MS + 1_000)
    assert decision.policies[0].scores == {"a": 1.0, "b": 0.5}


def test_two_policies_that_look_through_one_window_both_see_a_record_made_in_the_same_millisecond() -> None:
    statistics = Statistics()
    now = START_MS + 10
    first = decide(Facts(), CANDIDATES, [Health()], statistics, now)
    statistics.fold(finished(1, START_MS, [attempt("a", "error", 0, 10)]))
    second = decide(Facts(), CANDIDATES, [Health()], statistics, now)
    assert first.totals["a"] == 1.0
    assert second.totals["a"] == pytest.approx(1 - 1 / 3)


def test_an_attempt_is_in_flight_until_it_ends_whatever_became_of_it() -> None:
    statistics = Statistics()
    first = statistics.begin("a", START_MS)
    second = statistics.begin("a", START_MS + 50)
    assert statistics.in_flight_since("a", START_MS + 50)
    assert not statistics.in_flight_since("a", START_MS + 51)
    assert not statistics.in_flight_since("b", 0)
    statistics.end(second, "r", START_MS, "p", attempt("a", "cancelled", 50, 60))
    assert not statistics.in_flight_since("a", START_MS + 1)
    assert statistics.in_flight_since("a", START_MS)
    statistics.end(first, "r", START_MS, "p", attempt("a", "success", 0, 60))
    assert not statistics.in_flight_since("a", 0)


def test_a_model_without_a_record_for_a_day_leaves_the_checkpoint() -> None:
    statistics = Statistics()
    statistics.fold(finished(1, START_MS, [attempt("a", "success", 0, 0)]))
    seen(statistics, START_MS)
    statistics.fold(finished(2, START_MS + HORIZON_MS, [attempt("b", "success", 0, 0)]))
    assert set(statistics.state()["models"]) == {"a", "b"}
    statistics.fold(finished(3, START_MS + HORIZON_MS, [attempt("b", "success", 0, 1)]))
    state = statistics.state()
    assert set(state["models"]) == {"b"}
    assert seen(Statistics.restore(state), START_MS + HORIZON_MS) == seen(statistics, START_MS + HORIZON_MS)


def test_a_first_start_restores_from_nothing() -> None:
    assert Statistics.restore({}).state() == Statistics().state()
