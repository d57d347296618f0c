"""Timeouts, clients that leave, keep-alives, and readers that are slow: every wait ends, and nothing piles up."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from proxy.pipeline import Bounds
from proxy.server import ServerLimits
from tests.proxy.product import (
    DONE,
    HELLO,
    TOKEN,
    Asked,
    InProcess,
    Provider,
    Publisher,
    configuration,
    event,
    hanging,
    provider,
    role,
    running,
    streaming,
    well,
    whole,
    word,
)
from tests.proxy.servers import Client, chunk, client, resident_bytes, until


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


def timed(**timeouts: int) -> str:
    return f"timeouts: {timeouts}\n".replace("'", "")


async def chat(proxy: InProcess, *, stream: bool = False) -> Any:
    answer: Any = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=stream)
    return [part async for part in answer] if stream else answer


BODY = b'{"model":"x","stream":%b,"messages":[{"role":"user","content":"Hello"}]}'


def request(stream: bool = True) -> bytes:
    body = BODY % (b"true" if stream else b"false")
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def begun(raw: Client) -> None:
    """Until the head of a stream has come."""
    assert (await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")


# --- timeouts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_an_attempt_has_its_time_to_the_first_content(tmp_path: Path, up: Provider, stream: bool) -> None:
    up.on("a", hanging)
    Publisher(tmp_path).publish(configuration(up.port, project=timed(attempt_timeout_ms=120)))
    async with running(tmp_path) as proxy:
        await chat(proxy, stream=stream)
        first, second = proxy.row().attempts
    assert (first.status, second.status) == ("timeout", "success")
    assert 110 <= first.ended_ms - first.started_ms < 600
    await asyncio.wait_for(up.closed.wait(), 1)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_request_has_its_time_over_all_attempts(tmp_path: Path, up: Provider, stream: bool) -> None:
    """What is left of it bounds an attempt, and nothing is tried once it is over."""
    for model in "abc":
        up.on(model, hanging)
    timeouts = timed(timeout_ms=250, attempt_timeout_ms=150)
    Publisher(tmp_path).publish(configuration(up.port, "abc", project=timeouts))
    async with running(tmp_path) as proxy:
        with pytest.raises(openai.InternalServerError) as raised:
            await chat(proxy, stream=stream)
        assert (raised.value.status_code, raised.value.code) == (504, "timeout")
        row = proxy.row()
    assert (row.status, [attempt.model for attempt in row.attempts]) == ("timeout", ["a", "b"])
    assert 230 <= row.latency_ms < 700


async def test_a_stream_that_began_and_brought_no_content_is_called_a_timeout(tmp_path: Path, up: Provider) -> None:
    up.on("a", streaming(role(), then=hanging))
    Publisher(tmp_path).publish(configuration(up.port, "a", project=timed(timeout_ms=150)))
    async with running(tmp_path) as proxy:
        with pytest.raises(openai.InternalServerError, match=r"in time \(a: timeout\)"):  # and not `a: 200`
            await chat(proxy, stream=True)


async def test_a_whole_answer_may_take_longer_to_begin_than_the_time_between_bytes(tmp_path: Path, up: Provider) -> None:
    async def late(asked: Asked) -> None:
        await asyncio.sleep(0.2)
        await well(asked)

    up.on("a", late)
    Publisher(tmp_path).publish(configuration(up.port, project=timed(idle_timeout_ms=80)))
    async with running(tmp_path) as proxy:
        assert (await chat(proxy)).model == "a"


async def test_silence_between_bytes_ends_a_committed_stream(tmp_path: Path, up: Provider) -> None:
    up.on("a", streaming(role(), word("One"), then=hanging))
    Publisher(tmp_path).publish(configuration(up.port, project=timed(idle_timeout_ms=100)))
    async with running(tmp_path) as proxy:
        with pytest.raises(openai.APIError) as raised:
            await chat(proxy, stream=True)
        assert raised.value.code == "timeout"
        row = proxy.row()
    assert (row.status, row.http_status, row.attempts[0].status) == ("error", 200, "timeout")


async def test_the_requests_time_also_ends_a_stream_that_never_pauses(tmp_path: Path, up: Provider) -> None:
    async def endless(asked: Asked) -> None:
        await asked.begin_stream()
        while not asked.writer.is_closing():
            await asked.events(word("more ") * 20)
            await asyncio.sleep(0)

    up.on("a", endless)
    Publisher(tmp_path).publish(configuration(up.port, project=timed(timeout_ms=200)))
    async with running(tmp_path) as proxy:
        with pytest.raises(openai.APIError) as raised:
            await chat(proxy, stream=True)
        assert raised.value.code == "timeout"
        assert proxy.row().latency_ms < 1_500


async def test_a_connection_has_its_own_time(tmp_path: Path, up: Provider) -> None:
    """A listener whose queue is full answers no handshake: as a host that drops packets."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    try:
        timeouts = timed(connect_timeout_ms=120)
        Publisher(tmp_path).publish(configuration(up.port, project=timeouts, ports={"a": port}))
        async with running(tmp_path) as proxy:
            assert (await chat(proxy)).model == "b"
            first = proxy.row().attempts[0]
        assert (first.status, first.error) == ("timeout", "no answer in time (timeout in phase connect)")
        assert 100 <= first.ended_ms < 900
    finally:
        for each in (*fillers, listener):
            each.close()


