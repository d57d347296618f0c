"""What one scope has used and reserved in a window that rolls: exact to the millisecond up to `MAX_INSTANTS` instants.

Use is kept in cells, one an instant of admission. With `MAX_INSTANTS` of them in the window a further instant joins its later
neighbour, or the newest cell moves on to it, while both lie within a thousandth of the window: use then leaves a little late,
so a limit may refuse early and never admits more. Cells are disjoint spans that only grow, so an instant once counted is found
again in the cell that covers it.

Adding and expiring cost O(1) amortised. At `now` the cells of `now - length .. now + length` are summed; some lie after `now`
only when the clock went back, or when a request falls back to another model long after its admission.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, Final

from core.limits.amounts import CALLS, Amounts

MAX_INSTANTS: Final = 4_096
KEPT_SWEEPS: Final = 720  # an hour of checkpoints
_FORGOTTEN_AT_ONCE: Final = 256

_FIRST, _HELD, _RESERVED = 0, 1, 6  # a cell: its first instant, five figures held, five reserved; its last is in `_ats`
_FIGURES = range(5)


class RollingUsage:
    """One scope in one rolling window."""

    __slots__ = (
        "_ats", "_cells", "_head", "_held", "_left_at_ms", "_max_instants", "_now_ms", "_reserved", "_sweeps", "_tail",
        "complete", "encoded", "generation", "idle", "since_ms", "window",
    )  # fmt: skip

    def __init__(self, window: int, since_ms: int, complete: bool, max_instants: int = MAX_INSTANTS) -> None:
        self.window = window
        self.since_ms = since_ms
        self.complete = complete
        self.generation = 0  # of the newest revision that names it
        self.idle = 0  # how many looks in a row it was empty, and unnamed
        self.encoded: bytes | None = None  # the state as it was last written; None once it has changed
        self._max_instants = max_instants
        self._ats: list[int] = []  # the last instant of each cell, ascending
        self._cells: list[list[int]] = []
        self._head = self._tail = 0  # the cells that are summed: those around `_now_ms`
        self._now_ms = 0
        self._held = [0, 0, 0, 0, 0]
        self._reserved = [0, 0, 0, 0, 0]
        self._sweeps = 0
        self._left_at_ms: int | None = None  # the newest cell that had left when an hour of sweeps began

    # --- adding ---

    def add(self, at_ms: int, held: Amounts, reserved: Amounts) -> None:
        """Change what is held, and what of it is reserved, for a request admitted at that instant."""
        self.encoded = None
        ats = self._ats
        index = len(ats) - 1 if ats and ats[-1] == at_ms else self._place(at_ms)
        # Written out, as this is on the way of each request: four loops of five take three times as long.
        a, b, c, d, e = held
        v, w, x, y, z = reserved
        cell = self._cells[index]
        cell[1] += a
        cell[2] += b
        cell[3] += c
        cell[4] += d
        cell[5] += e
        cell[6] += v
        cell[7] += w
        cell[8] += x
        cell[9] += y
        cell[10] += z
        if self._head <= index < self._tail:
            sums = self._held
            sums[0] += a
            sums[1] += b
            sums[2] += c
            sums[3] += d
            sums[4] += e
            sums = self._reserved
            sums[0] += v
            sums[1] += w
            sums[2] += x
            sums[3] += y
            sums[4] += z

    def _place(self, at_ms: int) -> int:
        """The cell that covers an instant, made where there is none."""
        ats, cells = self._ats, self._cells
        index = bisect_left(ats, at_ms)
        full = self._tail - self._head >= self._max_instants
        if index < len(ats):
            if cells[index][_FIRST] <= at_ms:
                return index
            if full and (ats[index] - at_ms) * 1000 <= self.window:
                cells[index][_FIRST] = at_ms
                return index
        elif full and (at_ms - cells[-1][_FIRST]) * 1000 <= self.window:
            ats[-1] = at_ms
            return index - 1
        ats.insert(index, at_ms)
        cells.insert(index, [at_ms, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        if at_ms < self._now_ms - self.window:
            self._head += 1
            self._tail += 1
        elif at_ms <= self._now_ms + self.window:
            self._tail += 1
        return index

    # --- the window's place ---

    def _seek(self, now_ms: int) -> None:
        """Sum the cells around an instant. It is widened first, so that what is summed stays one run of cells."""
        if now_ms == self._now_ms:
            return
        self._now_ms = now_ms
        first, last = now_ms - self.window, now_ms + self.window
        ats = self._ats
        head, tail = self._head, self._tail
        while tail < len(ats) and ats[tail] <= last:
            self._count(tail, 1)
            tail += 1
        while head > 0 and ats[head - 1] >= first:
            head -= 1
            self._count(head, 1)
        while head < tail and ats[head] < first:
            self._count(head, -1)
            head += 1
        while tail > head and ats[tail - 1] > last:
            tail -= 1
            self._count(tail, -1)
        self._head, self._tail = head, tail
        if head >= self._max_instants + _FORGOTTEN_AT_ONCE:
            self._forget(head - self._max_instants)

    def _count(self, index: int, sign: int) -> None:
        cell = self._cells[index]
        held, reserved = self._held, self._reserved
        for figure in _FIGURES:
            held[figure] += sign * cell[_HELD + figure]
            reserved[figure] += sign * cell[_RESERVED + figure]

    def _forget(self, count: int) -> None:
        """Let go of the oldest cells that have left, up to one in which something is still reserved."""
        cells = self._cells
        for index in range(count):
            if cells[index][_RESERVED + CALLS] or any(cells[index][_RESERVED:]):
                count = index
                break
        self.encoded = None
        del cells[:count], self._ats[:count]
        self._head -= count
        self._tail -= count

    # --- reading ---

    def held(self, at_ms: int, metric: int) -> int:
        """Used and reserved in the fullest window that an instant, the present one, lies in."""
        self._seek(at_ms)
        if self._tail and self._ats[self._tail - 1] > at_ms:
            return self.held_then(at_ms, metric)
        return self._held[metric]

    def used(self, at_ms: int, metric: int) -> int:
        """The same without what is reserved."""
        self._seek(at_ms)
        if self._tail and self._ats[self._tail - 1] > at_ms:
            return self._fullest(at_ms, lambda cell: cell[_HELD + metric] - cell[_RESERVED + metric])
        return self._held[metric] - self._reserved[metric]

    def held_then(self, at_ms: int, metric: int) -> int:
        """Used and reserved in the fullest window that an instant of the past lies in; linear in the cells of two windows."""
        return self._fullest(at_ms, lambda cell: cell[_HELD + metric])

    def _fullest(self, at_ms: int, figure: Callable[[list[int]], int]) -> int:
        ats, cells, window = self._ats, self._cells, self.window
        head = bisect_left(ats, at_ms - window)
        later = bisect_right(ats, at_ms, head)
        total = fullest = sum(map(figure, cells[head:later]))
        for index in range(later, bisect_right(ats, at_ms + window, later)):
            total += figure(cells[index])
            while ats[head] < ats[index] - window:
                total -= figure(cells[head])
                head += 1
            fullest = max(fullest, total)
        return fullest

    def ends_ms(self, now_ms: int, metric: int, most: int) -> int | None:
        """When at most `most` will be used, if nothing more is; None: never, however long one waits."""
        if most < 0:
            return None
        self._seek(now_ms)
        left = self._held[metric] - self._reserved[metric]
        for index in range(self._head, self._tail):
            if left <= most:
                break
            cell = self._cells[index]
            left -= cell[_HELD + metric] - cell[_RESERVED + metric]
            now_ms = self._ats[index] + self.window + 1  # a start is inside its window
        return now_ms

    def pending(self, now_ms: int) -> bool:
        """Whether something may have been used in this window that is not known here."""
        return not self.complete and now_ms - self.window < self.since_ms

    # --- keeping ---

    def replace_used(self, now_ms: int, used: list[tuple[int, Amounts]]) -> None:
        """Know from now on all that was used in the window at `now_ms`: (instant of admission, amounts)."""
        self.encoded = None
        for cell in self._cells:
            cell[_HELD:_RESERVED] = cell[_RESERVED:]
        self._held = list(self._reserved)
        self._seek(now_ms)
        for at_ms, amounts in sorted(used):
            if at_ms >= now_ms - self.window:
                self.add(at_ms, amounts, (0, 0, 0, 0, 0))
        self.complete = True

    def sweep(self, now_ms: int, kept_sweeps: int = KEPT_SWEEPS) -> None:
        """Let go of cells that left the window an hour ago or more, and in which nothing is reserved."""
        self._seek(now_ms)
        self._sweeps += 1
        if self._sweeps <= kept_sweeps:
            return
        self._sweeps = 0
        if self._left_at_ms is not None:
            self._forget(min(self._head, bisect_right(self._ats, self._left_at_ms)))
        self._left_at_ms = self._ats[self._head - 1] if self._head else None

    @property
    def empty(self) -> bool:
        """Whether nothing is kept here."""
        return not self._cells

    def state(self) -> dict[str, Any]:
        """As plain values, to be encoded at once: they are not copied."""
        return {
            "since_ms": self.since_ms,
            "complete": self.complete,
            "ats": self._ats,
            "cells": self._cells,
            "now": self._now_ms,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.since_ms, self.complete = state["since_ms"], state["complete"]
        self._ats = list(state["ats"])
        self._cells = [list(cell) for cell in state["cells"]]
        self._now_ms = state["now"] - 1  # another instant, so that there is something to seek
        self._seek(state["now"])
