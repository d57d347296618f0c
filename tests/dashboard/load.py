"""Requests at a steady rate, at little cost to the machine that the browser shares with them."""

from __future__ import annotations

import asyncio
import json
import threading
from types import TracebackType
from typing import Self

from tests.e2e.product import Product

CONNECTIONS = 20


class Load:
    """So many requests a second over kept-alive connections while the context lasts; at its end every answer is there."""

    def __init__(self, product: Product, token: str, per_s: float) -> None:
        self.answered = 0
        self.other: list[str] = []  # the first lines of answers that are not 200
        self._port = product.ports["proxy"]
        self._every_s = CONNECTIONS / per_s
        body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "ping"}]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: proxy\r\nauthorization: Bearer {token}\r\n"
        self._request = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._connection(number))

    async def _connection(self, number: int) -> None:
        """Its share, each request at its own moment; late ones are sent at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        clock = asyncio.get_running_loop().time
        due = clock() + self._every_s * number / CONNECTIONS
        while not self._ending.is_set():
            await asyncio.sleep(max(0.0, due - clock()))
            due += self._every_s
            writer.write(self._request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
            self.answered += 1
            if " 200 " not in head.partition("\r\n")[0]:
                self.other.append(head.partition("\r\n")[0])
        writer.close()
        await writer.wait_closed()