async def test_a_stream_that_has_finished_need_not_wait_for_done(tmp_path: Path, up: Provider, monkeypatch: Any) -> None:
    monkeypatch.setattr("proxy.attempts.CLOSING_S", 0.1)
    up.on("a", streaming(role(), word("One"), event(finish="stop"), then=hanging))
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        parts = await chat(proxy, stream=True)
        assert parts[-1].choices[0].finish_reason == "stop"
        assert proxy.row().status == "success"


# --- clients that leave -------------------------------------------------------------------------------------------------


async def test_a_client_that_leaves_before_the_first_byte_ends_the_upstream_call(tmp_path: Path, up: Provider) -> None:
    up.on("a", hanging)
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        async with client(proxy.port) as raw:
            raw.send(request())
            await until(lambda: up.asked)
            left = time.perf_counter()
        await asyncio.wait_for(up.closed.wait(), 1)
        assert time.perf_counter() - left < 0.1
        await until(proxy.finished)
        row = proxy.row()
    assert (row.status, row.http_status, row.error_code) == ("cancelled", 499, "client_gone")
    (attempt,) = row.attempts
    assert attempt.status == "cancelled"
    assert attempt.usage is not None
    assert attempt.usage.estimated
    assert attempt.usage.input_tokens > 0
    assert row.cost_nano_usd == attempt.cost_nano_usd
    assert row.cost_nano_usd


async def test_a_client_that_leaves_in_mid_stream_ends_the_upstream_call(tmp_path: Path, up: Provider) -> None:
    up.on("a", streaming(role(), word("One "), word("two "), then=hanging))
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        stream = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True)
        for _ in range(3):
            await anext(stream)
        left = time.perf_counter()
        await stream.close()
        await asyncio.wait_for(up.closed.wait(), 1)
        assert time.perf_counter() - left < 0.1
        await until(proxy.finished)
        row = proxy.row()
    assert (row.status, row.model) == ("cancelled", "a")
    assert row.usage is not None
    assert (row.usage.estimated, row.usage.output_tokens) == (True, 2)
    assert row.cost_nano_usd


async def test_a_client_that_leaves_while_connecting_leaves_no_connection(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port, ports={"a": 9}))
    async with running(tmp_path) as proxy:
        for _ in range(20):
            async with client(proxy.port) as raw:
                raw.send(request(stream=False))
        await until(lambda: len(proxy.finished()) == 20)
        assert not proxy.open_admissions()


