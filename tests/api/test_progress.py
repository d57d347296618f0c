"""Progress inside requests, from a real proxy to whoever follows: told while somebody listens, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from api.progress import MOST_STEPS, ProgressFeed, _connected
from core.layout import Layout
from core.progress import Step
from tests.proxy.product import (
    HELLO,
    TOKEN,
    InProcess,
    Provider,
    Publisher,
    configuration,
    failing,
    provider,
    running,
)


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    # Longer than a socket's own path may be.
    data = tmp_path / ("a" * 100)
    data.mkdir()
    Publisher(data).publish(configuration(up.port))
    async with running(data) as made:
        yield made


def listened(proxy: InProcess) -> frozenset[str] | None:
    return proxy.process._booking.progress.wanted


async def until(proxy: InProcess, project: str | None) -> None:
    """Wait until the proxy knows that somebody listens to a project; None: that nobody listens to any."""
    async with asyncio.timeout(10):
        while (project or "") not in (listened(proxy) or {""}):  # noqa: ASYNC110  # another task of this loop hears of it
            await asyncio.sleep(0)


async def ask(proxy: InProcess, *, stream: bool = False) -> None:
    answer = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=stream)
    if stream:
        async for _ in answer:
            pass


async def steps_of_one(proxy: InProcess, feed: ProgressFeed, *, stream: bool) -> list[Step]:
    found: list[Step] = []
    async with aclosing(feed.follow("p")) as batches, asyncio.timeout(10):
        first = asyncio.ensure_future(anext(batches))
        await until(proxy, "p")
        await ask(proxy, stream=stream)
        found += await first
        while found[-1].kind != "ended":
            found += await anext(batches)
    return found


@pytest.mark.parametrize("stream", [False, True])
async def test_every_step_is_told_in_its_order(proxy: InProcess, up: Provider, stream: bool) -> None:
    up.on("a", failing(503))
    feed = ProgressFeed(Layout(proxy.data))
    steps = await steps_of_one(proxy, feed, stream=stream)
    assert [(step.kind, step.model, step.status) for step in steps] == [
        ("routed", "", ""),
        ("attempt", "a", ""),
        ("attempt_ended", "a", "error"),
        ("attempt", "b", ""),
        ("first_byte", "b", ""),
        ("attempt_ended", "b", "success"),
        ("ended", "", "success"),
    ]
    row = proxy.row()
    assert {(step.id, step.project, step.token, step.at_ms) for step in steps} == {(row.id, "p", "t", row.at_ms)}
    assert steps[0].decision is not None
    assert (steps[0].decision.order, steps[2].http_status, steps[-1].http_status) == (("a", "b"), 503, 200)
    assert [step.elapsed_ms for step in steps] == sorted(step.elapsed_ms for step in steps)
    assert TOKEN not in repr(steps)


async def test_nothing_is_told_of_another_project_or_when_nobody_listens(proxy: InProcess) -> None:
    feed = ProgressFeed(Layout(proxy.data))
    assert listened(proxy) is None
    other = feed.follow("q")
    waiting = asyncio.ensure_future(anext(other))
    await until(proxy, "q")
    await ask(proxy)
    steps = await steps_of_one(proxy, ProgressFeed(Layout(proxy.data)), stream=False)
    assert len({step.id for step in steps}) == 1
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await other.aclose()
    await until(proxy, None)
    await ask(proxy)


async def test_a_follower_of_a_proxy_that_comes_back_hears_it_again(tmp_path: Path, up: Provider, monkeypatch) -> None:
    monkeypatch.setattr("api.progress.LOOK_S", 0.01)
    Publisher(tmp_path).publish(configuration(up.port))
    feed = ProgressFeed(Layout(tmp_path))
    async with aclosing(feed.follow("p")) as batches, asyncio.timeout(20):
        upcoming = asyncio.ensure_future(anext(batches))
        for _ in range(2):
            async with running(tmp_path) as proxy:
                await until(proxy, "p")
                await ask(proxy)
                kinds: list[str] = []
                while "ended" not in kinds:
                    kinds += [step.kind for step in await upcoming]
                    upcoming = asyncio.ensure_future(anext(batches))
                assert kinds == ["routed", "attempt", "first_byte", "attempt_ended", "ended"]
        feed.close()
        await asyncio.gather(upcoming, return_exceptions=True)


async def test_a_follower_that_falls_behind_loses_the_oldest_and_holds_nobody_up(proxy: InProcess) -> None:
    feed = ProgressFeed(Layout(proxy.data))
    async with aclosing(feed.follow("p")) as batches, asyncio.timeout(20):
        first = asyncio.ensure_future(anext(batches))
        await until(proxy, "p")
        await ask(proxy)
        await first
        step = Step(id="x", kind="attempt", project="p", token="t", at_ms=0, elapsed_ms=0.0)
        for _ in range(MOST_STEPS + 50):
            feed._tell(step)
        assert len(await anext(batches)) == MOST_STEPS


async def test_what_is_no_wish_ends_that_connection_alone(proxy: InProcess) -> None:
    feed = ProgressFeed(Layout(proxy.data))
    (path,) = Layout(proxy.data).proxies.glob("*.progress")
    for nonsense in (b"nonsense\n", b'{"projects": 3}\n', b"x" * (1 << 22)):
        reader, writer = await asyncio.open_unix_connection(sock=_connected(path))
        writer.write(nonsense)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.transport.abort()
    assert len(await steps_of_one(proxy, feed, stream=False)) == 5
