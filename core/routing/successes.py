"""One project's successes by model: a compact log of the last day, and counts over windows kept up to date record by record.

Exact up to `max_entries` successes at distinct instants. When there are more, the older half is thinned out: a model's
successes of one span join the first of them, and the span is as short as the bound allows.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

from core.routing.candidates import Pool
from core.routing.parameters import milliseconds
from core.routing.series import HORIZON_MS

MAX_ENTRIES = 4096
MAX_WINDOWS = 4
_FIRST_SPAN_MS = HORIZON_MS // 1000


class Share:
    """How many successes each model has in one window: those of the log from position `head` on."""

    __slots__ = ("by_model", "head", "start_ms", "window_ms")

    by_model: dict[str, int]  # these three are filled in by the log
    head: int
    start_ms: int

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms

    def count(self, model: str, successes: int) -> None:
        """Add successes, or take away."""
        self.by_model[model] = self.by_model.get(model, 0) + successes


class Successes:
    """One project's log. Time is not expected to run backwards: what has left a window stays out of it."""

    __slots__ = ("_counts", "_max_entries", "_models", "_names", "_numbers", "_shares", "instants")

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self.instants = array("q")
        self._models = array("i")  # by number
        self._counts = array("q")
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._shares: dict[float, Share] = {}

    @property
    def newest_ms(self) -> int:
        """When the newest success was."""
        return self.instants[-1] if self.instants else -1

    def add(self, model: str, at_ms: int, successes: int = 1) -> None:
        """Count successes of a model at one instant."""
        number = self._numbers.get(model)
        if number is None:
            number = self._numbers[model] = len(self._names)
            self._names.append(model)
        instants = self.instants
        if not instants or at_ms > instants[-1]:
            instants.append(at_ms)
            self._models.append(number)
            self._counts.append(successes)
        else:
            self._add_late(number, at_ms, successes)
        for share in self._shares.values():
            if at_ms >= share.start_ms:
                share.count(model, successes)
        if len(instants) > self._max_entries:
            self._thin_out()

    def _add_late(self, number: int, at_ms: int, successes: int) -> None:
        """Count successes at the newest instant or before it."""
        at = bisect_right(self.instants, at_ms)
        if at and self.instants[at - 1] == at_ms and self._models[at - 1] == number:
            self._counts[at - 1] += successes
            return
        self.instants.insert(at, at_ms)
        self._models.insert(at, number)
        self._counts.insert(at, successes)
        for share in self._shares.values():
            share.head += at_ms < share.start_ms

    def shares(self, window_minutes: float, pool: Pool, now_ms: int) -> list[int]:
        """The successes of each candidate in the window that ends at `now_ms`, its start included, by position."""
        share = self._shares.get(window_minutes)
        if share is None:
            if len(self._shares) == MAX_WINDOWS:  # the settings have changed several times
                del self._shares[next(iter(self._shares))]
            share = self._shares[window_minutes] = Share(milliseconds(window_minutes))
            self._fill(share, now_ms - share.window_ms)
        start = now_ms - share.window_ms
        if start > share.start_ms:
            share.start_ms = start
            while share.head < len(self.instants) and self.instants[share.head] < start:
                share.count(self._names[self._models[share.head]], -self._counts[share.head])
                share.head += 1
        known = share.by_model
        return [known.get(model, 0) for model in pool.ids]

    def _fill(self, share: Share, start_ms: int) -> None:
        """Count what is inside from the log: linear in it, once."""
        share.start_ms = start_ms
        share.head = bisect_left(self.instants, start_ms)
        share.by_model = {}
        for at in range(share.head, len(self.instants)):
            share.count(self._names[self._models[at]], self._counts[at])

    def _thin_out(self) -> None:
        """Make room: forget what is past the horizon, then join neighbours of the older half in spans that grow as needed."""
        entries = [entry for entry in self._entries() if entry[0] >= self.newest_ms - HORIZON_MS]
        older = len(entries) // 2
        span, room = _FIRST_SPAN_MS, self._max_entries * 3 // 4 - (len(entries) - older)
        while len(entries) > self._max_entries * 3 // 4:
            joined = _joined(entries[:older], span)
            if len(joined) <= room or span > HORIZON_MS:
                entries[:older] = joined
                break
            span *= 2
        self._replace(entries)
        for share in self._shares.values():
            self._fill(share, share.start_ms)

    def _entries(self) -> list[tuple[int, int, int]]:
        return list(zip(self.instants, self._models, self._counts, strict=True))

    def _replace(self, entries: list[tuple[int, int, int]]) -> None:
        """Let these be the log; names that are no more in it are forgotten."""
        names = self._names
        self._names, self._numbers = [], {}
        self.instants, self._models, self._counts = array("q"), array("i"), array("q")
        for at_ms, number, count in entries:
            name = names[number]
            if name not in self._numbers:
                self._numbers[name] = len(self._names)
                self._names.append(name)
            self.instants.append(at_ms)
            self._models.append(self._numbers[name])
            self._counts.append(count)

    def state(self) -> dict[str, Any]:
        """As plain values."""
        starts = [(minutes, share.start_ms) for minutes, share in self._shares.items()]
        return {"names": list(self._names), "entries": self._entries(), "windows": starts}

    @classmethod
    def restore(cls, state: Mapping[str, Any], max_entries: int = MAX_ENTRIES) -> Successes:
        """What `state` described."""
        successes = cls(max_entries)
        successes._names = list(state["names"])
        successes._replace([tuple(entry) for entry in state["entries"]])
        for minutes, start_ms in state["windows"]:
            share = successes._shares[minutes] = Share(milliseconds(minutes))
            successes._fill(share, start_ms)
        return successes


def _joined(entries: list[tuple[int, int, int]], span_ms: int) -> list[tuple[int, int, int]]:
    """The entries with those of one model within one span added up at the first one's instant."""
    first: dict[tuple[int, int], list[int]] = {}
    for at_ms, model, count in entries:
        entry = first.setdefault((model, at_ms // span_ms), [at_ms, model, 0])
        entry[2] += count
    return [(at_ms, model, count) for at_ms, model, count in sorted(first.values())]
