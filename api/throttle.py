"""How many guesses somebody has: counted before each try, in this process, so that parallel tries cannot share one count."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

_KEYS: Final = 10_000


class Throttle:
    """At most `most` tries of a key within `window_s` seconds. The clock is an argument; memory is bounded."""

    def __init__(self, most: int, window_s: float) -> None:
        self.most = most
        self.window_s = window_s
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Count a try of `key` and return 0, or the seconds until one is heard again."""
        tries = self._tries.setdefault(key, deque())
        self._tries.move_to_end(key)
        if len(self._tries) > _KEYS:
            self._tries.popitem(last=False)
        while tries and tries[0] <= now - self.window_s:
            tries.popleft()
        if len(tries) >= self.most:
            return tries[0] + self.window_s - now
        tries.append(now)
        return 0.0

    def forget(self, key: str) -> None:
        """A right guess: what came before it counts no more."""
        self._tries.pop(key, None)
