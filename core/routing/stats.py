"""What has become of upstream attempts of late: a fold over events, bounded in memory, read in constant time.

Two ways lead in, and they give the same: the proxy reports each attempt when it ends, and folds the request's event when the
request ends; a replay folds the events alone. An attempt is counted once: the number of attempts already counted for a
request is remembered until its event is folded, in the checkpoint too.

Records wait, added up by instant, until somebody asks for sums. What a policy made of the sums is remembered for the rest of
that millisecond (`remembered`): a record is seen by decisions of the next millisecond, and under load most decisions find
their statistics read already.

Records are upstream attempts over all projects. Cancelled, blocked, refused and the request's own 4xx are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.events import AttemptFinished, RequestFinished
from core.routing.candidates import Candidate
from core.routing.parameters import milliseconds
from core.routing.window import MAX_INSTANTS, Aggregate, Cell, Decay, Window, from_state

HORIZON_MS = 24 * 3_600_000  # the largest window that a policy may ask for
UNUSED_MS = 3_600_000  # sums that nobody read for so long are let go
_OWN_FAULTS = frozenset({400, 413, 422})
_FAILURES = frozenset({"error", "timeout"})
MAX_WAITING = 256  # instants that may wait where no policy asks for sums


def _by_instant(waiting: tuple[tuple[str, int], Cell]) -> int:
    return waiting[0][1]


class Series:
    """One model's records of the last day, and its newest success and failure."""

    __slots__ = ("history", "newest_failure_ms", "newest_success_ms")

    def __init__(self, max_instants: int) -> None:
        self.history = Window(HORIZON_MS, max_instants)
        self.newest_failure_ms = -1
        self.newest_success_ms = -1

    def add(self, cell: Cell) -> None:
        """Count a record."""
        if cell.errors:
            self.newest_failure_ms = max(self.newest_failure_ms, cell.at_ms)
        if cell.successes:
            self.newest_success_ms = max(self.newest_success_ms, cell.at_ms)
        self.history.advance(cell.at_ms)
        self.history.add(cell)

    @property
    def newest_ms(self) -> int:
        """When the newest record was made."""
        return max(self.newest_failure_ms, self.newest_success_ms)

    def state(self) -> dict[str, Any]:
        """As plain values."""
        newest = (self.newest_failure_ms, self.newest_success_ms)
        return {"cells": self.history.kept(), "merged": self.history.merged, "newest": newest}

    @classmethod
    def restore(cls, state: Mapping[str, Any], max_instants: int) -> Series:
        """What `state` described."""
        series = cls(max_instants)
        series.newest_failure_ms, series.newest_success_ms = state["newest"]
        series.history.merged = state["merged"]
        series.history.fill(from_state(state["cells"]))
        if series.history.cells:
            series.history.advance(series.history.cells[-1].at_ms)
        return series


