"""The API process from start to end: one event loop for GraphQL, the recorder, the publisher and the operations port."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog
import uvicorn
import uvloop
from litestar.types import ASGIApp

from api import logs
from api.alerts.feed import AlertFeed
from api.alerts.watch import LimitWatch
from api.alerts.webhooks import Webhooks
from api.app import build_app
from api.balances import BalanceDesk
from api.database.engine import open_engine, sqlite_url
from api.database.migrate import migrate
from api.feed import Feed
from api.metrics import ApiMetrics
from api.ops import OpsApp, Readiness
from api.people import People, now_ms
from api.publications import Publications
from api.publish import Publisher
from api.recorder import Recorder
from api.repository.installation import away, create
from api.repository.store import Repository
from api.repository.upkeep import Upkeep
from api.retention import RetentionJob
from api.sealing import Sealing
from api.services import Services
from core.layout import Layout

DRAIN_S = 5
REPOSITORY_POLL_S = 0.5
MAX_MESSAGE_BYTES = 1_048_576
log = structlog.get_logger("api")


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to run: (host, port) pairs, port 0 for any free one; `proxy_url` is what applications are told to connect to;
    `fsync` says whether a commit is on disk before it counts as made."""

    data: Path
    listen: tuple[str, int]
    ops: tuple[str, int]
    proxy_url: str
    fsync: bool = True


def serve(settings: ApiSettings) -> None:
    """Run until SIGTERM or SIGINT, then drain; a second signal stops at once."""
    logs.configure()
    uvloop.run(run(settings))


async def run(settings: ApiSettings, started: asyncio.Future[tuple[int, int]] | None = None) -> None:
    """The process's whole life. `started` gets the two ports once both listen; cancelling it drains too."""
    metrics, readiness = ApiMetrics(), Readiness()
    # Bound before anything slow, so that whoever asks during the start waits instead of being refused.
    listeners = [_bound(settings.listen), _bound(settings.ops)]
    ops = _Server(OpsApp(readiness, metrics))
    async with _serving(ops, listeners[1]), _services(settings, metrics, readiness) as services:
        api = _Server(build_app(services))
        # What exists by now stays: looking through it for rubbish, a tenth of a second each time, would hold up every stream.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        async with _serving(api, listeners[0]):
            if started is not None:
                started.set_result((_port(listeners[0]), _port(listeners[1])))
            log.info("serving", listen=settings.listen, ops=settings.ops, revision=services.publisher.revision)
            with _signals(api, ops) as stopping:
                try:
                    await stopping.wait()
                finally:
                    # Streams end with `complete` and a cursor in hand, before the server would cut them off.
                    services.feed.close()
                    services.alerts.close()
                    services.publisher.published.close()
                    services.proxies.close()
                    services.progress.close()


