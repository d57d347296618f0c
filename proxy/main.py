"""The proxy process: puts its parts together, recovers what a crash left open, serves until it is told to stop, drains."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import uvloop
from prometheus_client import CollectorRegistry

from core.layout import Layout
from core.routing.stats import Statistics
from core.snapshot import Snapshot
from proxy import checkpoint, recovery
from proxy.balances import Openings
from proxy.booking import Booking
from proxy.credentials import Credentials
from proxy.logs import configure_logs
from proxy.metrics import Metrics, registry
from proxy.ops import OpsHandler
from proxy.outbox import Outbox
from proxy.pipeline import Bounds, Pipeline
from proxy.reload import Reloader
from proxy.running import Running
from proxy.server import Server, ServerLimits
from proxy.server import serve as listen
from proxy.tokenizing import Tokenizers
from proxy.upstream import Upstreams

_log = logging.getLogger("waybill.proxy")


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where one proxy process lives and what it takes on."""

    data: Path
    listen: tuple[str, int]
    ops: tuple[str, int]
    proxy_id: str = "proxy-1"
    drain_s: float = 30.0
    bounds: Bounds = Bounds()
    limits: ServerLimits = ServerLimits()


def serve(settings: ProxySettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once."""
    configure_logs()
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Process(settings).run())


class Process:
    """The parts of one proxy process and their order of starting and stopping."""

    def __init__(self, settings: ProxySettings) -> None:
        self._settings = settings
        self._layout = Layout(settings.data)
        self.metrics = Metrics()
        self.started = asyncio.Event()
        self.port = self.ops_port = 0  # known once it has started
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """The whole life of the process."""
        self._credentials = Credentials(self._layout.secrets, _private_key(self._layout.private_key))
        known = checkpoint.read(self._layout.checkpoint)
        self._journal = checkpoint.open_journal(self._layout.journal, known)
        self._outbox = Outbox(asyncio.get_running_loop(), self._journal)
        self.upstreams = Upstreams(self._outbox)
        self._reloader = reloader = Reloader(self._layout, self._settings.proxy_id)
        snapshot = reloader.load()
        self._ledger = recovery.ledger(known, self._journal)
        self._booking = self._recovered(known, snapshot)
        self._tokenizers = Tokenizers()
        # What was used before a limit is in no journal of ours: saved at once, it need not be asked for again after a crash,
        # when perhaps nobody could answer.
        self._checkpoint_due = asyncio.Event()
        self._openings = Openings(
            self._layout,
            self._settings.proxy_id,
            self._ledger,
            self._journal,
            _now_ms,
            self._outbox.flush,
            self._checkpoint_due.set,
        )
        self._pipeline = Pipeline(self._booking, self._openings, self._tokenizers, self._settings.bounds)
        if snapshot is not None:
            self._swap(snapshot)
        self._obey_signals()  # before anybody can be served: whoever asks to stop from then on gets a drain
        self.server = server = await listen(self._pipeline, *self._settings.listen, self._settings.limits, self._outbox)
        ops = await listen(OpsHandler(self._why_not_ready, self._registry()), *self._settings.ops, ServerLimits())
        # What exists by now lives as long as the process: the collector need never look at it again. Requests leave hardly
        # any cycles, so it need not look at each few hundred new objects either.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        self.port, self.ops_port = server.port, ops.port
        _log.info("serving", extra={"port": server.port, "ops_port": ops.port, "revision": self._revision()})
        self.started.set()
        socket_path = self._layout.progress_socket(self._settings.proxy_id)
        async with self._booking.progress.listening(socket_path), self._tasks(reloader):
            await self._stopping.wait()
            await self._drain(server, ops)
        checkpoint.save(self._layout.checkpoint, self._journal, self._checkpoint())
        self._journal.close()

    def _recovered(self, known: checkpoint.Checkpoint | None, snapshot: Snapshot | None) -> Booking:
        """Fold what the journal holds, and end the requests that the last process left open."""
        recovered = checkpoint.recover(self._journal, known)
        statistics = Statistics.restore(msgspec.json.decode(known.statistics)) if known else Statistics()
        ledger = self._ledger
        recovery.replay(recovered.events, statistics, ledger, snapshot)
        booking = Booking(
            outbox=self._outbox, journal=self._journal, ledger=ledger, statistics=statistics, metrics=self.metrics
        )
        booking.open_admissions.update(recovered.open)  # each until its end is written: the disk may have no room yet
        for id, admitted in recovered.open.items():
            crashed = checkpoint.crashed(admitted)
            self._outbox.record(msgspec.json.encode(crashed), partial(booking.open_admissions.pop, id, None))
            statistics.fold(crashed)
            ledger.settle(crashed)
        self._outbox.flush()
        return booking

    def _swap(self, snapshot: Snapshot) -> None:
        self._outbox.serves_unrecorded = snapshot.settings.journal_failure == "serve"
        book = self._ledger.book(snapshot.settings, snapshot.models)
        self._pipeline.running = Running(snapshot, book, self._credentials, self.upstreams.open)
        self.metrics.reloads += 1
        _log.info("revision running", extra={"revision": snapshot.revision, "degraded": sorted(snapshot.degraded)})

    def _checkpoint(self) -> checkpoint.Checkpoint:
        self._outbox.flush()  # or what was folded would be ahead of the position
        self._ledger.sweep(_now_ms())
        return checkpoint.Checkpoint(
            position=self._journal.position,
            open=dict(self._booking.open_admissions),
            statistics=msgspec.Raw(msgspec.json.encode(self._booking.statistics.state())),
            ledger=msgspec.Raw(msgspec.json.encode(self._ledger.state())),
        )

    async def _drain(self, server: Server, ops: Server) -> None:
        """Let open requests end; the second signal cuts that short."""
        closing = asyncio.ensure_future(server.close(self._settings.drain_s))
        hurried = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait((closing, hurried), return_when=asyncio.FIRST_COMPLETED)
        if not closing.done():
            closing.cancel()
            await server.close(0.0)
        hurried.cancel()
        await ops.close(0.0)
        await self.upstreams.close()
        await self._tokenizers.close()

    # --- what the operations port shows ---

    @property
    def ready(self) -> bool:
        """Whether it can serve."""
        return self._why_not_ready() is None

    def _why_not_ready(self) -> str | None:
        running = self._pipeline.running
        if self._stopping.is_set():
            return "stopping"
        if running is None:
            return "no configuration yet"
        if not self._journal.writable and running.snapshot.settings.journal_failure == "refuse":
            return "the journal cannot be written"
        return None

    def _revision(self) -> str | None:
        running = self._pipeline.running
        return running.snapshot.revision if running is not None else None

    def _registry(self) -> CollectorRegistry:
        return registry(self.metrics, self._revision, lambda: self._reloader.refusals, self._journal)

    # --- around the life ---

    def _obey_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def stop(self) -> None:
        """Drain, then end; asked a second time, end at once."""
        (self._hurry if self._stopping.is_set() else self._stopping).set()

    @contextlib.asynccontextmanager
    async def _tasks(self, reloader: Reloader) -> AsyncIterator[None]:
        tasks = [
            asyncio.ensure_future(reloader.watch(self._swap)),
            asyncio.ensure_future(self._openings.run()),
            asyncio.ensure_future(
                checkpoint.keep(self._layout.checkpoint, self._journal, self._checkpoint, due=self._checkpoint_due)
            ),
        ]
        for task in tasks:
            task.add_done_callback(_complain)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _raise_descriptor_limit() -> None:
    """A stream takes two descriptors, one on each side; the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _private_key(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _complain(task: asyncio.Task[None]) -> None:
    """A background task never ends by itself; when it does, the process goes on and says so."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a background task of the proxy died", exc_info=error)
