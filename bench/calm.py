"""Whether the cores run at full speed just now. What shares a physical core with ours, on the same host but in nobody's list of
processes here, takes up to half of it; a round then measures the neighbour.

The speed of a core is that of a fixed piece of Python, in CPU time, beside the fastest that it ran in this run.
"""

from __future__ import annotations

import os
import time

import msgspec

CALM = 0.88  # of the fastest
PATIENCE_S = 300.0  # in all
_PROBES = 4
_PAUSE_S = 0.5


class Waiting(msgspec.Struct, kw_only=True):
    """What a run has waited for calm: how often, how long, and for how many rounds in vain."""

    rounds: int = 0
    waited_s: float = 0.0
    disturbed: int = 0


class Calm:
    """One a run; it looks at all cores that we may use."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.waiting = Waiting()
        self._patience_s = patience_s
        self._cores = sorted(os.sched_getaffinity(0))
        self._best_s = min(_probe(self._cores) for _ in range(20))

    def wait(self) -> None:
        """Return once every core is calm, or when there is no patience left."""
        began = time.monotonic()
        self.waiting.rounds += 1
        while not (calm := self._is_calm()) and self.waiting.waited_s + time.monotonic() - began < self._patience_s:
            time.sleep(_PAUSE_S)
        self.waiting.waited_s += time.monotonic() - began
        self.waiting.disturbed += not calm

    def _is_calm(self) -> bool:
        for core in self._cores:
            took_s = min(_probe([core]) for _ in range(_PROBES))
            self._best_s = min(self._best_s, took_s)
            if self._best_s / took_s < CALM:
                return False
        return True


def _probe(cores: list[int]) -> float:
    """CPU seconds of the fixed piece, on the fastest of these cores; some ten milliseconds each."""
    allowed = os.sched_getaffinity(0)
    took: list[float] = []
    try:
        for core in cores:
            os.sched_setaffinity(0, {core})
            began = time.thread_time()
            _work()
            took.append(time.thread_time() - began)
    finally:
        os.sched_setaffinity(0, allowed)
    return min(took)


def _work() -> None:
    texts: dict[int, str] = {}
    for number in range(60_000):
        texts[number % 1_000] = str(number)
