"""Each model's records of the last day, and what is kept up to date over them for policies: sums and counts over a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.routing.candidates import Pool
from core.routing.parameters import milliseconds
from core.routing.window import Aggregate, Cell, Decay, Tally, Window, from_state, to_state

HORIZON_MS = 24 * 3_600_000  # the largest window that a policy may ask for


class Series:
    """One model's records of the last day, and its newest success and failure."""

    __slots__ = ("history", "newest_failure_ms", "newest_success_ms")

    def __init__(self, max_instants: int) -> None:
        self.history = Window(HORIZON_MS, max_instants)
        self.newest_failure_ms = -1
        self.newest_success_ms = -1

    def add(self, cell: Cell) -> None:
        """Count a record."""
        at_ms = cell.at_ms
        if cell.errors:
            self.newest_failure_ms = max(self.newest_failure_ms, at_ms)
        if cell.successes:
            self.newest_success_ms = max(self.newest_success_ms, at_ms)
        self.history.advance(at_ms)
        self.history.add(cell)

    @property
    def newest_ms(self) -> int:
        """When the newest record was made."""
        return max(self.newest_failure_ms, self.newest_success_ms)

    def state(self) -> dict[str, Any]:
        """As plain values."""
        newest = (self.newest_failure_ms, self.newest_success_ms)
        return {"cells": to_state(self.history.kept()), "merged": self.history.merged, "newest": newest}

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


class View:
    """One window over all models, made model by model when it is first read, and kept up to date from then on."""

    __slots__ = ("_asked", "_by_model", "_found", "_max_instants", "_oldest_ms", "read_at_ms", "window_minutes", "window_ms")

    def __init__(self, window_minutes: float, max_instants: int) -> None:
        self.window_minutes = window_minutes
        self.window_ms = milliseconds(window_minutes)
        self.read_at_ms = 0
        self._max_instants = max_instants
        self._by_model: dict[str, Any] = {}  # windows of this view's own class
        self._asked: Pool | None = None
        self._found: list[Any] = []  # the windows of those that were asked for last, by position
        self._oldest_ms = 0  # no record in them is older

    def _new(self) -> Window:
        raise NotImplementedError

    def look(self, series: Mapping[str, Series], pool: Pool, now_ms: int) -> list[Any]:
        """Each candidate's window at that instant, by position; None for one that never had a record."""
        self.read_at_ms = now_ms
        if pool is not self._asked:
            self._found = [self._window(model, series, now_ms) for model in pool.ids]
            self._asked, self._oldest_ms = pool, 0
        # Mostly nothing has left since the last time.
        if now_ms - self.window_ms > self._oldest_ms:
            oldest = now_ms
            for window in self._found:
                if window is not None:
                    window.advance(now_ms)
                    if window.head < len(window.cells):
                        oldest = min(oldest, window.cells[window.head].at_ms)
            self._oldest_ms = oldest
        return self._found

    def _window(self, model: str, series: Mapping[str, Series], now_ms: int) -> Window | None:
        """A model's window; the first time it is made from its history: linear in that, once."""
        window: Window | None = self._by_model.get(model)
        if window is None and model in series:
            window = self._by_model[model] = self._new()
            window.advance(now_ms)
            window.fill(series[model].history.kept())
        return window

    def add(self, model: str, cell: Cell) -> None:
        """Count a record of a model that was asked for before; another one's is found in its history."""
        window = self._by_model.get(model)
        if window is None:
            self._asked = None
            return
        window.add(cell)
        if cell.at_ms < self._oldest_ms:
            self._oldest_ms = cell.at_ms

    def state(self, series: Mapping[str, Series]) -> dict[str, Any]:
        """As plain values. Windows are rebuilt from the history, but for models whose instants were merged there or here."""
        models: dict[str, Any] = {}
        for model, known in self._by_model.items():
            if model in series:
                cells = to_state(known.kept()) if known.merged or series[model].history.merged else None
                models[model] = (max(known.start_ms, self.read_at_ms - self.window_ms), cells)
        return {"window_minutes": self.window_minutes, "read_at_ms": self.read_at_ms, "models": models}

    def fill(self, state: Mapping[str, Any], series: Mapping[str, Series]) -> None:
        """Become what `state` described, over the histories restored before."""
        self.read_at_ms = state["read_at_ms"]
        for model, (start_ms, cells) in state["models"].items():
            window = self._by_model[model] = self._new()
            window.start_ms, window.merged = start_ms, cells is not None
            window.fill(series[model].history.kept() if cells is None else from_state(cells))


class Sums(View):
    """The weighted sums of all models that one pair of parameters asks for."""

    __slots__ = ("decay", "found", "half_life_minutes", "half_life_ms")

    def __init__(self, window_minutes: float, half_life_minutes: float, max_instants: int) -> None:
        super().__init__(window_minutes, max_instants)
        self.half_life_minutes = half_life_minutes
        self.half_life_ms = milliseconds(half_life_minutes)
        self.decay = Decay(self.half_life_ms, 0)
        self.found: list[Aggregate | None] = []  # by the candidates' position; None: it never had a record

    def _new(self) -> Aggregate:
        return Aggregate(self.window_ms, self.half_life_ms, self._max_instants)

    def read(self, series: Mapping[str, Series], pool: Pool, now_ms: int) -> None:
        """Bring `found` and `decay` to these candidates and that instant."""
        self.found = self.look(series, pool, now_ms)
        if now_ms != self.decay.now_ms:
            self.decay = Decay(self.half_life_ms, now_ms)

    def state(self, series: Mapping[str, Series]) -> dict[str, Any]:
        """As plain values."""
        return {**super().state(series), "half_life_minutes": self.half_life_minutes}


class Counts(View):
    """How many records each model has in one window."""

    __slots__ = ("found",)

    def __init__(self, window_minutes: float, max_instants: int) -> None:
        super().__init__(window_minutes, max_instants)
        self.found: list[int] = []  # by the candidates' position

    def _new(self) -> Tally:
        return Tally(self.window_ms, self._max_instants)

    def read(self, series: Mapping[str, Series], pool: Pool, now_ms: int) -> None:
        """Bring `found` to these candidates and that instant."""
        self.found = [0 if tally is None else tally.records for tally in self.look(series, pool, now_ms)]
