"""What one scope has used and reserved in one window. Exact integers; no clock: every instant comes in as an argument.

`held` is used and reserved together, so that a limit is one comparison. A request belongs to the windows of its admission: what
is reserved, moved and settled for it is added at that instant, whenever it happens.

The clock may jump. Calendar windows are kept by their start, so a request always finds its own; a rolling window looks at
`now - length .. now + length`, for a request that comes "before" others shares windows with them. What is over is kept for
`KEPT_SWEEPS` further looks, so that a clock that was wrong for an hour has lost nothing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from core.fields import CalendarWindow
from core.limits.amounts import CALLS, Amounts
from core.limits.rolling import KEPT_SWEEPS, RollingUsage
from core.limits.windows import Window, calendar_bounds

WindowUsage: TypeAlias = "CalendarUsage | RollingUsage"


class Counter:
    """One calendar window of one scope: its first instant, the one after its last, and five figures each."""

    __slots__ = ("end_ms", "held", "over", "reserved", "start_ms")

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.held = [0, 0, 0, 0, 0]
        self.reserved = [0, 0, 0, 0, 0]
        self.over = 0  # at how many looks in a row it was over


class CalendarUsage:
    """The counters of one scope in one kind of calendar window."""

    __slots__ = ("_counters", "_current", "complete", "encoded", "generation", "idle", "since_ms", "window")

    def __init__(self, window: CalendarWindow, since_ms: int, complete: bool) -> None:
        self.window: CalendarWindow = window
        self.since_ms = since_ms
        self.complete = complete
        self.generation = 0  # of the newest revision that names it
        self.idle = 0  # how many looks in a row it was empty, and unnamed
        self.encoded: bytes | None = None  # the state as it was last written; None once it has changed
        self._counters: dict[int, Counter] = {}
        self._current = Counter(0, 0)

    def _counter(self, at_ms: int) -> Counter:
        counter = self._current
        if counter.start_ms <= at_ms < counter.end_ms:
            return counter
        start, end = calendar_bounds(self.window, at_ms)
        found = self._counters.get(start)
        if found is None:
            found = self._counters[start] = Counter(start, end)
        self._current = found
        return found

    def add(self, at_ms: int, held: Amounts, reserved: Amounts) -> None:
        """Change what is held, and what of it is reserved, for a request admitted at that instant."""
        self.encoded = None
        counter = self._current
        if not counter.start_ms <= at_ms < counter.end_ms:
            counter = self._counter(at_ms)
        total = counter.held
        a, b, c, d, e = held
        total[0] += a
        total[1] += b
        total[2] += c
        total[3] += d
        total[4] += e
        total = counter.reserved
        a, b, c, d, e = reserved
        total[0] += a
        total[1] += b
        total[2] += c
        total[3] += d
        total[4] += e

    def held(self, at_ms: int, metric: int) -> int:
        """Used and reserved in the window of an instant."""
        counter = self._current
        if not counter.start_ms <= at_ms < counter.end_ms:
            counter = self._counter(at_ms)
        return counter.held[metric]

    held_then = held  # a counter is the same whenever it is asked

    def used(self, at_ms: int, metric: int) -> int:
        """Used in the window of an instant, without what is reserved."""
        counter = self._counter(at_ms)
        return counter.held[metric] - counter.reserved[metric]

    def ends_ms(self, now_ms: int, metric: int, most: int) -> int | None:
        """When at most `most` will be used; None: never, however long one waits."""
        return calendar_bounds(self.window, now_ms)[1] if most >= 0 else None

    def pending(self, now_ms: int) -> bool:
        """Whether something may have been used in this window that is not known here."""
        return not self.complete and calendar_bounds(self.window, now_ms)[0] < self.since_ms

    def replace_used(self, now_ms: int, used: list[tuple[int, Amounts]]) -> None:
        """Know from now on all that was used in the window of `now_ms`: (instant of admission, amounts)."""
        self.encoded = None
        counter = self._counter(now_ms)
        counter.held = list(counter.reserved)
        for at_ms, amounts in used:
            if counter.start_ms <= at_ms < counter.end_ms:
                counter.held = [one + other for one, other in zip(counter.held, amounts, strict=True)]
        self.complete = True

    def sweep(self, now_ms: int, kept_sweeps: int = KEPT_SWEEPS) -> None:
        """Let go of counters that are over for long, and in which nothing is reserved."""
        for start, counter in list(self._counters.items()):
            counter.over = counter.over + 1 if counter.end_ms <= now_ms else 0
            if counter.over > kept_sweeps and not counter.reserved[CALLS] and not any(counter.reserved):
                self.encoded = None
                del self._counters[start]
                if counter is self._current:
                    self._current = Counter(0, 0)

    @property
    def empty(self) -> bool:
        """Whether nothing is kept here."""
        return not self._counters

    def state(self) -> dict[str, Any]:
        """As plain values, to be encoded at once: they are not copied."""
        return {
            "since_ms": self.since_ms,
            "complete": self.complete,
            "counters": [(start, counter.held, counter.reserved) for start, counter in self._counters.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.since_ms, self.complete = state["since_ms"], state["complete"]
        for start, held, reserved in state["counters"]:
            counter = self._counters[start] = Counter(*calendar_bounds(self.window, start))
            counter.held, counter.reserved = list(held), list(reserved)


def new_usage(window: Window, since_ms: int, complete: bool) -> WindowUsage:
    """An empty count that begins at an instant; `complete` where nothing can have been used before it."""
    kind = RollingUsage if isinstance(window, int) else CalendarUsage
    return kind(window, since_ms, complete)  # type: ignore[arg-type]  # each kind is given its own sort of window
