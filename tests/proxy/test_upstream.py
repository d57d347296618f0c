"""The upstream client against scripted peers: what it understands, what it refuses, what it never does twice."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from proxy.upstream import (
    AnswerTooLarge,
    ConnectionLost,
    MalformedAnswer,
    UpstreamError,
    Upstreams,
    UpstreamTimeout,
    read_all,
)
from tests.proxy.calls import call, hangs_before_the_headers, post, whole
from tests.proxy.servers import Script, answering, chunk, open_descriptors, read_request, resident_bytes, sized, until, upstream

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def test_what_is_sent_and_what_comes_back(upstreams: Upstreams) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(sized(b"pong", b"X-Some: Value  ", status=b"418 Teapot"))
        await reader.read()

    async with upstream(script) as peer:
        exchange = await call(upstreams, post(peer.port, b"ping"))
        assert exchange.status == 418
        assert exchange.headers == [(b"x-some", b"Value"), (b"content-length", b"4")]
        assert await exchange.read(0) == b"pong"
        assert await exchange.read(0) == b""
        assert exchange.ended
        head, body = seen[0]
        assert body == b"ping"
        assert head.split(b"\r\n") == [
            b"POST /v1/x?y=1 HTTP/1.1",
            b"host: 127.0.0.1:%d" % peer.port,
            b"accept-encoding: identity",
            b"x-a: b",
            b"content-length: 4",
            b"",
            b"",
        ]


ANSWERS: list[tuple[str, bytes, bytes]] = [
    ("a length", sized(b"hello"), b"hello"),
    ("an empty body", sized(b""), b""),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ("chunks", CHUNKED + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n", b"hello"),
    ("chunks with extension and trailer", CHUNKED + b"5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n", b"hello"),
    (
        "interim answers first",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" + sized(b"hello"),
        b"hello",
    ),
    ("gzip", sized(gzip.compress(b"hello"), b"content-encoding: gzip"), b"hello"),
    ("gzip in two members", sized(gzip.compress(b"hel") + gzip.compress(b"lo"), b"content-encoding: gzip"), b"hello"),
    ("deflate", sized(zlib.compress(b"hello"), b"content-encoding: deflate"), b"hello"),
    ("bare deflate", sized(zlib.compress(b"hello", wbits=-15), b"content-encoding: deflate"), b"hello"),
    ("a megabyte of gzip", sized(gzip.compress(b"x" * 1_000_000), b"content-encoding: gzip"), b"x" * 1_000_000),
]


@pytest.mark.parametrize(("answer", "body"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
@pytest.mark.parametrize("size", [1_000_000, 1], ids=["at once", "byte by byte"])
async def test_answers_are_understood_however_they_arrive(upstreams: Upstreams, answer: bytes, body: bytes, size: int) -> None:
    async with upstream(answering(*[answer[i : i + size] for i in range(0, len(answer), size)])) as peer:
        for _ in range(2):
            exchange = await call(upstreams, post(peer.port))
            assert b"content-encoding" not in dict(exchange.headers)
            assert await read_all(exchange, asyncio.get_running_loop().time() + 2, 2_000_000) == body
        assert peer.connections == 1


CLOSING: list[tuple[str, bytes, bytes]] = [
    ("no length: until the close", b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello"),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    ("connection: close", sized(b"hello", b"connection: close"), b"hello"),
    ("more than the answer", sized(b"hello") + b"HTTP/1.1 200 OK\r\n", b"hello"),
    ("nonsense behind the answer", sized(b"hello") + b"nonsense", b"hello"),
]


@pytest.mark.parametrize(("answer", "body"), [row[1:] for row in CLOSING], ids=[row[0] for row in CLOSING])
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(upstreams: Upstreams, answer: bytes, body: bytes) -> None:
    async with upstream(answering(answer, close=True)) as peer:
        for _ in range(2):
            assert await whole(upstreams, post(peer.port)) == body
        assert peer.connections == 2
        assert upstreams.open_connections == 0


MALFORMED: list[tuple[str, bytes]] = [
    ("not HTTP", b"SSH-2.0-OpenSSH\r\n"),
    ("both lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    ("a bad chunk size", CHUNKED + b"zz\r\n"),
    ("a chunk longer than it says", CHUNKED + b"1\r\nab\r\n"),
    ("an unknown transfer coding", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc"),
    ("an unknown content coding", sized(b"x", b"content-encoding: br")),
    ("broken gzip", sized(b"x" * 100, b"content-encoding: gzip")),
    ("half a gzip", sized(gzip.compress(b"x" * 100)[:-9], b"content-encoding: gzip")),
    ("another protocol", b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    ("status 0", b"HTTP/1.1 000 Zero\r\n\r\n"),
    ("endless headers", b"HTTP/1.1 200 OK\r\n" + b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 20_000),
    ("300 headers", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 300 + b"\r\n"),
    ("endless trailers", CHUNKED + b"1\r\na\r\n0\r\n" + b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 20_000),
]


@pytest.mark.parametrize("answer", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
async def test_what_is_not_http_is_said_so(upstreams: Upstreams, answer: bytes) -> None:
    async with upstream(answering(answer)) as peer:
        with pytest.raises(MalformedAnswer):
            await whole(upstreams, post(peer.port))
        # A body that does not decode is still framed soundly.
        assert upstreams.open_connections == (b"gzip\r\ncontent-length" in answer)


LOST: list[tuple[str, bytes]] = [
    ("before anything", b""),
    ("in the status line", b"HTTP/1.1 2"),
    ("in the headers", b"HTTP/1.1 200 OK\r\ncontent-le"),
    ("in a body with a length", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
    ("in a chunk", CHUNKED + b"a\r\nabc"),
    ("between chunks", CHUNKED + chunk(b"abc")),
    ("before the last line", CHUNKED + b"0\r\n"),
]


@pytest.mark.parametrize("answer", [row[1] for row in LOST], ids=[row[0] for row in LOST])
async def test_half_an_answer_is_never_a_whole_one(upstreams: Upstreams, answer: bytes) -> None:
    async with upstream(answering(answer, close=True)) as peer:
        with pytest.raises(ConnectionLost):
            await whole(upstreams, post(peer.port))
        assert peer.connections == 1


async def test_what_came_before_the_fault_can_still_be_read(upstreams: Upstreams) -> None:
    async with upstream(answering(CHUNKED + chunk(b"abc"), close=True)) as peer:
        exchange = await call(upstreams, post(peer.port))
        by = asyncio.get_running_loop().time() + 2
        assert await exchange.read(by) == b"abc"
        with pytest.raises(ConnectionLost):
            await exchange.read(by)


async def test_reads_are_coalesced(upstreams: Upstreams) -> None:
    async with upstream(answering(CHUNKED + b"".join(chunk(b"%d," % n) for n in range(50)) + b"0\r\n\r\n")) as peer:
        exchange = await call(upstreams, post(peer.port))
        data = await exchange.read(asyncio.get_running_loop().time() + 2)
        assert data == b"".join(b"%d," % n for n in range(50))
        assert exchange.ended


# ---- timeouts and cancellation


async def hangs_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(CHUNKED + chunk(b"one"))
    await reader.read()


@pytest.mark.parametrize(("script", "phase"), [(hangs_before_the_headers, "headers"), (hangs_in_the_body, "body")])
async def test_a_deadline_that_passes_names_its_phase_and_closes_the_socket(
    upstreams: Upstreams, script: Script, phase: str
) -> None:
    loop = asyncio.get_running_loop()
    async with upstream(script) as peer:
        began = loop.time()
        with pytest.raises(UpstreamTimeout) as caught:
            await whole(upstreams, post(peer.port), within=0.1)
        assert caught.value.phase == phase
        assert 0.09 < loop.time() - began < 5
        assert upstreams.open_connections == 0


async def test_a_drip_is_kept_alive_by_the_time_between_bytes_alone(upstreams: Upstreams) -> None:
    loop = asyncio.get_running_loop()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED)
        for _ in range(40):
            writer.write(chunk(b"."))
            await asyncio.sleep(0.02)
        writer.write(b"0\r\n\r\n")
        await reader.read()

    async with upstream(script) as peer:
        exchange = await call(upstreams, post(peer.port))
        dots = b""
        while piece := await exchange.read(loop.time() + 0.6):
            dots += piece
        assert dots == b"." * 40


@pytest.mark.parametrize("script", [hangs_before_the_headers, hangs_in_the_body])
async def test_cancelling_closes_the_socket_so_that_the_provider_stops(upstreams: Upstreams, script: Script) -> None:
    gone = asyncio.Event()

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        finally:
            gone.set()

    async with upstream(watched) as peer:
        task = asyncio.create_task(whole(upstreams, post(peer.port)))
        await until(lambda: peer.connections)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert upstreams.open_connections == 0
        await asyncio.wait_for(gone.wait(), 0.1)


async def test_closing_early_closes_the_socket_and_closing_late_keeps_it(upstreams: Upstreams) -> None:
    async with upstream(hangs_in_the_body) as peer:
        exchange = await call(upstreams, post(peer.port))
        exchange.close()
        exchange.close()
        assert upstreams.open_connections == 0
        with pytest.raises(ConnectionLost):
            await exchange.read(0)
    async with upstream(answering(sized(b"hello"))) as peer:
        exchange = await call(upstreams, post(peer.port))
        exchange.close()
        assert upstreams.open_connections == 1


@pytest.mark.parametrize("ends", [True, False], ids=["that ends soon is kept", "that does not is closed"])
async def test_the_connection_of_an_answer_whose_rest_nobody_needs(upstreams: Upstreams, ends: bool) -> None:
    needed, gone = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED + chunk(b"all that matters"))
        await needed.wait()
        if ends:
            writer.write(b"0\r\n\r\n")
        await reader.read()
        gone.set()

    async with upstream(script) as peer:
        exchange = await call(upstreams, post(peer.port))
        assert await exchange.read(asyncio.get_running_loop().time() + 2) == b"all that matters"
        exchange.release()
        needed.set()
        if ends:
            await until(lambda: exchange.complete)
            assert (upstreams.open_connections, gone.is_set()) == (1, False)
        else:
            await asyncio.wait_for(gone.wait(), 3)
            assert upstreams.open_connections == 0


async def test_closing_all_wakes_those_who_wait(upstreams: Upstreams) -> None:
    async with upstream(hangs_before_the_headers) as peer:
        task = asyncio.create_task(whole(upstreams, post(peer.port)))
        await until(lambda: upstreams.open_connections)
        await asyncio.sleep(0.01)
        await upstreams.close()
        with pytest.raises(ConnectionLost):
            await task


# ---- bounds


async def test_a_huge_answer_is_cut_off_early_and_in_little_memory(upstreams: Upstreams) -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n")
        while sent < 200_000_000:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    before = resident_bytes()
    async with upstream(script) as peer:
        for _ in range(5):
            sent = 0
            with pytest.raises(AnswerTooLarge):
                await whole(upstreams, post(peer.port), max_bytes=1_000_000)
            assert sent < 30_000_000
    assert resident_bytes() - before < 60_000_000
    assert upstreams.open_connections == 0


async def test_a_compression_bomb_is_an_answer_too_large(upstreams: Upstreams) -> None:
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(b"\0" * 1_000_000) for _ in range(300)) + bomb.flush()
    before = resident_bytes()
    async with upstream(answering(sized(packed, b"content-encoding: gzip"))) as peer:
        with pytest.raises(AnswerTooLarge):
            await whole(upstreams, post(peer.port), max_bytes=1_000_000)
    assert resident_bytes() - before < 60_000_000


async def test_an_answer_that_nobody_reads_stops_the_upstream(upstreams: Upstreams) -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            await read_request(reader)
            writer.write(CHUNKED)
            for _ in range(1000):
                writer.write(chunk(b"x" * 65_536))
                sent += 1
                await writer.drain()
            writer.write(b"0\r\n\r\n")

    loop = asyncio.get_running_loop()
    async with upstream(script) as peer:
        exchange = await call(upstreams, post(peer.port))
        await asyncio.sleep(0.3)
        assert sent < 500
        assert exchange.buffered < 600_000
        assert len(await read_all(exchange, loop.time() + 10, 100_000_000)) == 1000 * 65_536
        assert len(await whole(upstreams, post(peer.port), within=10, max_bytes=100_000_000)) == 1000 * 65_536
        assert peer.connections == 1


async def test_thousands_of_mixed_faults_leave_nothing_behind(upstreams: Upstreams) -> None:
    """Sockets, tasks and timers after 3,000 calls, four fifths of which go wrong, are those of before."""

    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    scripts: list[Script] = [
        answering(sized(b"hello")),
        resets,
        hangs_before_the_headers,
        hangs_in_the_body,
        answering(b"garbage"),
        answering(CHUNKED + b"a\r\nabc", close=True),
        answering(CHUNKED + chunk(b"x" * 50_000) * 20 + b"0\r\n\r\n"),
    ]
    before, tasks = 0, len(asyncio.all_tasks())

    async def one(number: int, ports: list[int]) -> None:
        task = asyncio.create_task(whole(upstreams, post(ports[number % len(ports)]), within=0.03, max_bytes=200_000))
        if number % 5 == 0:
            await asyncio.sleep(0.001 * (number % 10))
            task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        assert isinstance(outcome, bytes | UpstreamError | asyncio.CancelledError), repr(outcome)

    for repetition in range(3):
        peers = [upstream(script) for script in scripts]
        ports = [(await peer.__aenter__()).port for peer in peers]
        for batch in range(10):
            await asyncio.gather(*(one(batch * 100 + n, [*ports, 1]) for n in range(100)))
        for peer in peers:
            await peer.__aexit__(None, None, None)
        await upstreams.close()
        assert upstreams.open_connections == 0
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        if repetition == 0:
            # The loop has made what it keeps for itself.
            await asyncio.sleep(0.05)
            before = open_descriptors()
    await until(lambda: open_descriptors() <= before)


# ---- pouring


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Seven chunks, 20 ms apart, then nothing more."""
    await read_request(reader)
    writer.write(CHUNKED)
    for number in range(7):
        writer.write(chunk(b"%d" % number))
        await asyncio.sleep(0.02)
    await reader.read()