class Sums:
    """The sums of all models that one pair of parameters asks for, made when they are first read."""

    __slots__ = (
        "_asked", "_by_model", "_max_instants", "_read_at_ms", "_window_ms", "decay", "found",
        "half_life_minutes", "half_life_ms", "window_minutes",
    )  # fmt: skip

    def __init__(self, window_minutes: float, half_life_minutes: float, max_instants: int) -> None:
        self.window_minutes = window_minutes
        self.half_life_minutes = half_life_minutes
        self.half_life_ms = milliseconds(half_life_minutes)
        self.decay = Decay(self.half_life_ms, 0)
        self.found: list[tuple[str, Aggregate | None]] = []  # each candidate asked for; None: it never had a record
        self._window_ms = milliseconds(window_minutes)
        self._max_instants = max_instants
        self._by_model: dict[str, Aggregate] = {}
        self._read_at_ms = 0
        self._asked: Sequence[Candidate] | None = None

    def read(self, series: Mapping[str, Series], candidates: Sequence[Candidate], now_ms: int) -> None:
        """Bring `found` and `decay` to these candidates and that instant."""
        # Policies of one decision mostly look through the same window: the second one finds it as the first left it.
        if candidates is self._asked and now_ms == self._read_at_ms:
            return
        found: list[tuple[str, Aggregate | None]] = []
        for candidate in candidates:
            model = candidate.id
            aggregate = self._by_model.get(model)
            if aggregate is not None:
                aggregate.advance(now_ms)
            elif model in series:
                aggregate = self._made(model, series[model], now_ms)
            found.append((model, aggregate))
        self.found, self.decay = found, Decay(self.half_life_ms, now_ms)
        self._asked, self._read_at_ms = candidates, now_ms

    def add(self, model: str, cell: Cell) -> None:
        """Count a record of a model that was asked for before; another one's is found in its history."""
        self._asked = None
        aggregate = self._by_model.get(model)
        if aggregate is not None:
            aggregate.add(cell)

    def unused_for_ms(self, now_ms: int) -> int:
        """How long nobody has read them."""
        return now_ms - self._read_at_ms

    def _made(self, model: str, series: Series, now_ms: int) -> Aggregate:
        """A model's sums, from its history: linear in that, once."""
        aggregate = Aggregate(self._window_ms, self.half_life_ms, self._max_instants)
        aggregate.advance(now_ms)
        aggregate.fill(series.history.kept())
        self._by_model[model] = aggregate
        return aggregate

    def state(self, series: Mapping[str, Series]) -> dict[str, Any]:
        """As plain values. Sums are rebuilt from the history, but for models whose instants were merged there or here."""
        return {
            "window_minutes": self.window_minutes,
            "half_life_minutes": self.half_life_minutes,
            "read_at_ms": self._read_at_ms,
            "models": {
                model: (known.start_ms, known.kept() if known.merged or series[model].history.merged else None)
                for model, known in self._by_model.items()
                if model in series
            },
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], series: Mapping[str, Series], max_instants: int) -> Sums:
        """What `state` described, over the histories restored before."""
        sums = cls(state["window_minutes"], state["half_life_minutes"], max_instants)
        sums._read_at_ms = state["read_at_ms"]
        for model, (start_ms, cells) in state["models"].items():
            aggregate = Aggregate(sums._window_ms, sums.half_life_ms, max_instants)
            aggregate.start_ms, aggregate.merged = start_ms, cells is not None
            aggregate.fill(series[model].history.kept() if cells is None else from_state(cells))
            sums._by_model[model] = aggregate
        return sums


