"""Takes what the API publishes, builds, swaps one reference, and says so: an ACK, or a NACK with the last good one kept.

The proxy starts from the newest full publication that it can read and the deltas after it; then it follows, delta by delta,
woken by inotify with a poll behind it. Small deltas are applied on the loop, in less than the 10 ms that they may hold it;
large ones and full publications are read and built in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from asyncinotify import Inotify, Mask

from core.layout import Layout
from core.published import Chain, ProxyState, Refused, chains, delta_name, folded
from core.snapshot import Delta, Snapshot, SnapshotError, decode_delta

POLL_S = 1.0
_SMALL_BYTES = 64 * 1024

OnSwap = Callable[[Snapshot], None]


class Reloader:
    """The one owner of which snapshot this proxy runs. `snapshot` is None until something was published."""

    def __init__(self, layout: Layout, proxy_id: str) -> None:
        self.snapshot: Snapshot | None = None
        self.sequence = 0
        self.refused: Refused | None = None
        self.refusals = 0  # since the start
        self._layout = layout
        self._proxy_id = proxy_id
        self._hopeless: set[str] = set()  # files that failed once: they will not get better

    # --- start ---

    def load(self) -> Snapshot | None:
        """Read the newest state that is sound, say which it is, and return it; None when there is none. Blocks."""
        for chain in chains(self._names()):
            if (started := self._from_chain(chain)) is not None:
                self.snapshot, self.sequence = started
                break
        self._report()
        return self.snapshot

    # --- follow ---

    async def watch(self, on_swap: OnSwap) -> None:
        """Follow the publications until cancelled; `on_swap` is called on the loop with each new snapshot."""
        wakeups = _Wakeups(self._layout.published)
        try:
            while True:
                while await self._advance(on_swap):
                    pass
                await wakeups.next()
        finally:
            wakeups.close()

    async def _advance(self, on_swap: OnSwap) -> bool:
        """Take one step towards the newest publication; False when there is none to take."""
        name = delta_name(self.sequence + 1)
        path = self._layout.published / name
        if self.snapshot is not None and name not in self._hopeless and path.exists():
            try:
                snapshot = await self._next(self.snapshot, path)
            except (OSError, SnapshotError) as error:
                self._refuse(name, error)
            else:
                self._swap(snapshot, self.sequence + 1, on_swap)
                return True
        # The next delta is missing or of no use: a newer whole configuration leads past it.
        for chain in chains(self._names()):
            if chain.full <= self.sequence or chain.names[0] in self._hopeless:
                continue
            started = await asyncio.to_thread(self._from_chain, chain)
            if started is not None:
                self._swap(*started, on_swap)
                return True
        return False

    async def _next(self, snapshot: Snapshot, path: Path) -> Snapshot:
        if _size(path) > _SMALL_BYTES:
            return await asyncio.to_thread(lambda: snapshot.apply(_read(path)))
        return snapshot.apply(_read(path))

    def _swap(self, snapshot: Snapshot, sequence: int, on_swap: OnSwap) -> None:
        self.snapshot, self.sequence = snapshot, sequence
        self.refused = None
        on_swap(snapshot)
        self._report()

    # --- reading ---

    def _names(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return os.listdir(self._layout.published)  # noqa: PTH208 - names are all that is wanted, each time
        return []

    def _from_chain(self, chain: Chain) -> tuple[Snapshot, int] | None:
        """The snapshot of a full publication and of as many deltas after it as are sound; None when the full one is not."""
        deltas: list[Delta] = []
        for name in chain.names:
            try:
                deltas.append(_read(self._layout.published / name))
            except (OSError, SnapshotError) as error:
                self._refuse(name, error)
                break
        if not deltas:
            return None
        try:
            return Snapshot.build(folded(deltas[0], deltas[1:])), chain.full + len(deltas) - 1
        except SnapshotError:
            return self._one_by_one(chain, deltas)

    def _one_by_one(self, chain: Chain, deltas: list[Delta]) -> tuple[Snapshot, int] | None:
        """The slow way, taken when one of the deltas is wrong: it finds which."""
        snapshot: Snapshot | None = None
        for sequence, (name, delta) in enumerate(zip(chain.names, deltas, strict=False), start=chain.full):
            try:
                snapshot = Snapshot.build(delta) if snapshot is None else snapshot.apply(delta)
            except SnapshotError as error:
                self._refuse(name, error, delta.revision)
                return (snapshot, sequence - 1) if snapshot is not None else None
        return (snapshot, chain.full + len(deltas) - 1) if snapshot is not None else None

    # --- saying so ---

    def _refuse(self, name: str, error: Exception, revision: str | None = None) -> None:
        self._hopeless.add(name)
        self.refusals += 1
        self.refused = Refused(revision or name, f"{name}: {error}")
        self._report()

    def _report(self) -> None:
        """Write what this proxy runs, for the API. A folder that cannot be written stops no request."""
        state = ProxyState(
            proxy_id=self._proxy_id,
            pid=os.getpid(),
            revision=self.snapshot.revision if self.snapshot is not None else None,
            sequence=self.sequence,
            at_ms=time.time_ns() // 1_000_000,
            refused=self.refused,
        )
        path = self._layout.proxy_state(self._proxy_id)
        fresh = path.with_name(f".{path.name}.tmp")
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(state))
            fresh.replace(path)


def _size(path: Path) -> int:
    return path.stat().st_size


def _read(path: Path) -> Delta:
    return decode_delta(path.read_bytes())


class _Wakeups:
    """Tells that a file was put into a folder, or that `POLL_S` have passed: inotify may be used up, or see nothing (NFS)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inotify: Inotify | None = None

    async def next(self) -> None:
        """Wait. Returns at once when it has just begun to listen: something may have come before."""
        if self._inotify is None and self._listen():
            return
        try:
            async with asyncio.timeout(POLL_S):
                if self._inotify is not None:
                    await self._inotify.get()
                else:
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            pass

    def _listen(self) -> bool:
        try:
            inotify = Inotify()
        except OSError:
            return False
        try:
            inotify.add_watch(self._folder, Mask.MOVED_TO | Mask.ONLYDIR)
        except OSError:
            inotify.close()
            return False
        self._inotify = inotify
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._inotify is not None:
            self._inotify.close()
