"""What each proxy runs, how far it is behind, and what it refused last: read from what the proxies say themselves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from api.clock import now_ms
from api.publish import Publisher, is_alive
from api.signals import Signal
from api.wakeups import Wakeups
from core.published import ProxyState, delta_name, full_name


class ProxyReport(msgspec.Struct, frozen=True, kw_only=True):
    """One proxy as it is now. `lag_ms` is how long the oldest publication that it does not run has been there."""

    state: ProxyState
    connected: bool
    behind: int
    lag_ms: int
    seen_at_ms: int

    @property
    def facts(self) -> tuple[ProxyState, bool, int]:
        """What makes it another report than the last one: time alone does not."""
        return self.state, self.connected, self.behind


class ProxyReports:
    """One a process of the API; it looks at the folder only while somebody follows."""

    def __init__(self, publisher: Publisher) -> None:
        self._layout = publisher.layout
        self._publisher = publisher
        self._changed = Signal()
        self._latest: tuple[ProxyReport, ...] = ()
        self._watcher: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Every following ends."""
        self._changed.close()

    async def now(self) -> tuple[ProxyReport, ...]:
        """Every proxy that has ever spoken in this data folder, by id."""
        return await asyncio.to_thread(self._read, self._publisher.sequence)

    async def follow(self) -> AsyncGenerator[tuple[ProxyReport, ...], None]:
        """All of them now, and again whenever one of them, or what they should run, is another."""
        self._latest = await self.now()
        try:
            async with aclosing(self._changed.follow()) as changes:
                async for _ in changes:
                    if self._watcher is None:
                        self._watcher = asyncio.create_task(self._watch(), name="proxies")
                    yield self._latest
        finally:
            if not self._changed.followed and self._watcher is not None:
                self._watcher.cancel()
                self._watcher = None

    async def _watch(self) -> None:
        wakeups = Wakeups(self._layout.proxies, self._layout.published)
        try:
            last = [report.facts for report in self._latest]
            while True:
                with contextlib.suppress(OSError):  # a volume that is away: the next look finds it again
                    self._latest = await self.now()
                facts = [report.facts for report in self._latest]
                if facts != last:
                    last = facts
                    self._changed.notify()
                await wakeups.next()
        finally:
            wakeups.close()

    def _read(self, published: int) -> tuple[ProxyReport, ...]:
        at_ms = now_ms()
        return tuple(self._report(state, published, at_ms) for state in self._publisher.proxies())

    def _report(self, state: ProxyState, published: int, at_ms: int) -> ProxyReport:
        connected, behind = is_alive(state.pid), max(0, published - state.sequence)
        return ProxyReport(
            state=state,
            connected=connected,
            behind=behind,
            lag_ms=max(0, at_ms - (self._published_at_ms(state.sequence + 1) or at_ms)) if behind else 0,
            seen_at_ms=at_ms if connected else state.at_ms,
        )

    def _published_at_ms(self, sequence: int) -> int | None:
        """When a publication was written; None where it is no longer kept."""
        for name in (delta_name(sequence), full_name(sequence)):
            with contextlib.suppress(FileNotFoundError):
                return int((self._layout.published / name).stat().st_mtime * 1000)
        return None
