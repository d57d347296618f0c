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
from typing import Any, NamedTuple

MAX_INSTANTS = 4096
_MANTISSA_BITS = 52
_ONE = float(1 << _MANTISSA_BITS)
_REBASE_BITS = 256  # how far sums may grow above their base before they are shifted down
_SMALLEST_EXPONENT = -640  # from there on integers are too long to be multiplied as floats
_PRUNE = 1024


class Cell(NamedTuple):
    """What happened at one instant, or in a short span merged into its last instant."""

    at_ms: int
    first_ms: int
    errors: int
    successes: int
    latency_us: int  # summed over the successes
    timed: int  # successes that had a first token
    ttft_us: int  # summed over those

    def merged(self, other: Cell) -> Cell:
        """Both in one, at the later instant."""
        return Cell(
            max(self.at_ms, other.at_ms),
            min(self.first_ms, other.first_ms),
            self.errors + other.errors,
            self.successes + other.successes,
            self.latency_us + other.latency_us,
            self.timed + other.timed,
            self.ttft_us + other.ttft_us,
        )


_instant = attrgetter("at_ms")


class Window:
    """Cells in order of time, no older than `window_ms`, its start included.

    Exact up to `max_instants`; from there on new records join their neighbour, moved to the later of both instants by at most
    a thousandth of the window. Adding and expiring cost O(1) amortised. Time is not expected to run backwards: what has
    left the window stays out.
    """

    __slots__ = ("cells", "head", "max_instants", "merged", "start_ms", "window_ms")

    def __init__(self, window_ms: int, max_instants: int = MAX_INSTANTS) -> None:
        self.window_ms = window_ms
        self.max_instants = max_instants
        self.cells: list[Cell] = []
        self.head = 0  # cells before it have left
        self.start_ms = 0
        self.merged = False  # whether instants were ever moved

    def fill(self, cells: Iterable[Cell]) -> None:
        """Take over cells that are in order already."""
        for cell in cells:
            if cell.at_ms >= self.start_ms:
                self.cells.append(cell)
                self._enter(cell)

    def add(self, cell: Cell) -> None:
        """Count a new record; one from before the window's last known start is no more of interest."""
        cells = self.cells
        if len(cells) == self.head or cell.at_ms > cells[-1].at_ms:
            if self._joins(cell):
                self._replace(len(cells) - 1, cell)
                return
            cells.append(cell)
            self._enter(cell)
        elif cell.at_ms >= self.start_ms:
            self._add_late(cell)

    def _joins(self, cell: Cell) -> bool:
        """Whether a newest record is to share the cell of the one before it."""
        if len(self.cells) - self.head < self.max_instants:
            return False
        self.merged = True
        return (cell.at_ms - self.cells[-1].first_ms) * 1000 <= self.window_ms

    def _add_late(self, cell: Cell) -> None:
        """Records arrive almost in order: one that is late goes where it belongs, or into its later neighbour."""
        cells, at_ms = self.cells, cell.at_ms
        at = len(cells) - 1
        if at > self.head and cells[at - 1].at_ms >= at_ms:  # else it is as late as most late ones: by one cell
            at = bisect_left(cells, at_ms, self.head, key=_instant)
        neighbour = cells[at]
        full = len(self.cells) - self.head >= self.max_instants
        self.merged |= full
        if neighbour.at_ms == cell.at_ms or (full and (neighbour.at_ms - cell.at_ms) * 1000 <= self.window_ms):
            self._replace(at, cell)
        else:
            self.cells.insert(at, cell)
            self._enter(cell)

    def _replace(self, at: int, cell: Cell) -> None:
        """Merge a record into the cell at that position."""
        old = self.cells[at]
        new = self.cells[at] = old.merged(cell)
        if cell.at_ms == old.at_ms:
            self._enter(cell)
        else:
            self._leave(old)
            self._enter(new)

    def advance(self, now_ms: int) -> None:
        """Let go of what is older than the window at that instant."""
        start = now_ms - self.window_ms
        if start <= self.start_ms:
            return
        self.start_ms = start
        cells = self.cells
        head = self.head
        while head < len(cells) and cells[head].at_ms < start:
            self._leave(cells[head])
            head += 1
        if head == self.head:
            return
        if head > _PRUNE and head * 2 > len(cells):
            del cells[:head]
            head = 0
        self.head = head
        self._left()

    def kept(self) -> list[Cell]:
        """The cells inside the window, oldest first."""
        return self.cells[self.head :]

    def _enter(self, cell: Cell) -> None:
        """A cell came in."""

    def _leave(self, cell: Cell) -> None:
        """A cell went out, or is about to be replaced."""

    def _left(self) -> None:
        """Cells have expired."""