async def test_a_client_that_leaves_with_half_a_body_sent_is_a_row_too(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        async with client(proxy.port) as raw:
            raw.send(request()[:-5])
            await until(lambda: proxy.process.metrics.active == 1)
        await until(proxy.finished)
        row = proxy.row()
    assert (row.status, row.attempts) == ("cancelled", ())


async def test_one_clients_leaving_does_not_disturb_another_on_the_same_upstream(tmp_path: Path, up: Provider) -> None:
    up.on("a", streaming(role(), word("One "), then=hanging))
    up.on("b", streaming(role(), word("One "), event(finish="stop"), DONE))
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        for _ in range(10):
            async with client(proxy.port) as raw:
                raw.send(request())
                await begun(raw)
        up.on("a", well)
        assert (await chat(proxy)).model == "a"
        await until(lambda: len(proxy.finished()) == 11)


# --- silence ------------------------------------------------------------------------------------------------------------


async def test_keep_alives_are_comments_and_come_only_after_the_commit(tmp_path: Path, up: Provider) -> None:
    async def slow(asked: Asked) -> None:
        await asked.begin_stream()
        await asked.events(role())
        await asyncio.sleep(0.2)
        await asked.events(word("One"))
        await asyncio.sleep(0.2)
        await asked.events(event(finish="stop"), DONE)
        await asked.end_stream()

    up.on("a", slow)
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path, bounds=Bounds(keep_alive_s=0.06)) as proxy:
        async with client(proxy.port) as raw:
            raw.send(request())
            _, _, body = await raw.answer()
        events = body.split(b"\n\n")
        assert b"role" in events[0]
        assert b"One" in events[1]
        assert 2 <= events.count(b": keep-alive") <= 3
        assert events[-2:] == [b"data: [DONE]", b""]
        parts = await chat(proxy, stream=True)
        assert [part.choices[0].delta.content for part in parts] == ["", "One", None]


# --- slow readers -------------------------------------------------------------------------------------------------------

FLOOD = word("x" * 8_000) * 8


async def flood(asked: Asked) -> None:
    """As much as the other side takes, until it takes no more for a while."""
    asked.writer.transport.set_write_buffer_limits(high=65_536)
    await asked.begin_stream()
    while True:
        await asyncio.wait_for(asked.send(chunk(FLOOD)), 20)
        asked.sent += len(FLOOD)
        await asyncio.sleep(0)


async def test_a_reader_that_stalls_stops_the_upstream_and_is_cut_off(tmp_path: Path, up: Provider) -> None:
    up.on("a", flood)
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path, limits=ServerLimits(stalled_s=0.4)) as proxy:
        before = resident_bytes()
        async with client(proxy.port) as raw:
            raw.writer.transport.pause_reading()
            raw.send(request())
            await asyncio.wait_for(up.closed.wait(), 5)
            # What lies in the sockets of both sides and in the proxy's two bounded buffers.
            assert up.asked[0].sent < 24_000_000
            assert resident_bytes() - before < 24_000_000
            await until(proxy.finished)
            row = proxy.row()
    assert (row.status, row.attempts[0].status) == ("cancelled", "cancelled")
    assert row.usage is not None
    assert row.usage.estimated


async def test_a_slow_reader_slows_the_upstream_and_gets_everything(tmp_path: Path, up: Provider) -> None:
    count = 400

    async def much(asked: Asked) -> None:
        await asked.begin_stream()
        for _ in range(count):
            await asked.send(chunk(FLOOD))
            asked.sent += len(FLOOD)
        await asked.events(event(finish="stop"), DONE)
        await asked.end_stream()

    up.on("a", much)
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy, client(proxy.port) as raw:
        raw.send(request())
        await begun(raw)
        raw.writer.transport.pause_reading()
        sent = -1
        while sent != up.asked[0].sent:
            sent = up.asked[0].sent
            await asyncio.sleep(0.1)
        assert sent < count * len(FLOOD)  # it waits for the reader
        raw.writer.transport.resume_reading()
        total = 0
        async for part in raw.chunks():
            total += part.count(b'"content":"xxx')
        assert total == count * 8
        assert proxy.row().status == "success"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_end_is_journalled_before_the_client_sees_it(tmp_path: Path, up: Provider, stream: bool) -> None:
    """And the admission before the upstream sees the request."""
    seen: list[int] = []

    async def behave(asked: Asked) -> None:
        seen.append(len(proxy.open_admissions()))
        await (well(asked) if stream else asked.answer(whole()))

    up.on("a", behave)
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy, client(proxy.port) as raw:
        for number in range(1, 4):
            raw.send(request(stream))
            if stream:
                await asyncio.wait_for(raw.reader.readuntil(b"0\r\n\r\n"), 5)
            else:
                await raw.answer()
            assert len(proxy.finished()) == number
        assert seen == [1, 1, 1]
        assert not proxy.open_admissions()
