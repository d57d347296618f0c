"""What has become of upstream attempts of late: a fold over events, bounded in memory, read in constant time.

Two ways lead in, and they give the same: the proxy reports each attempt when it ends, and folds the request's event when the
request ends; a replay folds the events alone. An attempt is counted once: the number of attempts already counted for a
request is remembered until its event is folded, in the checkpoint too.

Records wait until somebody asks for sums. What a policy made of the sums is remembered for the rest of that millisecond
(`remembered`): a record is seen by decisions of the next millisecond, and under load most decisions find their statistics
read already.

Records are upstream attempts over all projects, those that policies make included; `fairness` reads one project's successes.
Cancelled, blocked, refused and the request's own 4xx are none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from core.events import AttemptFinished, RequestFinished
from core.routing.candidates import Pool
from core.routing.series import HORIZON_MS, Counts, Series, Sums, View
from core.routing.successes import Successes
from core.routing.window import MAX_INSTANTS, Cell

STATE_FORMAT = 2
UNUSED_MS = 3_600_000  # sums that nobody read for so long are let go
MAX_WAITING = 256  # records that may wait where no policy asks for sums
MAX_PROJECTS = 4096  # whose successes are kept; the longest without one are forgotten first
_MAX_REMEMBERED = 1024
_OWN_FAULTS = frozenset({400, 413, 422})
_FAILURES = frozenset({"error", "timeout"})
_oldest_first = itemgetter(0)


class Statistics:
    """All models' series, and the attempts that are in flight. Not safe between threads: it belongs to one event loop."""

    def __init__(self, max_instants: int = MAX_INSTANTS) -> None:
        self._max_instants = max_instants
        self._series: dict[str, Series] = {}
        self._sums: dict[tuple[float, float], Sums] = {}
        self._counts: dict[float, Counts] = {}
        self._views: tuple[View, ...] = ()  # the values of both
        self._successes: OrderedDict[str, Successes] = OrderedDict()  # by project, the one with the latest record last
        self._rests: dict[str, int] = {}  # model -> until when its provider asked to be left alone
        self._in_flight: dict[str, dict[int, int]] = {}  # model -> handle -> begun at
        self._handles = 0
        self._newest_ms = 0
        self._counted: dict[str, tuple[int, int]] = {}  # request -> (attempts counted before its event, arrival)
        self._waiting: list[tuple[int, str, str, Cell]] = []  # (instant, model, project, what is not in the series yet)
        self._memory: dict[object, Any] = {}  # what was made of all this in one millisecond
        self._memory_ms = 0

    # --- writing ---

    def begin(self, model: str, at_ms: int) -> int:
        """An attempt on `model` is in flight from now on. Returns the handle to end it with."""
        self._handles = handle = self._handles + 1
        in_flight = self._in_flight.get(model)
        if in_flight is None:
            in_flight = self._in_flight[model] = {}
        in_flight[handle] = at_ms
        return handle

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
        entry = self._counted.pop(event.id, None)
        counted = 0 if entry is None else entry[0]
        attempts = event.attempts
        if counted >= len(attempts):
            return
        for attempt in [attempt for attempt in attempts if attempt.status != "skipped"][counted:]:
            if as_of_ms is None or event.at_ms + round(attempt.ended_ms) <= as_of_ms:
                self._record(event.at_ms, event.project, attempt)
            elif event.at_ms + round(attempt.started_ms) <= as_of_ms:
                self.begin(attempt.model, event.at_ms + round(attempt.started_ms))

    def _record(self, arrived_at_ms: int, project: str, attempt: AttemptFinished) -> None:
        """Count one ended attempt, if it is a record."""
        status, ended = attempt.status, attempt.ended_ms
        at_ms = arrived_at_ms + round(ended)
        if status == "success":
            started, first = attempt.started_ms, attempt.first_content_ms
            latency_us = max(0, round((ended - started) * 1000))
            if first is None:
                cell = Cell(at_ms, 0, 1, latency_us)
            else:
                cell = Cell(at_ms, 0, 1, latency_us, 1, max(0, round((first - started) * 1000)))
        elif status in _FAILURES and attempt.http_status not in _OWN_FAULTS:
            cell = Cell(at_ms, 1)
            if attempt.http_status == 429 and attempt.retry_after_ms is not None:
                self._rests[attempt.model] = max(self._rests.get(attempt.model, 0), at_ms + attempt.retry_after_ms)
        else:
            return
        self._waiting.append((at_ms, attempt.model, project, cell))
        if len(self._waiting) > MAX_WAITING:
            self._settle()

    def _settle(self) -> None:
        """Bring what waits into the histories and into the sums that are in use, oldest first."""
        waiting = self._waiting
        if len(waiting) > 1:
            waiting.sort(key=_oldest_first)
        at_before, model_before, pending = -1, "", None
        for at_ms, model, project, cell in waiting:
            if cell.successes:
                self._succeeded(project, model, at_ms)
            if pending is not None:
                # Under load records share their instant, and then count as one.
                if at_ms == at_before and model == model_before:
                    pending.join(cell)
                    continue
                self._enter(model_before, pending)
            at_before, model_before, pending = at_ms, model, cell
        if pending is not None:
            self._enter(model_before, pending)
        self._newest_ms = max(self._newest_ms, waiting[-1][0])
        self._waiting = []
        for view in self._views:
            if self._newest_ms - view.read_at_ms > UNUSED_MS:
                self._forget_unused()
                break

    def _enter(self, model: str, cell: Cell) -> None:
        """Count a model's records of one instant."""
        series = self._series.get(model)
        if series is None:
            series = self._series[model] = Series(self._max_instants)
        series.add(cell)
        for view in self._views:
            view.add(model, cell)

    def _succeeded(self, project: str, model: str, at_ms: int) -> None:
        """Count a project's success."""
        log = self._successes.get(project)
        if log is None:
            log = self._successes[project] = Successes()
            if len(self._successes) > MAX_PROJECTS:
                self._successes.popitem(last=False)
        else:
            self._successes.move_to_end(project)
        log.add(model, at_ms)

    def _forget_unused(self) -> None:
        """Let sums go that nobody has read for long."""
        oldest = self._newest_ms - UNUSED_MS
        self._sums = {key: sums for key, sums in self._sums.items() if sums.read_at_ms >= oldest}
        self._counts = {key: counts for key, counts in self._counts.items() if counts.read_at_ms >= oldest}
        self._views = (*self._sums.values(), *self._counts.values())

    # --- reading ---

    def sums(self, window_minutes: float, half_life_minutes: float, pool: Pool, now_ms: int) -> Sums:
        """The candidates' sums over that window as they are at that instant, or at the newest record if that is later."""
        if self._waiting:
            self._settle()
        sums = self._sums.get((window_minutes, half_life_minutes))
        if sums is None:
            sums = self._sums[(window_minutes, half_life_minutes)] = Sums(window_minutes, half_life_minutes, self._max_instants)
            self._views = (*self._views, sums)
        sums.read(self._series, pool, now_ms if now_ms > self._newest_ms else self._newest_ms)
        return sums

    def counts(self, window_minutes: float, pool: Pool, now_ms: int) -> list[int]:
        """How many records each candidate has in that window, by position; at the same instant as `sums`."""
        if self._waiting:
            self._settle()
        counts = self._counts.get(window_minutes)
        if counts is None:
            counts = self._counts[window_minutes] = Counts(window_minutes, self._max_instants)
            self._views = (*self._views, counts)
        counts.read(self._series, pool, max(now_ms, self._newest_ms))
        return counts.found

    def successes(self, project: str, window_minutes: float, pool: Pool, now_ms: int) -> list[int]:
        """How many successes each candidate has had for one project in that window, by position; at the same instant."""
        if self._waiting:
            self._settle()
        log = self._successes.get(project)
        return [0] * len(pool.ids) if log is None else log.shares(window_minutes, pool, max(now_ms, self._newest_ms))

    def remembered(self, owner: object, now_ms: int) -> Any:
        """What `owner` noted in this very millisecond, or None."""
        if now_ms != self._memory_ms:
            self._memory_ms = now_ms
            self._memory.clear()
        return self._memory.get(owner)

    def remember(self, owner: object, noted: object) -> None:
        """Note something for the rest of the millisecond that was asked about last."""
        if len(self._memory) < _MAX_REMEMBERED:
            self._memory[owner] = noted

    def failed_last(self, model: str) -> int | None:
        """When a model's newest record was made, if that is a failure; at the same instant a success is the newer one."""
        series = self._series[model]
        return series.newest_failure_ms if series.newest_failure_ms > series.newest_success_ms else None

    def in_flight_since(self, model: str, since_ms: int) -> bool:
        """Whether an attempt begun at that instant or later is still in flight."""
        in_flight = self._in_flight.get(model)
        # Attempts are noted in the order in which they begin: the last one is the newest.
        return bool(in_flight) and next(reversed(in_flight.values())) >= since_ms  # type: ignore[union-attr]

    @property
    def rests(self) -> Mapping[str, int]:
        """Until when (exclusive) each model rests that answered 429 and said for how long; mostly past instants."""
        return self._rests

    # --- checkpoint ---

    def state(self) -> dict[str, Any]:
        """As plain values for a checkpoint. Attempts in flight are not part of it: a restart has none."""
        if self._waiting:
            self._settle()
        # A model without a record for longer than any window has most likely been deleted.
        oldest = self._newest_ms - HORIZON_MS
        models = {model: series for model, series in self._series.items() if series.newest_ms >= oldest}
        return {
            "format": STATE_FORMAT,
            "models": {model: series.state() for model, series in models.items()},
            "sums": [sums.state(models) for sums in self._sums.values()],
            "counts": [counts.state(models) for counts in self._counts.values()],
            "successes": {name: log.state() for name, log in self._successes.items() if log.newest_ms >= oldest},
            "rests": {model: until for model, until in self._rests.items() if until > self._newest_ms},
            "counted": dict(self._counted),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], max_instants: int = MAX_INSTANTS) -> Statistics:
        """What `state` described, after a round trip through JSON too; a first start for nothing or for another format."""
        statistics = cls(max_instants)
        if state.get("format") != STATE_FORMAT:
            return statistics
        series = {model: Series.restore(known, max_instants) for model, known in state["models"].items()}
        statistics._series = series
        statistics._newest_ms = max((known.newest_ms for known in series.values()), default=0)
        for kept in state["sums"]:
            sums = Sums(kept["window_minutes"], kept["half_life_minutes"], max_instants)
            sums.fill(kept, series)
            statistics._sums[(sums.window_minutes, sums.half_life_minutes)] = sums
        for kept in state["counts"]:
            counts = Counts(kept["window_minutes"], max_instants)
            counts.fill(kept, series)
            statistics._counts[counts.window_minutes] = counts
        statistics._views = (*statistics._sums.values(), *statistics._counts.values())
        statistics._successes.update((name, Successes.restore(log)) for name, log in state["successes"].items())
        statistics._rests = dict(state["rests"])
        counted = {request: (int(count), int(at)) for request, (count, at) in state["counted"].items()}
        # A request that the last process did not live to finish has no event: forget it once it must be over.
        latest = max((at for _, at in counted.values()), default=0)
        statistics._counted = {request: entry for request, entry in counted.items() if entry[1] >= latest - HORIZON_MS}
        return statistics