async def test_an_answer_is_poured_to_its_end(upstreams: Upstreams) -> None:
    async with upstream(answering(CHUNKED + chunk(b"one,"), chunk(b"two,"), chunk(b"three") + b"0\r\n\r\n")) as peer:
        exchange = await call(upstreams, post(peer.port))
        poured: list[bytes] = []
        await exchange.pour(lambda data: poured.append(data) is None, asyncio.get_running_loop().time() + 2, 1.0)
        assert b"".join(poured) == b"one,two,three"
        assert exchange.ended
        assert await whole(upstreams, post(peer.port)) == b"one,two,three"
        assert peer.connections == 1


async def test_a_sink_that_has_enough_gets_no_more_and_nothing_is_lost(upstreams: Upstreams) -> None:
    async with upstream(dripping) as peer:
        exchange = await call(upstreams, post(peer.port))
        poured: list[bytes] = []
        by = asyncio.get_running_loop().time() + 2
        await exchange.pour(lambda data: poured.append(data) is not None, by, 1.0)
        assert len(poured) == 1
        while len(b"".join(poured)) < 6:
            poured.append(await exchange.read(by))
        await exchange.pour(lambda data: poured.append(data) is not None, by, 1.0)
        assert b"".join(poured) == b"0123456"
        exchange.close()


