"""Telling whoever follows something that it is another now. What it is they look up themselves, so nothing is buffered and a
slow follower skips what was in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator


class Signal:
    """Many followers of one thing; of one event loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    @property
    def followed(self) -> bool:
        """Whether anybody follows."""
        return bool(self._waiting)

    def notify(self) -> None:
        """It is another now."""
        for waiting in self._waiting:
            waiting.set()

    def close(self) -> None:
        """Every following ends, now and from now on."""
        self._closed = True
        self.notify()

    async def follow(self) -> AsyncGenerator[None, None]:
        """Once at the start, and once or more after each change, until `close`."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while not self._closed:
                changed.clear()
                yield
                await changed.wait()
        finally:
            self._waiting.discard(changed)
