"""A new head becomes what the proxies run: the one place that moves a revision from Git to the data plane.

It follows the branch (inotify with a poll behind it), so that a push is published like a commit of the API. A revision whose
global files are wrong is refused and the last good one stays; a wrong project or token file degrades only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
import structlog

from api.catalogue import Catalogue
from api.compilation import compiled
from api.publications import Publication, Publications
from api.repository import checks, locks
from api.repository.commits import Committed
from api.repository.store import Changes, Edit, Repository
from api.signals import Signal
from api.wakeups import Wakeups
from core.config import Config
from core.files import ConfigError, ConfigErrors
from core.layout import Layout
from core.published import ProxyState
from core.snapshot import difference

FULL_EVERY = 100
_REMEMBERED = 10_000
_PAUSE_S = 0.01

_log = structlog.get_logger("waybill.publish")

T = TypeVar("T")
Subscriber = Callable[[Publication], None]


class Publisher:
    """One a process of the API. Its properties are read on the loop; what takes long runs in its own thread."""

    def __init__(self, layout: Layout, repository: Repository) -> None:
        self.layout = layout
        self._repository = repository
        self._publications = Publications(layout.published)
        self._last: Publication | None = None
        self._catalogue = Catalogue(Config(), None)
        self._refused: tuple[str, tuple[ConfigError, ...]] | None = None
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._subscribers: list[Subscriber] = []
        self.published = Signal()  # followed for each publication
        self._publishing = asyncio.Lock()
        self._worker = ThreadPoolExecutor(1, "publisher")
        self._watcher: asyncio.Task[None] | None = None

    # --- what is published ---

    @property
    def config(self) -> Config:
        """The configuration in use, its prices resolved; empty before the first publication."""
        return self._last.config if self._last is not None else Config()

    @property
    def catalogue(self) -> Catalogue:
        """The same, indexed for answers."""
        return self._catalogue

    @property
    def revision(self) -> str | None:
        """The revision in use; None before the first publication."""
        return self._last.revision if self._last is not None else None

    @property
    def sequence(self) -> int:
        """The number of the newest publication; 0 before the first."""
        return self._last.sequence if self._last is not None else 0

    @property
    def degraded(self) -> Mapping[str, str]:
        """Files whose content at `revision` is not in use, and why."""
        return self._last.degraded if self._last is not None else {}

    @property
    def refused(self) -> tuple[ConfigError, ...]:
        """Why the head is not published; empty when it is."""
        return self._refused[1] if self._refused is not None else ()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` on the loop after each publication; returns what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    # --- life ---

    async def start(self) -> None:
        """Take up the last publication, publish the head if it has moved since, and follow the branch."""
        for folder in (self.layout.published, self.layout.proxies):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._last = await self._in_worker(self._load)
        if self._last is not None:
            await self._in_worker(self._mend_numbering)
            self._remember(self._last.revision)
        await self.publish_head()
        self._watcher = asyncio.create_task(self._follow(), name="publisher")

    async def close(self) -> None:
        """Stop following. What is being written is finished."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        await asyncio.to_thread(self._worker.shutdown)

    # --- changes ---

    async def commit(self, edit: Edit) -> Committed:
        """Check and commit `edit` (see `Repository.commit`), then publish it. Raises ConfigErrors and RepositoryError."""
        known = checks.Known(self._last.revision, self._last.config) if self._last is not None else None

        def check(head: str | None, changes: Changes) -> None:
            checks.validated(self._repository, known, head, changes)

        committed = await asyncio.to_thread(self._repository.commit, edit, check)
        await self.publish_head()
        if self._refused is None:
            self._remember(committed.revision)
        return committed

    async def publish_head(self) -> str | None:
        """Publish what the branch stands at, unless it is published or refused already; returns the revision in use."""
        async with self._publishing:
            fresh = await self._in_worker(self._publish)
            if fresh is not None:
                catalogue = await self._in_worker(lambda: self._catalogued(fresh))
                self._last, self._catalogue = fresh, catalogue
                self._remember(fresh.revision)
                for subscriber in tuple(self._subscribers):
                    subscriber(fresh)
                self.published.notify()
            return self.revision

    def _publish(self) -> Publication | None:
        """In the worker: write the next publication, if there is one to write. An equal head costs one read of the branch."""
        head, last = self._repository.head(), self._last
        if head is None or head == self.revision:
            self._refused = None
            return None
        if self._refused is not None and self._refused[0] == head:
            return None
        sequence = last.sequence + 1 if last is not None else self._publications.newest() + 1
        try:
            fresh = compiled(self._repository, last, head, sequence)
        except ConfigErrors as errors:
            self._refused = (head, errors.errors)
            _log.error("revision refused", revision=head, errors=[str(error) for error in errors.errors])
            return None
        if last is not None:
            delta = difference(last.config, last.revision, fresh.config, head, fresh.degraded, touched=fresh.touched)
            self._publications.write_delta(sequence, delta)
        if last is None or sequence % FULL_EVERY == 0:
            self._publications.write_full(fresh)
        self._refused = None
        _log.info("revision published", revision=head, sequence=sequence, degraded=sorted(fresh.degraded))
        return fresh

    def _catalogued(self, fresh: Publication) -> Catalogue:
        if fresh.touched is None:
            return Catalogue(fresh.config, fresh.revision)
        return self._catalogue.updated(fresh.config, fresh.revision, fresh.touched)

    def _load(self) -> Publication | None:
        """The last publication, with the index that spares each later commit the walk over all files."""
        last = self._publications.load(verify=True)
        if last is None:
            return None
        self._catalogue = Catalogue(last.config, last.revision)
        return msgspec.structs.replace(last, config=self._catalogue.config)

    def _mend_numbering(self) -> None:
        """Publications that cannot be read leave a hole that no delta leads over: a whole configuration does."""
        newest = self._publications.newest()
        if self._last is not None and newest > self._last.sequence:
            self._last = msgspec.structs.replace(self._last, sequence=newest + 1)
            self._publications.write_full(self._last)

    async def _follow(self) -> None:
        wakeups = Wakeups(self._repository.path / "refs" / "heads", self._repository.path)
        try:
            while True:
                try:
                    await self.publish_head()
                    await self._in_worker(self._tend)
                    await asyncio.to_thread(self._repository.learn_keys)
                except Exception as error:
                    # Whatever it is (a full disk, a broken object), the next change gets its chance.
                    _log.error("publishing failed", error=type(error).__name__, reason=str(error))
                await wakeups.next()
        finally:
            wakeups.close()

    def _tend(self) -> None:
        """In the worker: clear dead writers' locks, help a proxy over a delta that it could not use."""
        locks.sweep(self._repository.path)
        last = self._last
        if last is None:
            return
        stuck = any(state.refused is not None and state.sequence < last.sequence for state in self.living_proxies())
        if stuck and not self._publications.has_full(last.sequence):
            self._publications.write_full(last)

    def _remember(self, revision: str) -> None:
        """That `revision` is in the newest publication."""
        self._sequences[revision] = self.sequence
        while len(self._sequences) > _REMEMBERED:
            self._sequences.popitem(last=False)

    async def _in_worker(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    # --- proxies ---

    def proxies(self) -> tuple[ProxyState, ...]:
        """What each proxy of this data folder said last, by id; blocks for some small files."""
        states = []
        for path in sorted(self.layout.proxies.glob("*.json")):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                states.append(msgspec.json.decode(path.read_bytes(), type=ProxyState))
        return tuple(states)

    def living_proxies(self) -> tuple[ProxyState, ...]:
        """Those of `proxies` whose process exists: one that was killed leaves its file behind."""
        return tuple(state for state in self.proxies() if is_alive(state.pid))

    def _sequence_of(self, revision: str) -> int:
        """The publication that first held `revision`, as far as is known; one to come for a revision that is in none."""
        known = self._sequences.get(revision)
        if known is not None:
            return known
        last = self.revision
        return self.sequence if last is not None and self._repository.contains(last, revision) else self.sequence + 1

    async def wait_until_running(self, revision: str, timeout_s: float = 2.0) -> tuple[str, ...]:
        """Wait until every living proxy runs `revision` or a later one; returns the ids of those that do not in time."""
        wanted = await self._in_worker(lambda: self._sequence_of(revision))
        give_up = time.monotonic() + timeout_s
        while True:
            pending = tuple(state.proxy_id for state in self.living_proxies() if state.sequence < wanted)
            if not pending or time.monotonic() >= give_up:
                return pending
            await asyncio.sleep(_PAUSE_S)


def is_alive(pid: int) -> bool:
    """Whether the process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
