"""Is a process ready? Asked at its operations port, as any orchestrator would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from waybill.addresses import Address

PAUSE_S = 0.05
ANSWER_WITHIN_S = 2.0


async def is_ready(ops: Address) -> bool:
    """True when `/readyz` answers 200."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(ops.host, ops.port)
            try:
                writer.write(f"GET /readyz HTTP/1.1\r\nhost: {ops}\r\nconnection: close\r\n\r\n".encode())
                return (await reader.readline()).split(b" ", 2)[1:2] == [b"200"]
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def wait_until_ready(ports: Mapping[str, Address], within_s: float) -> list[str]:
    """The names that are not ready after `within_s`; empty as soon as all are."""
    waiting = dict(ports)
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        for name in [name for name, ops in waiting.items() if await is_ready(ops)]:
            del waiting[name]
        if not waiting or asyncio.get_running_loop().time() >= deadline:
            return list(waiting)
        await asyncio.sleep(PAUSE_S)