class Statistics:
    """All models' series, and the attempts that are in flight. Not safe between threads: it belongs to one event loop."""

    def __init__(self, max_instants: int = MAX_INSTANTS) -> None:
        self._max_instants = max_instants
        self._series: dict[str, Series] = {}
        self._sums: dict[tuple[float, float], Sums] = {}
        self._in_flight: dict[str, dict[int, int]] = {}  # model -> handle -> begun at
        self._handles = 0
        self._newest_ms = 0
        self._counted: dict[str, tuple[int, int]] = {}  # request -> (attempts counted before its event, arrival)
        self._waiting: dict[tuple[str, int], Cell] = {}  # (model, instant) -> what is not in the series and sums yet
        self._memory: dict[int, tuple[Sequence[Candidate], dict[int, Any]]] = {}  # id of candidates -> what was made of them
        self._memory_ms = 0

    # --- writing ---

    def begin(self, model: str, at_ms: int) -> int:
        """An attempt on `model` is in flight from now on. Returns the handle to end it with."""
        self._handles += 1
        self._in_flight.setdefault(model, {})[self._handles] = at_ms
        return self._handles

    def end(self, handle: int, request_id: str, arrived_at_ms: int, project: str, attempt: AttemptFinished) -> None:
        """The attempt begun as `handle` is over, whatever became of it; its request goes on and will be folded later."""
        in_flight = self._in_flight.get(attempt.model)
        if in_flight is not None:
            in_flight.pop(handle, None)
        counted = self._counted.get(request_id)
        self._counted[request_id] = (1 if counted is None else counted[0] + 1, arrived_at_ms)
        self._record(arrived_at_ms, project, attempt)

    def fold(self, event: RequestFinished, as_of_ms: int | None = None) -> None:
        """Count what of a finished request's attempts was not counted when it ended.

        With `as_of_ms` as things stood then: what ended later is in flight, what began later has not happened.
        """
        counted, _ = self._counted.pop(event.id, (0, 0))
        attempts = [attempt for attempt in event.attempts if attempt.status != "skipped"]
        for attempt in attempts[counted:]:
            if as_of_ms is None or event.at_ms + round(attempt.ended_ms) <= as_of_ms:
                self._record(event.at_ms, event.project, attempt)
            elif event.at_ms + round(attempt.started_ms) <= as_of_ms:
                self.begin(attempt.model, event.at_ms + round(attempt.started_ms))

    def _record(self, arrived_at_ms: int, project: str, attempt: AttemptFinished) -> None:
        """Count one ended attempt, if it is a record."""
        failed = attempt.status in _FAILURES
        if (failed and attempt.http_status in _OWN_FAULTS) or not (failed or attempt.status == "success"):
            return
        at = arrived_at_ms + round(attempt.ended_ms)
        if failed:
            cell = Cell(at, at, 1, 0, 0, 0, 0)
        else:
            latency_us = max(0, round((attempt.ended_ms - attempt.started_ms) * 1000))
            first = attempt.first_content_ms
            ttft_us = 0 if first is None else max(0, round((first - attempt.started_ms) * 1000))
            cell = Cell(at, at, 0, 1, latency_us, 0 if first is None else 1, ttft_us)
        key = (attempt.model, at)
        same_instant = self._waiting.get(key)
        self._waiting[key] = cell if same_instant is None else same_instant.merged(cell)
        if len(self._waiting) > MAX_WAITING:
            self._settle()

    def _settle(self) -> None:
        """Bring what waits into the histories and into the sums that are in use, oldest first."""
        waiting = sorted(self._waiting.items(), key=_by_instant)
        self._waiting = {}
        for (model, at_ms), cell in waiting:
            series = self._series.get(model)
            if series is None:
                series = self._series[model] = Series(self._max_instants)
            series.add(cell)
            self._newest_ms = max(self._newest_ms, at_ms)
            for sums in self._sums.values():
                sums.add(model, cell)
        self._forget_unused()

    def _forget_unused(self) -> None:
        """Let sums go that nobody has read for long."""
        unused = [key for key, sums in self._sums.items() if sums.unused_for_ms(self._newest_ms) > UNUSED_MS]
        for key in unused:
            del self._sums[key]

    # --- reading ---

    def sums(self, window_minutes: float, half_life_minutes: float, candidates: Sequence[Candidate], now_ms: int) -> Sums:
        """The candidates' sums over that window as they are at that instant, or at the newest record if that is later."""
        if self._waiting:
            self._settle()
        sums = self._sums.get((window_minutes, half_life_minutes))
        if sums is None:
            sums = self._sums[(window_minutes, half_life_minutes)] = Sums(window_minutes, half_life_minutes, self._max_instants)
        sums.read(self._series, candidates, max(now_ms, self._newest_ms))
        return sums

    def remembered(self, candidates: Sequence[Candidate], now_ms: int) -> dict[int, Any]:
        """What the caller made of the statistics of these very candidates in this very millisecond; empty at first."""
        if now_ms != self._memory_ms:
            self._memory_ms = now_ms
            self._memory.clear()
        kept = self._memory.get(id(candidates))
        if kept is None or kept[0] is not candidates:
            kept = self._memory[id(candidates)] = (candidates, {})
        return kept[1]

    def failed_last(self, model: str) -> int | None:
        """When a model's newest record was made, if that is a failure; at the same instant a success is the newer one."""
        series = self._series[model]
        return series.newest_failure_ms if series.newest_failure_ms > series.newest_success_ms else None

    def in_flight_since(self, model: str, since_ms: int) -> bool:
        """Whether an attempt begun at that instant or later is still in flight."""
        in_flight = self._in_flight.get(model)
        # Attempts are noted in the order in which they begin: the last one is the newest.
        return bool(in_flight) and next(reversed(in_flight.values())) >= since_ms  # type: ignore[union-attr]

    # --- checkpoint ---

    def state(self) -> dict[str, Any]:
        """As plain values for a checkpoint. Attempts in flight are not part of it: a restart has none."""
        self._settle()
        # A model without a record for longer than any window has most likely been deleted.
        oldest = self._newest_ms - HORIZON_MS
        models = {model: series for model, series in self._series.items() if series.newest_ms >= oldest}
        return {
            "models": {model: series.state() for model, series in models.items()},
            "sums": [sums.state(models) for sums in self._sums.values()],
            "counted": dict(self._counted),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], max_instants: int = MAX_INSTANTS) -> Statistics:
        """What `state` described, after a round trip through JSON too; an empty mapping is a first start."""
        statistics = cls(max_instants)
        statistics._series = {model: Series.restore(series, max_instants) for model, series in state.get("models", {}).items()}
        statistics._newest_ms = max((series.newest_ms for series in statistics._series.values()), default=0)
        for kept in state.get("sums", ()):
            sums = Sums.restore(kept, statistics._series, max_instants)
            statistics._sums[(sums.window_minutes, sums.half_life_minutes)] = sums
        counted = {request: (int(count), int(at)) for request, (count, at) in state.get("counted", {}).items()}
        # A request that the last process did not live to finish has no event: forget it once it must be over.
        latest = max((at for _, at in counted.values()), default=0)
        statistics._counted = {request: entry for request, entry in counted.items() if entry[1] >= latest - HORIZON_MS}
        return statistics
