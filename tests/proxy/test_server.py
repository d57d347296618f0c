"""The server's protocol: one table of transcripts, then what handlers can do."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from proxy.server import BodyTooLarge, Request, ServerLimits
from tests.proxy.servers import client, serving, until

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: x\r\n"


async def echo(request: Request) -> None:
    """Answers with what it understood."""
    body = await request.body(1_000_000)
    seen = f"{request.method} {request.path} {request.query.decode()} {body.decode()}"
    request.respond(200, [(b"content-type", b"text/plain")], seen.encode())


ACCEPTED = [
    ("a request without a body", GET, [b"GET /a  "]),
    ("a query and an encoded path", b"GET /a%20b/c%2Fd?x=%20 HTTP/1.1\r\nhost: x\r\n\r\n", [b"GET /a b/c/d x=%20 "]),
    ("an absolute target", b"GET http://x/a?b HTTP/1.1\r\nhost: x\r\n\r\n", [b"GET /a b "]),
    ("a body with a length", POST + b"content-length: 3\r\n\r\nabc", [b"POST /a  abc"]),
    ("a chunked body with extension and trailer",
     POST + b"transfer-encoding: Chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nt: 1\r\n\r\n", [b"POST /a  abc"]),
    ("two requests in one write", GET + POST + b"content-length: 1\r\n\r\nz" + GET, [b"GET /a  ", b"POST /a  z", b"GET /a  "]),
    ("empty lines before a request", b"\r\n\r\n" + GET, [b"GET /a  "]),
    ("an upgrade that is offered is ignored",
     POST + b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\ncontent-length: 3\r\n\r\nabc" + GET,
     [b"POST /a  abc", b"GET /a  "]),
    ("nonsense behind a good request is not heard", GET + b"\x00\x01\x02", [b"GET /a  "]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "bodies"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
@pytest.mark.parametrize("dribble", [False, True], ids=["at once", "byte by byte"])
async def test_requests_are_understood_however_they_arrive(sent: bytes, bodies: list[bytes], dribble: bool) -> None:
    async with serving(echo) as server, client(server.port) as peer:
        for piece in [sent[i : i + 1] for i in range(len(sent))] if dribble else [sent]:
            peer.send(piece)
            await peer.writer.drain()
            await asyncio.sleep(0)
        for body in bodies:
            status, headers, received = await peer.answer()
            assert (status, received) == (200, body)
            assert headers[b"content-length"] == str(len(body)).encode()
            assert headers[b"date"].endswith(b"GMT")


CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
REFUSED = [
    ("both lengths", POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("both lengths, the other way", POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400),
    ("a list of lengths", POST + b"content-length: 3, 3\r\n\r\nabc", 400),
    ("a signed length", POST + b"content-length: +3\r\n\r\nabc", 400),
    ("a length beyond 64 bits", POST + b"content-length: 99999999999999999999\r\n\r\n", 400),
    ("an unknown coding", POST + b"transfer-encoding: gzip\r\n\r\n", 400),
    ("a coding before chunked", POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked twice", POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked in HTTP/1.0", b"POST /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a chunk size with a prefix", CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    ("a chunk size with a space", CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", 400),
    ("a chunk size beyond 64 bits", CHUNKED + b"fffffffffffffffff\r\n", 400),
    ("a chunk longer than it says", CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400),
    ("a chunk line ended by LF", CHUNKED + b"3\nabc\r\n0\r\n\r\n", 400),
    ("a length as a trailer", CHUNKED + b"0\r\ncontent-length: 5\r\n\r\n", 400),
    ("a folded header", GET[:-2] + b"x: a\r\n b\r\n\r\n", 400),
    ("lines ended by LF", b"GET /a HTTP/1.1\nhost: x\n\n", 400),
    ("a bare LF in a header", GET[:-2] + b"x: a\ny: b\r\n\r\n", 400),
    ("a bare CR in a header", GET[:-2] + b"x: a\ry: b\r\n\r\n", 400),
    ("NUL in a header", GET[:-2] + b"x: a\0b\r\n\r\n", 400),
    ("a space before the colon", GET[:-2] + b"x : a\r\n\r\n", 400),
    ("no header name", GET[:-2] + b": a\r\n\r\n", 400),
    ("no Host", b"GET /a HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", GET[:-2] + b"host: y\r\n\r\n", 400),
    ("no HTTP", b"\x16\x03\x01\x02\x00hello", 400),
    ("a control character in the target", b"GET /a\x01 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    ("HTTP/2", b"GET /a HTTP/2.0\r\nhost: x\r\n\r\n", 505),
    ("HTTP/0.9", b"GET /a\r\n\r\n", 505),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("CONNECT", b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", 405),
    ("TRACE", b"TRACE / HTTP/1.1\r\nhost: x\r\n\r\n", 405),
    ("an unknown method", b"FROB / HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    ("one header of 40 KB", GET[:-2] + b"x: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    ("a target of 40 KB", b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
    ("1,000 headers", GET[:-2] + b"".join(b"x%d: a\r\n" % i for i in range(1000)) + b"\r\n", 431),
    ("1,000 times the same header", GET[:-2] + b"x: a\r\n" * 1000 + b"\r\n", 431),
    ("64 KB between the parts of a body", CHUNKED + b"1\r\na\r\n0\r\n" + b"x: a\r\n" * 60_000, 400),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "expected"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("size", [1_000_000, 1000, 7], ids=["at once", "in pieces", "in small pieces"])
async def test_what_is_ambiguous_or_too_big_is_refused_and_the_connection_closed(sent: bytes, expected: int, size: int) -> None:
    handled: list[str] = []

    async def handler(request: Request) -> None:
        await request.body(1_000_000)
        handled.append(request.path)
        request.respond(200, [])

    async with serving(handler) as server, client(server.port) as peer:
        if size == 7:
            sent = sent[:80_000]
        for start in range(0, len(sent), size):
            peer.send(sent[start : start + size])
            if size < 1_000_000:
                await asyncio.sleep(0)
        status, headers, body = await peer.answer()
        assert status == expected
        assert headers[b"connection"] == b"close"
        error = json.loads(body)["error"]
        assert error["type"] == "invalid_request_error"
        assert set(error) == {"message", "type", "param", "code"}
        assert await peer.rest() in (b"", b"<reset>")
        assert handled == []


async def test_headers_are_lower_case_joined_and_stripped() -> None:
    seen: dict[bytes, bytes] = {}

    async def handler(request: Request) -> None:
        seen.update(request.headers)
        request.respond(204, [])

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(GET[:-2] + b"X-One:  a b \t\r\nAccept: p\r\naccept: q\r\nEmpty:\r\n\r\n")
        status, headers, _ = await peer.answer()
        assert (status, b"content-length" in headers) == (204, False)
        assert seen == {b"host": b"x", b"x-one": b"a b", b"accept": b"p, q", b"empty": b""}


async def test_a_connection_is_closed_when_the_client_asks_for_it_or_speaks_http_1_0() -> None:
    async with serving(echo) as server:
        for request in (
            GET[:-2] + b"connection: close\r\n\r\n",
            b"GET /a HTTP/1.0\r\n\r\n",
            b"GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
        ):
            async with client(server.port) as peer:
                peer.send(request)
                status, headers, _ = await peer.answer()
                assert (status, headers[b"connection"]) == (200, b"close")
                assert await peer.rest() == b""


async def test_head_gets_the_head_alone() -> None:
    async def handler(request: Request) -> None:
        if request.path == "/stream":
            request.start(200, [])
            request.write(b"unseen")
            request.finish(b"unseen")
        else:
            request.respond(200, [], b"unseen")

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(b"HEAD /a HTTP/1.1\r\nhost: x\r\n\r\nHEAD /stream HTTP/1.1\r\nhost: x\r\n\r\n" + GET)
        assert (await peer.answer(bodiless=True))[1][b"content-length"] == b"6"
        assert (await peer.answer(bodiless=True))[1][b"transfer-encoding"] == b"chunked"
        assert (await peer.answer())[2] == b"unseen"


async def test_a_stream_is_chunked_ends_properly_and_keeps_the_connection() -> None:
    async def handler(request: Request) -> None:
        request.start(200, [(b"content-type", b"text/event-stream")])
        assert request.write(b"one")
        assert request.write(b"")
        await request.drain()
        request.finish(b"two")

    async with serving(handler) as server, client(server.port) as peer:
        for _ in range(2):
            peer.send(GET)
            assert (await peer.answer())[2] == b"onetwo"


async def test_a_stream_to_http_1_0_ends_with_the_connection() -> None:
    async def handler(request: Request) -> None:
        request.start(200, [])
        request.write(b"one")
        request.finish(b"two")

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(b"GET /a HTTP/1.0\r\n\r\n")
        status, headers, body = await peer.answer()
        assert (status, body, b"transfer-encoding" in headers) == (200, b"onetwo", False)


async def test_continue_is_sent_only_when_the_handler_wants_the_body() -> None:
    async def handler(request: Request) -> None:
        if b"authorization" not in request.headers:
            request.respond(401, [], b"no")
            return
        await echo(request)

    async with serving(handler) as server:
        head = POST + b"expect: 100-continue\r\ncontent-length: 3\r\n"
        async with client(server.port) as peer:
            peer.send(head + b"authorization: me\r\n\r\n")
            assert (await peer.answer())[0] == 100
            peer.send(b"abc")
            assert (await peer.answer())[2] == b"POST /a  abc"
        async with client(server.port) as peer:
            peer.send(head + b"\r\n")
            assert (await peer.answer())[0] == 401
            assert await peer.rest() == b""


async def test_a_body_over_the_limit_is_413_whether_declared_or_not() -> None:
    async def handler(request: Request) -> None:
        with pytest.raises(BodyTooLarge):
            await request.body(10)
        request.respond(413, [], b"big")

    async with serving(handler) as server:
        for framed in (b"content-length: 300000\r\n\r\n" + b"x" * 300_000,
                       b"transfer-encoding: chunked\r\n\r\n" + b"4\r\nabcd\r\n" * 50_000,
                       b"content-length: 11\r\n\r\n12345678901"):  # fmt: skip
            async with client(server.port) as peer:
                peer.send(POST + framed)
                assert (await peer.answer())[0] == 413


async def test_an_answer_without_reading_the_body_reaches_a_client_that_is_still_sending() -> None:
    async def handler(request: Request) -> None:
        request.respond(401, [], b"no")

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(POST + b"content-length: 2000000\r\n\r\n" + b"x" * 1_000_000)
        status, headers, body = await peer.answer()
        assert (status, headers[b"connection"], body) == (401, b"close", b"no")
        peer.send(b"x" * 1_000_000)
        assert await peer.rest() == b""


async def test_little_of_a_body_is_read_before_the_handler_asks_for_it() -> None:
    asked = asyncio.Event()
    received: list[int] = []

    async def handler(request: Request) -> None:
        await asked.wait()
        received.append(request.received)
        received.append(len(await request.body(20_000_000)))
        request.respond(200, [])

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(POST + b"content-length: 16000000\r\n\r\n" + b"x" * 16_000_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.writer.drain(), 0.2)
        asked.set()
        assert (await peer.answer())[0] == 200
        assert received[0] <= 600_000
        assert received[1] == 16_000_000


async def test_a_handler_that_raises_is_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> None:
        raise LookupError("deep inside")

    async with serving(handler) as server, client(server.port) as peer:
        with caplog.at_level(logging.ERROR, "waybill.proxy"):
            peer.send(GET)
            status, _, body = await peer.answer()
        assert status == 500
        assert b"deep inside" not in body
        assert "deep inside" in caplog.text
        peer.send(GET)
        assert (await peer.answer())[0] == 500


@pytest.mark.parametrize("how", ["raises", "returns", "aborts"])
async def test_a_stream_that_is_not_finished_is_never_ended_properly(how: str) -> None:
    async def handler(request: Request) -> None:
        request.start(200, [])
        request.write(b"half")
        await asyncio.sleep(0.02)
        if how == "raises":
            raise LookupError
        if how == "aborts":
            request.abort()
            request.write(b"ignored")
            request.finish()

    logging.getLogger("waybill.proxy").setLevel(logging.CRITICAL)
    async with serving(handler) as server, client(server.port) as peer:
        peer.send(GET)
        received = await peer.rest()
        assert b"0\r\n\r\n" not in received
    logging.getLogger("waybill.proxy").setLevel(logging.NOTSET)


async def test_a_handler_that_returns_without_answering_cuts_the_connection() -> None:
    async def handler(request: Request) -> None:
        return

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(GET)
        assert await peer.rest() in (b"", b"<reset>")


async def test_a_forged_header_is_not_sent() -> None:
    async def handler(request: Request) -> None:
        with pytest.raises(ValueError, match="line break"):
            request.respond(200, [(b"x", b"a\r\nset-cookie: b")])
        request.respond(200, [], b"clean")

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(GET)
        assert (await peer.answer())[2] == b"clean"


@pytest.mark.parametrize("how", ["closes", "half-closes", "resets"])
@pytest.mark.parametrize("started", [False, True], ids=["before the answer", "inside a stream"])
async def test_a_client_that_goes_away_cancels_its_handler_at_once(how: str, started: bool) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> None:
        if started:
            request.start(200, [])
            request.write(b"one")
        begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            # What comes now is dropped, not raised.
            if started:
                request.write(b"two")
                request.finish()
            else:
                request.respond(200, [], b"late")
            cancelled.set()
            raise

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(GET)
        await begun.wait()
        if how == "closes":
            peer.writer.close()
        elif how == "half-closes":
            peer.writer.write_eof()
        else:
            peer.writer.transport.abort()
        await asyncio.wait_for(cancelled.wait(), 0.5)


async def test_one_client_that_does_not_read_holds_up_nobody_else() -> None:
    behind = asyncio.Event()

    async def handler(request: Request) -> None:
        if request.path == "/fast":
            request.respond(200, [], b"ok")
            return
        request.start(200, [])
        for _ in range(1000):
            if not request.write(b"x" * 65_536):
                break
            await asyncio.sleep(0)
        behind.set()
        await request.drain()
        request.finish()

    async with serving(handler) as server, client(server.port) as slow, client(server.port) as fast:
        slow.writer.transport.pause_reading()
        slow.send(GET)
        await asyncio.wait_for(behind.wait(), 5)
        fast.send(b"GET /fast HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await fast.answer())[2] == b"ok"
        slow.writer.transport.resume_reading()
        assert (await slow.answer())[0] == 200


async def test_closing_finishes_what_is_in_flight_and_drops_idle_connections() -> None:
    release = asyncio.Event()

    async def handler(request: Request) -> None:
        await release.wait()
        request.respond(200, [], b"done")

    async with serving(handler) as server, client(server.port) as busy, client(server.port) as idle:
        busy.send(GET)
        await until(lambda: server.running)
        closing = asyncio.create_task(server.close(5))
        assert await idle.rest() == b""
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection("127.0.0.1", server.port)
        release.set()
        status, headers, _ = await busy.answer()
        assert (status, headers[b"connection"]) == (200, b"close")
        await asyncio.wait_for(closing, 1)


async def test_closing_cancels_what_outlives_the_grace() -> None:
    cancelled = asyncio.Event()

    async def handler(request: Request) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    async with serving(handler) as server, client(server.port) as peer:
        peer.send(GET)
        await until(lambda: server.running)
        await asyncio.wait_for(server.close(0.05), 1)
        assert cancelled.is_set()


async def test_more_connections_than_allowed_are_turned_away() -> None:
    async with serving(echo, ServerLimits(max_connections=1)) as server, client(server.port) as first:
        first.send(GET)
        await first.answer()
        async with client(server.port) as second:
            status, _, body = await second.answer()
            assert (status, json.loads(body)["error"]["code"]) == (503, "overloaded")
        first.send(GET)
        assert (await first.answer())[0] == 200
