"""The pool of upstream connections: what is kept, who waits, what is never sent twice."""

from __future__ import annotations

import asyncio

import pytest

from proxy.upstream import (
    ConnectFailed,
    ConnectionLost,
    Origin,
    UpstreamRequest,
    Upstreams,
)
from tests.proxy.calls import call, hangs_before_the_headers, post, whole
from tests.proxy.servers import answering, read_request, sized, until, upstream


async def test_connections_are_reused_last_in_first_out_and_age(upstreams: Upstreams) -> None:
    aging = Upstreams(environ={}, idle_s=0.1)
    async with upstream(answering(sized(b"hello"))) as peer:
        first, second = [await call(aging, post(peer.port)) for _ in range(2)]
        assert (first.status, second.status, peer.connections) == (200, 200, 1)
        await asyncio.gather(*(whole(aging, post(peer.port)) for _ in range(5)))
        assert aging.open_connections == 5
        await until(lambda: aging.open_connections == 0, 1)
        assert await whole(aging, post(peer.port)) == b"hello"
    await aging.close()


async def test_more_calls_than_connections_wait_for_their_turn() -> None:
    small = Upstreams(environ={}, max_connections=2)
    async with upstream(answering(sized(b"hello"))) as peer:
        assert await asyncio.gather(*(whole(small, post(peer.port)) for _ in range(20))) == [b"hello"] * 20
        assert peer.connections == 2
    async with upstream(hangs_before_the_headers) as peer:
        calls = [whole(small, post(peer.port), within=seconds) for seconds in (0.1, 0.1, 0.05)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sorted(str(error) for error in results) == ["timeout in phase connect"] + ["timeout in phase headers"] * 2
        waiting = [asyncio.create_task(whole(small, post(peer.port), within=0.3)) for _ in range(4)]
        await asyncio.sleep(0.05)
        waiting[3].cancel()
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert small.open_connections == 0
    await small.close()


async def test_a_pooled_connection_that_was_closed_meanwhile_is_replaced_once(upstreams: Upstreams) -> None:
    """The peer answers once, then closes on seeing the second request without a byte: unnoticed until then."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sized(b"hello"))
        await read_request(reader)

    async with upstream(script) as peer:
        assert await whole(upstreams, post(peer.port)) == b"hello"
        assert await whole(upstreams, post(peer.port)) == b"hello"
        assert peer.connections == 2


async def test_nothing_is_sent_twice_once_a_byte_of_the_answer_has_come(upstreams: Upstreams) -> None:
    requests = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1
        writer.write(sized(b"hello"))
        await read_request(reader)
        requests += 1
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.02)

    async with upstream(script) as peer:
        assert await whole(upstreams, post(peer.port)) == b"hello"
        with pytest.raises(ConnectionLost):
            await whole(upstreams, post(peer.port))
        assert (peer.connections, requests) == (1, 2)


async def test_a_fresh_connection_that_closes_is_not_retried(upstreams: Upstreams) -> None:
    async with upstream(answering(b"", close=True)) as peer:
        with pytest.raises(ConnectionLost):
            await whole(upstreams, post(peer.port))
        assert peer.connections == 1


async def test_bytes_that_nobody_asked_for_close_the_connection(upstreams: Upstreams) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sized(b"hello"))
        await asyncio.sleep(0.02)
        writer.write(sized(b"poison"))
        await reader.read()

    async with upstream(script) as peer:
        assert await whole(upstreams, post(peer.port)) == b"hello"
        await until(lambda: upstreams.open_connections == 0)
        assert await whole(upstreams, post(peer.port)) == b"hello"


async def test_an_answer_before_the_request_was_sent_whole_does_not_poison_the_pool(upstreams: Upstreams) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sized(b"too big", status=b"413 Too Large"))
        await asyncio.sleep(1)

    async with upstream(script) as peer:
        exchange = await call(upstreams, post(peer.port, b"x" * 30_000_000))
        assert exchange.status == 413
        assert upstreams.open_connections == 0


async def test_head_has_no_body(upstreams: Upstreams) -> None:
    async with upstream(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")) as peer:
        assert await whole(upstreams, post(peer.port, b"", b"HEAD")) == b""


async def test_a_header_cannot_be_forged(upstreams: Upstreams) -> None:
    request = post(1)
    request.headers.append((b"x", b"a\r\nb: c"))
    with pytest.raises(ValueError, match="line break"):
        await call(upstreams, request)


async def test_refused_and_unknown_hosts_are_connect_failures(upstreams: Upstreams) -> None:
    async with upstream(answering(b"")) as peer:
        port = peer.port
    with pytest.raises(ConnectFailed, match="refused"):
        await call(upstreams, post(port))
    request = UpstreamRequest(Origin("http", "does-not-exist.invalid", 80), b"GET", b"/", [])
    with pytest.raises(ConnectFailed):
        await call(upstreams, request)


# ---- everything at once