@asynccontextmanager
async def _services(settings: ApiSettings, metrics: ApiMetrics, readiness: Readiness) -> AsyncIterator[Services]:
    """Everything that answers are made from, started in the order of its needs and ended in the reverse."""
    layout = Layout(settings.data)
    url = sqlite_url(layout.database)
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.to_thread(migrate, url)
        readiness.engine = engine = open_engine(url)
        stack.push_async_callback(engine.dispose)
        feed = Feed(engine)
        alerts, watch = AlertFeed(engine), LimitWatch(now_ms)
        # The last publication is enough to begin with: what is recorded before the repository is there has limits, too.
        if (known := await asyncio.to_thread(Publications(layout.published).load)) is not None:
            watch.configure(known.config, known.revision)
        webhooks = Webhooks(engine, lambda: watch.settings.alert_webhooks, layout.secrets, now_ms)

        def alerted() -> None:
            alerts.news()
            webhooks.news()

        readiness.recorder = recorder = Recorder(layout.journal, url, feed.publish, watch, alerted)
        stack.push_async_callback(recorder.close)
        feed.start(await recorder.start())
        await stack.enter_async_context(_task(webhooks.run(), "webhooks"))
        desk = BalanceDesk(layout, engine, lambda: recorder.lag_bytes, now_ms)
        await stack.enter_async_context(_task(desk.run(), "opening balances"))
        readiness.recording = await stack.enter_async_context(_task(recorder.run(), "recorder"))
        readiness.repository = repository = await _repository(layout, fsync=settings.fsync)
        readiness.publisher = publisher = Publisher(layout, repository)
        stack.push_async_callback(publisher.close)
        publisher.subscribe(lambda published: watch.configure(published.config, published.revision))
        await publisher.start()
        watch.configure(publisher.config, publisher.revision)
        retention = RetentionJob(
            engine,
            layout.journal,
            layout.checkpoint,
            settings=lambda: publisher.config.settings.retention,
            recorded=lambda: recorder.position,
            now_ms=now_ms,
        )
        await stack.enter_async_context(_task(retention.run(), "retention"))
        upkeep = Upkeep(repository.path, lambda: publisher.sequence)
        await stack.enter_async_context(_task(upkeep.run(), "upkeep"))
        people = People(engine, grants=lambda: services.catalogue().grants)
        sealing = Sealing(layout.public_key)
        services = Services(engine, repository, publisher, feed, alerts, people, metrics, settings.proxy_url, sealing)
        metrics.on_read(lambda: _read_figures(metrics, services, recorder))
        yield services


async def _repository(layout: Layout, *, fsync: bool) -> Repository:
    """The repository, made if this folder never had one. Where it is only away it is waited for: what came back would find
    an empty one in its place."""
    if away(layout):
        log.error("the configuration repository is away; waiting for it, and recording", repository=str(layout.repository))
    while away(layout):  # noqa: ASYNC110  # nothing tells when a volume is mounted again
        await asyncio.sleep(REPOSITORY_POLL_S)
    return await asyncio.to_thread(create, layout.repository, layout.data, fsync=fsync)


async def _read_figures(metrics: ApiMetrics, services: Services, recorder: Recorder) -> None:
    """Copy the figures of other parts into the gauges."""
    publisher = services.publisher
    metrics.feed_subscribers.set(services.feed.followers)
    metrics.rows_recorded.set(recorder.recorded_total)
    metrics.recorder_position.set(recorder.position)
    metrics.recorder_lag.set(recorder.lag_bytes)
    metrics.refused.set(bool(publisher.refused))
    metrics.degraded.set(len(publisher.degraded))
    metrics.published.clear()
    metrics.proxies_connected.set(len(publisher.living_proxies()))
    if publisher.revision is not None:
        metrics.published.labels(publisher.revision).set(1)
        metrics.proxies_behind.set(len(await publisher.wait_until_running(publisher.revision, 0.0)))


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: two servers share this loop."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="websockets-sansio",
                ws_max_size=MAX_MESSAGE_BYTES,
                # Compression would cost more than the loopback or the data centre's wire that it spares.
                ws_per_message_deflate=False,
                ws_ping_interval=30,
                ws_ping_timeout=120,
                lifespan="off",
                log_config=None,
                access_log=False,
                # Longer than proxies keep theirs (nginx: 60 s): what is sent as a connection is closed gets an error.
                timeout_keep_alive=75,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_S,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `_signals`."""
        yield


def _bound(address: tuple[str, int]) -> socket.socket:
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@asynccontextmanager
async def _serving(server: _Server, listener: socket.socket) -> AsyncIterator[None]:
    """The server runs inside, and drains at the end."""
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator[asyncio.Task[None]]:
    """A background task that lives as long as the block."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_say_why)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a background task ended", task=task.get_name(), exc_info=task.exception())


@contextlib.contextmanager
def _signals(*servers: _Server) -> Iterator[asyncio.Event]:
    """An event that the first signal sets; the second makes the servers stop without draining."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            for server in servers:
                server.force_exit = True
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield stopping
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
