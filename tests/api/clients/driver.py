"""Speaks with `drive.mjs`: a reference client in Node, line by line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.node import NODE

FOLDER = Path(__file__).parent
PATIENCE_S = 20.0


class Driver:
    """One client process. Lines of several operations mix: what was not asked for is kept for later."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.kept: list[dict[str, Any]] = []

    async def say(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        await self.process.stdin.drain()

    async def subscribe(self, name: str, query: str, **variables: Any) -> None:
        await self.say(subscribe=name, query=query, variables=variables)

    async def heard(self, **wanted: Any) -> dict[str, Any]:
        """The next line that holds these values."""
        for line in self.kept:
            if wanted.items() <= line.items():
                self.kept.remove(line)
                return line
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while text := await self.process.stdout.readline():
                line = json.loads(text)
                if wanted.items() <= line.items():
                    return dict(line)
                self.kept.append(line)
        raise AssertionError(f"the client ended; it said {self.kept}")

    async def of(self, name: str) -> tuple[str, Any]:
        """What comes next of an operation: ("next", its payload), ("error", what) or ("complete", True)."""
        line = await self.heard(id=name)
        return next((kind, line[kind]) for kind in ("next", "error", "complete") if kind in line)

    async def answer(self, name: str, query: str, **variables: Any) -> Any:
        """The one payload of a query or a mutation, which then completes."""
        await self.subscribe(name, query, **variables)
        kind, payload = await self.of(name)
        assert kind == "next", payload
        assert await self.of(name) == ("complete", True)
        return payload


@asynccontextmanager
async def driving(transport: str, url: str, key: str, *more: str) -> AsyncIterator[Driver]:
    """A client of `transport`, `ws` or `sse`, for as long as the block lasts."""
    assert NODE is not None
    address = url.replace("http://", "ws://") if transport == "ws" else url
    process = await asyncio.create_subprocess_exec(
        NODE, "drive.mjs", transport, address, key, *more, cwd=FOLDER, stdin=-1, stdout=-1, limit=1 << 22
    )
    try:
        yield Driver(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 2)
        except TimeoutError:  # an operation that still runs keeps Node
            process.kill()
            await process.wait()
