"""How far a limit is used up, and what that has to say. Pure: no clock, no I/O.

A calendar window says each thing once: at four fifths, used up, and, if it said anything, that it has begun anew. A rolling one
begins to speak when its use rises to four fifths and ends with `reset` when it is below again; it begins anew at the earliest
its own length later, and a minute, so that use which hovers around the share is not said at every request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from core.limits import METRICS, Effective, Window, window_of
from core.limits.windows import calendar_bounds

SHARE: Final = (4, 5)
_QUIET_MS: Final = 60_000

Said: TypeAlias = Literal["share", "exhausted", "reset"]
_STEPS: Final[tuple[Said, ...]] = ("share", "exhausted")


class WatchedLimit:
    """One limit and what it has said. `key` tells it from others: a limit whose value was changed is another one."""

    __slots__ = ("_levels", "_quiet_until", "effective", "key", "metric", "value", "window")

    def __init__(self, effective: Effective) -> None:
        self.effective = effective
        self.window: Window = window_of(effective.rule.window)
        self.metric = METRICS.index(effective.rule.metric)
        self.value = effective.amount
        self.key = key_of(*effective.scope, effective.rule.metric, str(self.window), self.value)
        self._levels: dict[int, int] = {}  # by the start of a window that something was said of: how many of `_STEPS`
        self._quiet_until = 0

    @property
    def speaking(self) -> bool:
        """Whether something was said that a reset has not ended."""
        return bool(self._levels)

    def remember(self, said: Said, start_ms: int) -> None:
        """Take up what was said before a restart; to be told in the order in which it was said."""
        if said != "reset":
            self._levels[start_ms] = max(self._levels.get(start_ms, 0), _STEPS.index(said) + 1)
        elif self._levels.pop(start_ms, None) is not None and isinstance(self.window, int):
            self._quiet_until = start_ms + max(self.window, _QUIET_MS)

    def over(self, now_ms: int, used: int) -> Iterator[tuple[Said, int]]:
        """(`reset`, start of the window) for what has ended by now; `used` is the use at that instant."""
        for start in list(self._levels):
            if self._ended(start, now_ms, used):
                self.remember("reset", start)
                yield "reset", start

    def look(self, at_ms: int, used: int) -> Iterator[tuple[Said, int]]:
        """(what, start of the window) for each step that the use at an instant has newly reached."""
        level = self._level(used)
        if not level:
            return
        start = self._start(at_ms)
        if start is None:
            return
        for step in range(self._levels.get(start, 0), level):
            self._levels[start] = step + 1
            yield _STEPS[step], start

    def resets_ms(self, start_ms: int) -> int | None:
        """When a window that began then is over; None where it rolls."""
        return None if isinstance(self.window, int) else calendar_bounds(self.window, start_ms)[1]

    def _level(self, used: int) -> int:
        if not self.value:
            return 0  # it blocks from the beginning: nothing is used up
        if used >= self.value:
            return 2
        share, whole = SHARE
        return 1 if used * whole >= self.value * share else 0

    def _start(self, at_ms: int) -> int | None:
        """The window to speak of; None: it is to be quiet."""
        if not isinstance(self.window, int):
            return calendar_bounds(self.window, at_ms)[0]
        if self._levels:
            return next(iter(self._levels))
        return at_ms if at_ms >= self._quiet_until else None

    def _ended(self, start_ms: int, now_ms: int, used: int) -> bool:
        if isinstance(self.window, int):
            return not self._level(used)
        return calendar_bounds(self.window, start_ms)[1] <= now_ms


def key_of(project: str, token: str, model: str, metric: str, window: str, value: int) -> str:
    """What tells one limit from all others."""
    return f"{project}:{token}:{model}:{metric}:{window}:{value}"
