"""Clients that take their time: each phase has its bound, with the limits scaled down."""

from __future__ import annotations

import asyncio
import json

from proxy.server import ClientStalled, Request, ServerLimits
from tests.proxy.servers import client, open_descriptors, serving, until

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
SLOW = ServerLimits(header_s=0.15, body_s=0.15, idle_s=0.15, stalled_s=0.15, linger_s=0.15)


async def ok(request: Request) -> None:
    request.respond(200, [], await request.body(1_000_000))


async def test_slow_headers_are_408_also_when_they_keep_dripping() -> None:
    async with serving(ok, SLOW) as server, client(server.port) as peer:
        peer.send(b"GET / HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                peer.send(b"x: a\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        status, _, body = await asyncio.wait_for(peer.answer(), 1)
        dripping.cancel()
        assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")
        assert await peer.rest() in (b"", b"<reset>")


async def test_slow_headers_of_a_later_request_are_408_too() -> None:
    async with serving(ok, SLOW) as server, client(server.port) as peer:
        peer.send(GET)
        assert (await peer.answer())[0] == 200
        peer.send(b"GET / HTTP/1.1\r\n")
        assert (await asyncio.wait_for(peer.answer(), 1))[0] == 408


async def test_a_connection_that_sends_nothing_is_closed_without_a_word() -> None:
    async with serving(ok, SLOW) as server, client(server.port) as peer:
        assert await asyncio.wait_for(peer.rest(), 1) == b""


async def test_an_idle_kept_connection_is_closed_but_not_while_it_is_used() -> None:
    async with serving(ok, SLOW) as server, client(server.port) as peer:
        for _ in range(6):
            peer.send(GET)
            assert (await peer.answer())[0] == 200
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(peer.rest(), 1) == b""


async def test_a_request_in_flight_is_under_none_of_these_clocks() -> None:
    async def handler(request: Request) -> None:
        await asyncio.sleep(0.5)
        request.respond(200, [])

    async with serving(handler, SLOW) as server, client(server.port) as peer:
        peer.send(GET)
        assert (await peer.answer())[0] == 200


async def test_a_slow_body_is_408() -> None:
    async with serving(ok, SLOW) as server, client(server.port) as peer:
        peer.send(b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        assert (await asyncio.wait_for(peer.answer(), 1))[0] == 408
        assert await asyncio.wait_for(peer.rest(), 1) == b""


async def test_a_client_that_stops_reading_is_cut_off_and_the_handler_told() -> None:
    told = asyncio.Event()

    async def handler(request: Request) -> None:
        request.start(200, [])
        try:
            while True:
                if not request.write(b"x" * 65_536):
                    await request.drain()
        except ClientStalled:
            told.set()
            raise

    async with serving(handler, SLOW) as server, client(server.port) as peer:
        peer.writer.transport.pause_reading()
        peer.send(GET)
        await asyncio.wait_for(told.wait(), 5)
        await until(lambda: not server.connections)


async def test_an_answer_that_nobody_reads_is_cut_off_after_its_handler_has_ended() -> None:
    async def handler(request: Request) -> None:
        request.respond(200, [], b"x" * 20_000_000)

    async with serving(handler, SLOW) as server, client(server.port) as peer:
        peer.writer.transport.pause_reading()
        peer.send(GET + GET)
        await until(lambda: server.connections)
        await until(lambda: not server.connections)


async def test_a_slow_reader_that_keeps_reading_is_served_to_the_end() -> None:
    async def handler(request: Request) -> None:
        request.start(200, [])
        for _ in range(200):
            if not request.write(b"x" * 65_536):
                await request.drain()
        request.finish()

    async with serving(handler, ServerLimits(stalled_s=1.5)) as server, client(server.port) as peer:
        peer.send(GET)
        head = await peer.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        total = 0
        async for chunk in peer.chunks():
            total += len(chunk)
            if total < 6_000_000:
                await asyncio.sleep(0.02)  # longer in all than a reader may stall
        assert total == 200 * 65_536


async def test_hostile_clients_leave_nothing_behind() -> None:
    """Mixed offenders, many at once: every descriptor and every handler is gone afterwards."""
    offences = [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nx: ",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000,
        b"\0" * 1000,
        GET * 50,
    ]
    async with serving(ok, SLOW) as server:
        before = open_descriptors()
        for _ in range(3):
            peers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(100)]
            for number, (_, writer) in enumerate(peers):
                writer.write(offences[number % len(offences)])
            await asyncio.sleep(0.05)
            for number, (_, writer) in enumerate(peers):
                if number % 3 == 0:
                    writer.transport.abort()
                elif number % 3 == 1 and writer.can_write_eof() and not writer.is_closing():
                    writer.write_eof()
            await until(lambda: not server.connections and not server.running)
            for _, writer in peers:
                writer.transport.abort()
        await asyncio.sleep(0.05)
        assert open_descriptors() <= before