async def test_the_wait_between_two_reads_is_bounded_not_their_sum(upstreams: Upstreams) -> None:
    async with upstream(dripping) as peer:
        exchange = await call(upstreams, post(peer.port))
        poured: list[bytes] = []
        with pytest.raises(UpstreamTimeout):
            await exchange.pour(lambda data: poured.append(data) is None, asyncio.get_running_loop().time() + 30, 0.1)
        assert b"".join(poured) == b"0123456"
        assert upstreams.open_connections == 0


async def test_a_stream_that_never_rests_still_ends_by_its_time(upstreams: Upstreams) -> None:
    async with upstream(dripping) as peer:
        exchange = await call(upstreams, post(peer.port))
        with pytest.raises(UpstreamTimeout):
            await exchange.pour(lambda data: True, asyncio.get_running_loop().time() + 0.05, 10.0)


async def test_what_a_sink_raises_reaches_the_caller(upstreams: Upstreams) -> None:
    def sink(data: bytes) -> bool:
        raise LookupError(data.decode())

    async with upstream(dripping) as peer:
        exchange = await call(upstreams, post(peer.port))
        await exchange.read(asyncio.get_running_loop().time() + 2)
        with pytest.raises(LookupError):
            await exchange.pour(sink, asyncio.get_running_loop().time() + 2, 1.0)
        exchange.close()


async def test_a_compressed_answer_is_poured_expanded(upstreams: Upstreams) -> None:
    packed = gzip.compress(b"hello " * 100)
    async with upstream(answering(sized(packed, b"content-encoding: gzip"))) as peer:
        exchange = await call(upstreams, post(peer.port))
        poured: list[bytes] = []
        await exchange.pour(lambda data: poured.append(data) is None, asyncio.get_running_loop().time() + 2, 1.0)
        assert b"".join(poured) == b"hello " * 100
