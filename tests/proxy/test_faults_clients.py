"""Clients that mean harm: each is bounded, and a client that behaves well next to them notices nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from proxy.pipeline import Bounds
from proxy.server import ServerLimits
from tests.proxy.product import HELLO, TOKEN, InProcess, Provider, Publisher, configuration, provider, running
from tests.proxy.servers import Client, client, open_descriptors, resident_bytes, until

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n".encode()
BODY = b'{"model":"x","messages":[{"role":"user","content":"Hello"}]}'
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
LIMITS = ServerLimits(header_s=0.3, body_s=0.3, stalled_s=0.3, idle_s=0.5, linger_s=0.2)


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path, limits=LIMITS, bounds=Bounds(body_bytes=1_000_000)) as made:
        yield made


async def slow_headers(peer: Client) -> None:
    for byte in HEAD:
        peer.send(bytes((byte,)))
        await asyncio.sleep(0.02)
    await peer.rest()


async def slow_body(peer: Client) -> None:
    peer.send(HEAD + b"content-length: 1000\r\n\r\n")
    for _ in range(1000):
        peer.send(b" ")
        await asyncio.sleep(0.02)


async def huge_headers(peer: Client) -> None:
    peer.send(HEAD + b"x-a: " + b"a" * 5_000_000)
    await peer.rest()


async def many_headers(peer: Client) -> None:
    peer.send(HEAD + b"".join(b"x-%d: 1\r\n" % number for number in range(100_000)) + b"\r\n")
    await peer.rest()


async def huge_body(peer: Client) -> None:
    peer.send(HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"100000\r\n" + b" " * 0x100000 + b"\r\n") * 20)
    await peer.rest()


async def half_closed(peer: Client) -> None:
    peer.send(WHOLE)
    peer.writer.write_eof()
    await peer.rest()


async def half_closed_in_the_body(peer: Client) -> None:
    peer.send(HEAD + b"content-length: 1000\r\n\r\n{")
    peer.writer.write_eof()
    await peer.rest()


async def never_reading(peer: Client) -> None:
    peer.writer.transport.pause_reading()
    with suppress(ConnectionError):
        for _ in range(200):
            peer.send(WHOLE * 10)
            await asyncio.sleep(0.005)


async def smuggling(peer: Client) -> None:
    peer.send(HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + WHOLE)
    await peer.rest()


async def nonsense(peer: Client) -> None:
    peer.send(bytes(range(256)) * 100)
    await peer.rest()


async def leaving(peer: Client) -> None:
    peer.send(WHOLE)
    peer.writer.transport.abort()


OFFENDERS: list[Callable[[Client], Awaitable[None]]] = [
    slow_headers,
    slow_body,
    huge_headers,
    many_headers,
    huge_body,
    half_closed,
    half_closed_in_the_body,
    never_reading,
    smuggling,
    nonsense,
    leaving,
]


async def offend(proxy: InProcess, offence: Callable[[Client], Awaitable[None]]) -> None:
    """Until the proxy has had enough of it, or it of the proxy."""
    with suppress(OSError, RuntimeError):
        async with client(proxy.port) as peer:
            await asyncio.wait_for(offence(peer), 10)


@pytest.mark.parametrize("offence", OFFENDERS, ids=lambda offence: offence.__name__)
async def test_an_offender_is_done_with_in_time_and_leaves_nothing(
    proxy: InProcess, up: Provider, offence: Callable[[Client], Awaitable[None]]
) -> None:
    await proxy.sdk().chat.completions.create(model="x", messages=HELLO)
    await proxy.close_clients()
    before = open_descriptors()
    began = time.perf_counter()
    await asyncio.gather(*(offend(proxy, offence) for _ in range(3)))
    assert time.perf_counter() - began < 9  # each gives up after 10 s by itself
    await until(lambda: proxy.process.server.connections == 0 and proxy.process.metrics.active == 0)
    await until(lambda: open_descriptors() <= before + len(up.connected))
    await until(lambda: not proxy.open_admissions())  # the turn that ends a request writes its end


SMUGGLED = [
    b"content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG",
    b"transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\nG",
    b"content-length: 5\r\ncontent-length: 6\r\n\r\n123456",
    b"content-length: 5, 6\r\n\r\n123456",
    b"content-length: +5\r\n\r\n12345",
    b"content-length: 0x5\r\n\r\n12345",
    b"content-length : 5\r\n\r\n12345",
    b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    b"transfer-encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    b"content-length: 18446744073709551621\r\n\r\n12345",
]


@pytest.mark.parametrize("smuggled", SMUGGLED)
async def test_a_length_that_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_served(
    proxy: InProcess, up: Provider, smuggled: bytes
) -> None:
    async with client(proxy.port) as peer:
        peer.send(HEAD + smuggled + WHOLE)
        answers = await peer.rest()
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1") == 1
    assert up.asked == []


async def test_a_client_that_behaves_well_keeps_its_latency(proxy: InProcess) -> None:
    sdk = proxy.sdk()

    async def behave(count: int) -> list[float]:
        taken = []
        for _ in range(count):
            began = time.perf_counter()
            assert (await sdk.chat.completions.create(model="x", messages=HELLO)).model == "a"
            taken.append(time.perf_counter() - began)
        return sorted(taken)

    await behave(20)
    calm = await behave(60)
    before = resident_bytes()
    storm = asyncio.gather(*(offend(proxy, offence) for offence in OFFENDERS for _ in range(8)))
    stormy = await behave(60)
    await storm
    assert stormy[30] < calm[30] + 0.1
    assert resident_bytes() - before < 400_000_000  # most of it the offenders' own
    assert {row.status for row in proxy.finished()} <= {"success", "cancelled", "rejected"}
