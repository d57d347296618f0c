"""Load on a proxy that is killed under it, and the account that must hold afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import httpx

from core.events import RequestAdmitted, RequestFinished
from tests.proxy.product import HELLO, TOKEN, Subprocess, journalled, subprocess_proxy

CLIENTS = 8


class Load:
    """Clients that ask without a pause, streamed and not; notes the ids of the answers that they saw end."""

    def __init__(self) -> None:
        self.sent = 0
        self.kills = 0
        self.begun: set[str] = set()  # answers whose head was seen
        self.ended: set[str] = set()  # answers that were seen whole

    async def run_until_killed(self, proxy: Subprocess, after_s: float) -> None:
        """Load it, kill it, and wait until every client has noticed."""
        clients = [asyncio.create_task(self._ask(proxy, stream=number % 2 == 0)) for number in range(CLIENTS)]
        await asyncio.sleep(after_s)
        proxy.process.kill()
        self.kills += 1
        await asyncio.gather(*clients)

    async def _ask(self, proxy: Subprocess, *, stream: bool) -> None:
        body = {"model": "x" if stream else "y", "messages": HELLO, "stream": stream}
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(timeout=10, verify=False) as client:
            with contextlib.suppress(httpx.TransportError):
                while True:
                    self.sent += 1
                    async with client.stream("POST", proxy.url() + "/chat/completions", json=body, headers=headers) as answer:
                        assert answer.status_code == 200
                        trace_id = answer.headers["x-waybill-trace-id"]
                        self.begun.add(trace_id)
                        data = await answer.aread()
                    if not stream or data.endswith(b"data: [DONE]\n\n"):
                        self.ended.add(trace_id)


async def check_kill(data: Path, load: Load) -> int:
    """Start once more, so that the last crash is settled too, and hold the journal to the promise. The number of rows."""
    async with subprocess_proxy(data):
        pass
    events = journalled(data)
    rows = Counter(event.id for event in events if isinstance(event, RequestFinished))
    admitted = Counter(event.id for event in events if isinstance(event, RequestAdmitted))
    assert set(rows.values()) == {1}, "a row is doubled"
    assert load.ended <= rows.keys(), "an answer that had ended has no row"
    assert load.begun <= rows.keys(), "an answer that had begun has no row"
    assert rows.keys() == admitted.keys(), "an admission has no end, or an end no admission"
    assert set(admitted.values()) == {1}
    assert len(rows) <= load.sent, "a row belongs to no request"
    assert len(rows.keys() - load.ended) <= CLIENTS * load.kills, "a row without an ended answer was not in flight at a kill"
    return len(rows)
