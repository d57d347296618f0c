"""Providers that fail in every way at once: the right error, a fallback where one is possible, one row each, and no leak."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.proxy.faults import FAULTS, HUGE, LATE, FaultClients, arm, fault_configuration, fault_token
from tests.proxy.product import HELLO, InProcess, Provider, Publisher, provider, running, subprocess_proxy
from tests.proxy.servers import open_descriptors, resident_bytes, until


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        arm(made)
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    Publisher(tmp_path).publish(fault_configuration(up.port))
    async with running(tmp_path) as made:
        yield made


async def quiet(proxy: InProcess, up: Provider) -> tuple[int, int, int]:
    """Once nothing is in flight any more: tasks, descriptors and bytes of this process, providers and clients included."""
    await until(lambda: proxy.process.metrics.active == 0)
    up.asked.clear()
    await proxy.process.upstreams.close()
    await until(lambda: not up.connected)
    return len(asyncio.all_tasks()), open_descriptors(), resident_bytes()


async def test_faults_by_the_hundred_leave_nothing_behind(proxy: InProcess, up: Provider) -> None:
    clients = FaultClients(proxy)
    rounds = [(name, backed) for name in FAULTS for backed in (False, True)]

    async def play() -> None:
        await asyncio.gather(*(clients.suffer(name, backed=backed) for name, backed in rounds))

    await play()
    before = await quiet(proxy, up)
    for _ in range(5):
        await play()
    after = await quiet(proxy, up)
    await until(lambda: not proxy.open_admissions())  # the turn that ends a request writes its end
    assert len(proxy.finished()) == 6 * len(rounds)
    assert after[0] <= before[0]
    assert after[1] <= before[1]
    assert after[2] - before[2] < 12_000_000


@pytest.mark.parametrize("backed", [False, True])
@pytest.mark.parametrize("name", HUGE)
async def test_an_answer_of_200_mb_is_cut_off(tmp_path: Path, up: Provider, name: str, backed: bool) -> None:
    Publisher(tmp_path).publish(fault_configuration(up.port, patience=40))
    async with running(tmp_path) as proxy:
        clients = FaultClients(proxy)
        before = resident_bytes()
        await clients.suffer(name, backed=backed)
        assert up.asked[0].sent < 60_000_000
        assert resident_bytes() - before < 150_000_000
        row = proxy.row()
        assert "too large" in row.attempts[0].error or "longer than" in row.attempts[0].error
        await until(lambda: len(up.connected) == int(backed))


async def test_a_provider_that_fails_is_no_reason_for_others_to_wait(proxy: InProcess, up: Provider) -> None:
    """Healthy requests keep their latency while faults rain on the same proxy."""
    clients = FaultClients(proxy)
    sdk = proxy.sdk(key=fault_token("well"))

    async def healthy() -> list[float]:
        taken = []
        for _ in range(60):
            began = time.perf_counter()
            await sdk.chat.completions.create(model="x", messages=HELLO)
            taken.append(time.perf_counter() - began)
        return sorted(taken)

    await healthy()
    calm = await healthy()
    rain = asyncio.gather(*(clients.suffer(name, backed=False) for name in FAULTS for _ in range(3)))
    stormy = await healthy()
    await rain
    assert stormy[30] < calm[30] + 0.1


async def test_what_was_read_of_a_failed_answer_is_given_back(tmp_path: Path, up: Provider) -> None:
    """At once, not when the collector comes by: it comes seldom, and 32 MB a request are soon too much."""
    Publisher(tmp_path).publish(fault_configuration(up.port, patience=40))
    async with subprocess_proxy(tmp_path) as proxy:
        clients = FaultClients(proxy)
        for _ in range(5):
            for name in (*HUGE, *LATE):
                await clients.suffer(name, backed=False)
        assert resident_bytes(proxy.process.pid) < 150_000_000
