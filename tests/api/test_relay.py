"""The playground's way to the proxy: who may use it, what goes on and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.api.conftest import ADMIN_KEY, Api, running
from tests.api.test_graphql_login import cookie_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "sk-lr-of-a-project"
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-waybill-trace-id: 01T\r\nset-cookie: a=b\r\n"
    b"connection: close\r\n\r\n"
)


@dataclass
class Peer:
    """What stands where the proxy does: it keeps what it was sent, and answers by halves."""

    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length")), 0)
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        writer.write(HEAD + b"data: one\n\n")
        waiting = [asyncio.ensure_future(each) for each in (self.go_on.wait(), reader.read())]
        _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if self.go_on.is_set():
            writer.write(b"data: two\n\n")
        else:
            self.left.set()
        writer.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def relayed(tmp_path_factory: Any) -> AsyncIterator[tuple[Api, Peer]]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, running(tmp_path_factory.mktemp("relay") / "data", proxy_url=url) as api:
        yield api, peer


async def own(api: Api) -> dict[str, str]:
    """What the dashboard sends."""
    return {"cookie": (await cookie_of(api)).split(";")[0], "x-waybill-client": "dashboard", "x-api-key": TOKEN}


async def test_a_request_goes_on_as_it_is_and_its_answer_comes_part_by_part(relayed: tuple[Api, Peer]) -> None:
    api, peer = relayed
    peer.go_on.clear()
    headers = {**await own(api), "content-type": "application/json"}
    async with api.client.stream("POST", "/relay/v1/chat/completions", content=b'{"a": 1}', headers=headers) as answer:
        parts = answer.aiter_raw()
        assert await anext(parts) == b"data: one\n\n"
        peer.go_on.set()
        assert [part async for part in parts] == [b"data: two\n\n"]
    assert (answer.status_code, answer.headers["x-waybill-trace-id"]) == (200, "01T")
    assert answer.headers["content-type"] == "text/event-stream"
    assert "set-cookie" not in answer.headers
    assert peer.heads[-1].startswith("POST /v1/chat/completions HTTP/1.1")
    assert peer.bodies[-1] == b'{"a": 1}'
    assert f"x-api-key: {TOKEN}" in peer.heads[-1]
    assert "cookie" not in peer.heads[-1].lower()


async def test_a_project_may_be_named_whose_the_token_must_be(relayed: tuple[Api, Peer]) -> None:
    api, peer = relayed
    peer.go_on.set()
    path = "/projects/demo/v1/chat/completions"
    assert (await api.client.post(f"/relay{path}", content=b"{}", headers=await own(api))).status_code == 200
    assert peer.heads[-1].startswith(f"POST {path} HTTP/1.1")


async def test_who_leaves_ends_the_request_at_the_proxy_too(relayed: tuple[Api, Peer]) -> None:
    api, peer = relayed
    peer.go_on.clear()
    peer.left.clear()
    async with api.client.stream("POST", "/relay/v1/messages", content=b"{}", headers=await own(api)) as answer:
        await anext(answer.aiter_raw())
    await asyncio.wait_for(peer.left.wait(), 10)


@pytest.mark.parametrize(
    ("without", "added", "status"),
    [
        ("cookie", {}, 401),
        ("x-waybill-client", {}, 403),
        ("x-waybill-client", {"origin": "https://evil.example"}, 403),
        ("cookie", {"authorization": f"Bearer {ADMIN_KEY}"}, 401),
    ],
)
async def test_only_our_own_pages_with_a_session_are_relayed(
    relayed: tuple[Api, Peer], without: str, added: dict[str, str], status: int
) -> None:
    api, peer = relayed
    asked = len(peer.heads)
    headers = {name: value for name, value in (await own(api)).items() if name != without} | added
    answer = await api.client.post("/relay/v1/chat/completions", content=b"{}", headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert len(peer.heads) == asked


async def test_a_body_that_is_too_large_is_not_sent_on(relayed: tuple[Api, Peer]) -> None:
    api, peer = relayed
    asked = len(peer.heads)
    body = bytes(33_554_433)
    answer = await api.client.post("/relay/v1/chat/completions", content=body, headers=await own(api))
    assert answer.status_code == 413
    assert len(peer.heads) == asked


async def test_a_proxy_that_is_away_is_said_in_words(tmp_path: Any) -> None:
    async with running(tmp_path / "data", proxy_url="http://127.0.0.1:1") as api:
        answer = await api.client.get("/relay/v1/models", headers=await own(api))
    assert answer.status_code == 502
    assert "does not answer" in answer.json()["error"]["message"]