class Decay:
    """2^(−now/half-life), what turns sums into weights by age: computed once for all models."""

    __slots__ = ("power", "scale")

    def __init__(self, half_life_ms: int, now_ms: int) -> None:
        self.power, rest = divmod(now_ms, half_life_ms) if half_life_ms else (0, 0)
        self.scale: float = 2.0 ** (-rest / half_life_ms) if rest else 1.0


class Aggregate(Window):
    """A window with the weighted sums that policies read. `half_life_ms` 0 is unweighted."""

    __slots__ = (
        "_base", "_errors", "_latency", "_successes", "_timed", "_ttft", "half_life_ms", "records", "successes", "timed",
    )  # fmt: skip

    def __init__(self, window_ms: int, half_life_ms: int, max_instants: int = MAX_INSTANTS) -> None:
        super().__init__(window_ms, max_instants)
        self.half_life_ms = half_life_ms
        self.records = self.successes = self.timed = 0  # plain counts
        self._base = 0  # the power of two that all sums are multiples of
        self._errors = self._successes = self._latency = self._timed = self._ttft = 0

    def _enter(self, cell: Cell) -> None:
        self._count(cell, 1)

    def _leave(self, cell: Cell) -> None:
        self._count(cell, -1)

    def _count(self, cell: Cell, sign: int) -> None:
        weight = sign * self._weight(cell.at_ms)
        if cell.errors:
            self._errors += weight * cell.errors
            self.records += sign * cell.errors
        if cell.successes:
            self._successes += weight * cell.successes
            self._latency += weight * cell.latency_us
            self.records += sign * cell.successes
            self.successes += sign * cell.successes
        if cell.timed:
            self._timed += weight * cell.timed
            self._ttft += weight * cell.ttft_us
            self.timed += sign * cell.timed

    def _weight(self, at_ms: int) -> int:
        """2^(at/half-life) as an integer, in units of 2^(base − 52)."""
        power, rest = divmod(at_ms, self.half_life_ms) if self.half_life_ms else (0, 0)
        if not self.records:
            self._base = power
        elif power < self._base:
            self._shift(power - self._base)
        mantissa = int(2.0 ** (rest / self.half_life_ms) * _ONE) if rest else 1 << _MANTISSA_BITS
        return mantissa << (power - self._base)

    def _shift(self, bits: int) -> None:
        """Move the base. Upwards it is exact too: every record left is a multiple of the new base."""
        self._base += bits
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
        errors, total = self._errors, self._errors + self._successes
        exponent = self._base - decay.power - _MANTISSA_BITS
        if exponent < _SMALLEST_EXPONENT:
            return errors / (1 << -exponent) * decay.scale, total / (1 << -exponent) * decay.scale
        factor = ldexp(decay.scale, exponent)
        return errors * factor, total * factor

    def mean_latency_ms(self) -> float | None:
        """Weighted mean over successes; None without one."""
        return self._latency / (self._successes * 1000) if self.successes else None

    def mean_ttft_ms(self) -> float | None:
        """Weighted mean over successes that had a first token; None without one."""
        return self._ttft / (self._timed * 1000) if self.timed else None


def from_state(rows: Iterable[Iterable[Any]]) -> list[Cell]:
    """Cells as they were written into a checkpoint."""
    return [Cell(*row) for row in rows]
