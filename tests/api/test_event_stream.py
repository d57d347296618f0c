"""A stream of server-sent events, as the ASGI server sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from api.graphql.event_stream import EventStream


class Exchange:
    """One answer being sent: what was sent, and a client that leaves when told so."""

    def __init__(self, events: AsyncGenerator[bytes, None], keep_alive_s: float = 60.0) -> None:
        self.sent: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.leave = asyncio.Event()
        answer = EventStream(events, {"x-request-id": "r"}, keep_alive_s=keep_alive_s).to_asgi_response()
        self.task = asyncio.create_task(answer({}, self._receive, self._send))  # type: ignore[arg-type]  # no scope is read

    async def _receive(self) -> Any:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)
        self.news.set()

    @property
    def body(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:]]

    async def until(self, chunks: int) -> None:
        async with asyncio.timeout(10):
            while len(self.body) < chunks:
                self.news.clear()
                await self.news.wait()


async def test_events_are_sent_as_they_come_and_the_end_is_an_end() -> None:
    async def events() -> AsyncGenerator[bytes, None]:
        yield b"one"
        yield b"two"

    exchange = Exchange(events())
    await exchange.task
    assert exchange.sent[0]["status"] == 200
    headers = dict(exchange.sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"x-request-id"] == b"r"
    assert exchange.body == [b"one", b"two", b""]
    assert [message["more_body"] for message in exchange.sent[1:]] == [True, True, False]


async def test_silence_is_broken_by_comments_that_do_not_disturb_the_events() -> None:
    go = asyncio.Event()

    async def events() -> AsyncGenerator[bytes, None]:
        await go.wait()
        yield b"one"

    exchange = Exchange(events(), keep_alive_s=0.01)
    await exchange.until(2)
    assert set(exchange.body) == {b":\n\n"}
    go.set()
    await exchange.task
    assert [chunk for chunk in exchange.body if chunk != b":\n\n"] == [b"one", b""]


async def test_a_client_that_leaves_ends_the_events_where_they_wait() -> None:
    ended = asyncio.Event()

    async def events() -> AsyncGenerator[bytes, None]:
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            ended.set()

    exchange = Exchange(events())
    await exchange.until(1)
    exchange.leave.set()
    await exchange.task
    assert ended.is_set()
    assert exchange.body == [b"one"]


async def test_what_breaks_the_events_is_the_server_s_to_know() -> None:
    async def events() -> AsyncGenerator[bytes, None]:
        yield b"one"
        raise RuntimeError("broken")

    exchange = Exchange(events())
    with pytest.raises(RuntimeError, match="broken"):
        await exchange.task
    assert exchange.body == [b"one"]
