"""One timer a connection. Moving a deadline later is an assignment: the timer looks again when it fires."""

from __future__ import annotations

import asyncio
from math import inf


class DeadlineProtocol(asyncio.Protocol):
    """A protocol with one deadline, in loop time; `expire` is called once when it has passed."""

    __slots__ = ("_armed_at", "_loop", "_timer", "deadline")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.deadline = inf  # may be moved later, or to infinity, by plain assignment
        self._armed_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def expire_at(self, when: float) -> None:
        """Set the deadline, sooner or later than before."""
        self.deadline = when
        if when < self._armed_at:
            if self._timer is not None:
                self._timer.cancel()
            self._armed_at = when
            self._timer = self._loop.call_at(when, self._look)

    def expire(self) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def drop_deadline(self) -> None:
        """The end: no timer refers to this object any more."""
        self.deadline = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        self._armed_at = inf
        # uvloop's clock counts milliseconds, so a timer may seem to fire just before its time.
        if self.deadline <= self._loop.time() + 0.001:
            self.deadline = inf
            self.expire()
        elif self.deadline < inf:
            self.expire_at(self.deadline)
