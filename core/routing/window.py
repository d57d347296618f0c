"""Records of one model over a sliding window, and their weighted sums, kept up to date record by record.

Weights are 2^(−age/half-life). Everything is summed relative to a fixed instant in exact integers: a weight is a 53-bit
mantissa times a power of two, so what leaves the window is subtracted without a remainder, an empty window sums to exactly 0,
and sums do not depend on the order in which records came. Age enters once, when a sum is read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import ldexp
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

MAX_INSTANTS = 4096
_MANTISSA_BITS = 52
_ONE = float(1 << _MANTISSA_BITS)
_REBASE_BITS = 256  # how far sums may grow above their base before they are shifted down
_SMALLEST_EXPONENT = -640  # from there on integers are too long to be multiplied as floats
_PRUNE = 1024


class Cell(msgspec.Struct, gc=False):
    """What happened at one instant, or in a short span from that instant on."""

    at_ms: int
    errors: int = 0
    successes: int = 0
    latency_us: int = 0  # summed over the successes
    timed: int = 0  # successes that had a first token
    ttft_us: int = 0  # summed over those

    def join(self, other: Cell) -> None:
        """Take over what happened in another one; the instant stays."""
        self.errors += other.errors
        self.successes += other.successes
        self.latency_us += other.latency_us
        self.timed += other.timed
        self.ttft_us += other.ttft_us


# A weighted mean over successes that have the figure, and how many those are. Never changed once made.
Mean: TypeAlias = dict[str, float]

_copy = Cell.__copy__  # type: ignore[attr-defined]  # every Struct has it
_instant = attrgetter("at_ms")


class Window:
    """Cells in order of time, no older than `window_ms`, its start included.

    Exact up to `max_instants`; from there on new records join the cell before them, and so move to an earlier instant by at
    most a thousandth of the window. Adding and expiring cost O(1) amortised. Time is not expected to run backwards: what has
    left the window stays out.
    """

    __slots__ = ("_span_ms", "cells", "head", "max_instants", "merged", "start_ms", "window_ms")

    def __init__(self, window_ms: int, max_instants: int = MAX_INSTANTS) -> None:
        self.window_ms = window_ms
        self.max_instants = max_instants
        self._span_ms = window_ms // 1000
        self.cells: list[Cell] = []
        self.head = 0  # cells before it have left
        self.start_ms = 0
        self.merged = False  # whether instants were ever moved

    def fill(self, cells: Iterable[Cell]) -> None:
        """Take over cells that are in order already; they are copied."""
        for cell in cells:
            if cell.at_ms >= self.start_ms:
                self.cells.append(_copy(cell))
                self._enter(cell, cell.at_ms)

    def add(self, cell: Cell) -> None:
        """Count a new record, which stays the caller's; one from before the window's last known start is of no interest."""
        cells = self.cells
        at_ms = cell.at_ms
        if len(cells) == self.head:
            if at_ms >= self.start_ms:
                self._insert(len(cells), cell)
            return
        newest = cells[-1]
        gap = at_ms - newest.at_ms
        if gap == 0 or (0 < gap <= self._span_ms and len(cells) - self.head >= self.max_instants):
            self._join(newest, cell)
        elif gap > 0:
            self._insert(len(cells), cell)
        elif at_ms >= self.start_ms:
            self._add_late(cell)

    def _add_late(self, cell: Cell) -> None:
        """Records arrive almost in order: one that is late goes where it belongs, or into the cell before that."""
        cells, at_ms = self.cells, cell.at_ms
        at = len(cells) - 1
        if at > self.head and cells[at - 1].at_ms >= at_ms:  # else it is as late as most late ones: by one cell
            at = bisect_left(cells, at_ms, self.head, key=_instant)
        if cells[at].at_ms == at_ms:
            self._join(cells[at], cell)
            return
        full = len(cells) - self.head >= self.max_instants
        if full and at > self.head and at_ms - cells[at - 1].at_ms <= self._span_ms:
            self._join(cells[at - 1], cell)
        else:
            self._insert(at, cell)

    def _join(self, into: Cell, cell: Cell) -> None:
        self.merged |= into.at_ms != cell.at_ms
        into.join(cell)
        self._enter(cell, into.at_ms)

    def _insert(self, at: int, cell: Cell) -> None:
        self.cells.insert(at, _copy(cell))
        self._enter(cell, cell.at_ms)

    def advance(self, now_ms: int) -> None:
        """Let go of what is older than the window at that instant."""
        start = now_ms - self.window_ms
        if start <= self.start_ms:
            return
        self.start_ms = start
        cells = self.cells
        head = self.head
        if head == len(cells) or cells[head].at_ms >= start:
            return
        while head < len(cells) and cells[head].at_ms < start:
            self._leave(cells[head])
            head += 1
        if head > _PRUNE and head * 2 > len(cells):
            del cells[:head]
            head = 0
        self.head = head
        self._left()

    def kept(self) -> list[Cell]:
        """The cells inside the window, oldest first."""
        return self.cells[self.head :]

    def _enter(self, cell: Cell, at_ms: int) -> None:
        """A record came in and counts as of that instant."""

    def _leave(self, cell: Cell) -> None:
        """A cell went out."""

    def _left(self) -> None:
        """Cells have expired."""


class Tally(Window):
    """A window with plain counts."""

    __slots__ = ("records",)

    def __init__(self, window_ms: int, max_instants: int = MAX_INSTANTS) -> None:
        super().__init__(window_ms, max_instants)
        self.records = 0

    def _enter(self, cell: Cell, at_ms: int) -> None:
        self.records += cell.errors + cell.successes

    def _leave(self, cell: Cell) -> None:
        self.records -= cell.errors + cell.successes


class Decay:
    """2^(−now/half-life), what turns sums into weights by age: computed once for all models."""

    __slots__ = ("now_ms", "power", "scale")

    def __init__(self, half_life_ms: int, now_ms: int) -> None:
        self.now_ms = now_ms
        self.power, rest = divmod(now_ms, half_life_ms) if half_life_ms else (0, 0)
        self.scale: float = 2.0 ** (-rest / half_life_ms) if rest else 1.0


class Aggregate(Window):
    """A window with the weighted sums that policies read. `half_life_ms` 0 is unweighted."""

    __slots__ = (
        "_base", "_errors", "_latency", "_successes", "_timed", "_ttft", "_weighed_ms", "_weighed_with",
        "half_life_ms", "means", "records", "successes", "timed",
    )  # fmt: skip

    def __init__(self, window_ms: int, half_life_ms: int, max_instants: int = MAX_INSTANTS) -> None:
        super().__init__(window_ms, max_instants)
        self.half_life_ms = half_life_ms
        self.records = self.successes = self.timed = 0  # plain counts
        self._base = 0  # the power of two that all sums are multiples of
        self._errors = self._successes = self._latency = self._timed = self._ttft = 0
        # The instant that was weighed last, with what: records of a busy model share instants.
        self._weighed_ms: int | None = None
        self._weighed_with = 0
        self.means: tuple[Mean | None, Mean | None] | None = None  # see `averaged`; None: not known yet

    def _enter(self, cell: Cell, at_ms: int) -> None:
        weight = self._weighed_with if at_ms == self._weighed_ms else self._weight(at_ms)
        self.means = None
        if cell.errors:
            self._errors += weight * cell.errors
            self.records += cell.errors
        if cell.successes:
            self._successes += weight * cell.successes
            self._latency += weight * cell.latency_us
            self.records += cell.successes
            self.successes += cell.successes
        if cell.timed:
            self._timed += weight * cell.timed
            self._ttft += weight * cell.ttft_us
            self.timed += cell.timed

    def _leave(self, cell: Cell) -> None:
        weight = self._weight(cell.at_ms)
        self.means = None
        self._errors -= weight * cell.errors
        self._successes -= weight * cell.successes
        self._latency -= weight * cell.latency_us
        self._timed -= weight * cell.timed
        self._ttft -= weight * cell.ttft_us
        self.records -= cell.errors + cell.successes
        self.successes -= cell.successes
        self.timed -= cell.timed
        if not self.records:
            self._weighed_ms = None  # the next record brings a base of its own

    def _weight(self, at_ms: int) -> int:
        """2^(at/half-life) as an integer, in units of 2^(base − 52)."""
        power, rest = divmod(at_ms, self.half_life_ms) if self.half_life_ms else (0, 0)
        if not self.records:
            self._base = power
        elif power < self._base:
            self._shift(power - self._base)
        mantissa = int(2.0 ** (rest / self.half_life_ms) * _ONE) if rest else 1 << _MANTISSA_BITS
        self._weighed_ms = at_ms
        self._weighed_with = mantissa << (power - self._base)
        return self._weighed_with

    def _shift(self, bits: int) -> None:
        """Move the base. Upwards it is exact too: every record left is a multiple of the new base."""
        self._base += bits
        self._weighed_ms = None
        for name in ("_errors", "_successes", "_latency", "_timed", "_ttft"):
            value = getattr(self, name)
            setattr(self, name, value >> bits if bits > 0 else value << -bits)

    def _left(self) -> None:
        if self.half_life_ms and self.records:
            grown = self.cells[self.head].at_ms // self.half_life_ms - self._base
            if grown > _REBASE_BITS:
                self._shift(grown)

    def error_share(self) -> float:
        """Weighted errors and timeouts among all records, 0..1; there must be a record."""
        return self._errors / (self._errors + self._successes)

    def weighted(self, decay: Decay) -> tuple[float, float]:
        """(errors, all records), each weighing 2^(−age/half-life) at the decay's instant; no record may be younger."""
        errors = self._errors
        total = errors + self._successes if errors else self._successes
        exponent = self._base - decay.power - _MANTISSA_BITS
        if exponent < _SMALLEST_EXPONENT:
            return errors / (1 << -exponent) * decay.scale, total / (1 << -exponent) * decay.scale
        factor = ldexp(decay.scale, exponent)
        return errors * factor, total * factor

    def averaged(self) -> tuple[Mean | None, Mean | None]:
        """`means`, made anew after a change: (of the times to the first token, of the latencies)."""
        self.means = means = (
            {"mean_ms": self._ttft / (self._timed * 1000), "samples": self.timed} if self._timed else None,
            {"mean_ms": self._latency / (self._successes * 1000), "samples": self.successes} if self._successes else None,
        )
        return means


def from_state(rows: Iterable[Iterable[Any]]) -> list[Cell]:
    """Cells as they were written into a checkpoint."""
    return [Cell(*row) for row in rows]


def to_state(cells: Iterable[Cell]) -> list[tuple[Any, ...]]:
    """Cells as plain values."""
    return [msgspec.structs.astuple(cell) for cell in cells]
