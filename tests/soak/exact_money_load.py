"""Clients that send every sort of request, whole and streamed, some of them wrong; some leave before their answer is there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from tests.proxy.servers import Client
from tests.soak.exact_money_configuration import ROUTED, TOKENS, token_value

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Load:
    """Requests on kept-alive connections until `stop`; counts what came of them."""

    def __init__(self, port: Callable[[], int], dice: Random, clients: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.sent = 0
        self._port = port
        self._dice = dice
        self._clients = clients
        self._stopping = False
        self._reached = asyncio.Event()
        self._wanted = 0

    async def run(self) -> None:
        """Return when every client has ended its last request."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(self._clients):
                clients.create_task(self._client())

    def stop(self) -> None:
        """Send no more."""
        self._stopping = True

    async def reached(self, requests: int) -> None:
        """Until so many are sent."""
        self._wanted = requests
        while self.sent < requests:
            self._reached.clear()
            await self._reached.wait()

    async def _client(self) -> None:
        client: Client | None = None
        while not self._stopping:
            try:
                if client is None:
                    client = Client(*await asyncio.open_connection("127.0.0.1", self._port()))
                kept = await self._ask(client)
            except (OSError, asyncio.IncompleteReadError):
                self.outcomes["no connection" if client is None else "cut off"] += 1
                kept = False
                await asyncio.sleep(0.05)
            if not kept and client is not None:
                client.writer.close()
                with suppress(OSError):
                    await client.writer.wait_closed()
                client = None
        if client is not None:
            await client.close()

    async def _ask(self, client: Client) -> bool:
        """One request; whether the connection may be used again."""
        client.send(self._request())
        self.sent += 1
        if self.sent >= self._wanted:
            self._reached.set()
        if self._dice.random() < 0.06:
            await asyncio.sleep(self._dice.uniform(0, 0.03))
            self.outcomes["given up"] += 1
            return False
        status, headers, _ = await client.answer()
        self.outcomes[str(status)] += 1
        return headers.get(b"connection") != b"close"

    def _request(self) -> bytes:
        dice = self._dice
        project = dice.choices(("broad", "tight", "judged"), (60, 28, 12))[0]
        token = token_value(project, dice.choice(TOKENS))
        path, body = self._body(project)
        if dice.random() < 0.03:
            del body["model"]
        data = json.dumps(body).encode()
        return (
            f"POST /v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(data)}\r\n\r\n"
        ).encode() + data

    def _body(self, project: str) -> tuple[str, dict[str, Any]]:
        dice = self._dice
        words = int(1 + 200 * dice.random() ** 3)
        text = " ".join(dice.choices(_WORDS, k=words))
        body: dict[str, Any] = {"model": dice.choice(ROUTED[project])}
        sort = dice.random()
        if sort < 0.12:
            return "embeddings", {**body, "input": text if sort < 0.06 else [text, "ten"]}
        body["messages"] = [{"role": "user", "content": text}]
        if dice.random() < 0.5:
            body["stream"] = True
        if sort < 0.32:
            return "messages", {**body, "max_tokens": dice.randint(1, 120)}
        if dice.random() < 0.8:
            body["max_tokens"] = dice.randint(1, 120)
        if dice.random() < 0.03:
            body["n"] = 2
        return "chat/completions", body
