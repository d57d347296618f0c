"""How many guesses somebody has: counted before each try, in this process, so that parallel tries cannot share one count."""

from __future__ import annotations

from collections import deque
from typing import Final

_KEYS: Final = 10_000


class Throttle:
    """At most `most` tries of a key within `window_s` seconds. The clock is an argument; memory is bounded: of more than `keys`
    keys, those with the fewest tries that still count are forgotten, so that made-up keys cannot push out one that waits."""

    def __init__(self, most: int, window_s: float, *, keys: int = _KEYS) -> None:
        self.most = most
        self.window_s = window_s
        self._keys = keys
        self._tries: dict[str, deque[float]] = {}

    def wait_s(self, key: str, now: float) -> float:
        """Count a try of `key` and return 0, or the seconds until one is heard again."""
        tries = self._tries.get(key)
        if tries is None:
            if len(self._tries) >= self._keys:
                self._make_room(now)
            tries = self._tries[key] = deque()
        self._leave_window(tries, now)
        if len(tries) >= self.most:
            return tries[0] + self.window_s - now
        tries.append(now)
        return 0.0

    def forget(self, key: str) -> None:
        """A right guess: what came before it counts no more."""
        self._tries.pop(key, None)

    def _make_room(self, now: float) -> None:
        """A tenth at once, so that a flood of new keys is not one search for each."""
        for tries in self._tries.values():
            self._leave_window(tries, now)
        least = sorted(self._tries, key=lambda key: (len(self._tries[key]), max(self._tries[key], default=0.0)))
        for key in least[: max(1, self._keys // 10)]:
            del self._tries[key]

    def _leave_window(self, tries: deque[float], now: float) -> None:
        while tries and tries[0] <= now - self.window_s:
            tries.popleft()
