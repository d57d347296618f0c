"""Load on a whole product whose processes are killed at random moments, and what is left in its database afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import msgspec

from proxy.journal import read_records
from tests.e2e.console import Console
from tests.e2e.ledger import Comparison, Row, Sent, compare, marker
from tests.e2e.product import Product, gone

CLIENTS = 12
# "all" is the supervisor: its children end with it, and all of it is started again.
VICTIMS = ("proxy", "api", "both", "all")
# Of those, what a row is booked at stands in its `shares` where the columns do not say it: cost, calls, input, output.
BOOKED = {"cost_nano_usd": 0, "input_tokens": 2, "output_tokens": 3}
USAGE = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "cost_nano_usd")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Load:
    """Clients that send requests, streamed and not, until they are told to stop; some leave before their answer is whole."""

    product: Product
    dice: Random
    sent: list[Sent] = field(default_factory=list)
    stopping: bool = False

    async def run(self) -> None:
        """Return when every client has ended its last request."""
        async with (
            httpx.AsyncClient(base_url=self.product.made.proxy_url, timeout=20) as client,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(CLIENTS):
                clients.create_task(self._client(client))

    async def _client(self, client: httpx.AsyncClient) -> None:
        while not self.stopping:
            sent = await self.send(client)
            if sent.refused:
                await asyncio.sleep(0.05)  # as a client does that has nobody to talk to

    async def send(self, client: httpx.AsyncClient, *, patient: bool = False) -> Sent:
        """One request and what its client saw of the answer; `patient`: without giving up."""
        project = self.dice.choice(self.product.made.projects)
        sent = Sent(len(self.sent), project.slug, self.dice.random() < 0.5, now_ms())
        self.sent.append(sent)
        patience_s = None if patient or self.dice.random() < 0.85 else self.dice.uniform(0.001, 0.12)
        body = {
            "model": marker(sent.number),
            "messages": [{"role": "user", "content": self.dice.choice(("ping", "please fail", "Tell me something"))}],
            "stream": sent.stream,
        }
        if not patient and self.dice.random() < 0.05:
            del body["messages"]  # refused: a row all the same
        headers = {"authorization": f"Bearer {project.token}"}
        try:
            async with (
                asyncio.timeout(patience_s),
                client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer,
            ):
                sent.trace_id, sent.status = answer.headers.get("x-waybill-trace-id"), answer.status_code
                whole = await answer.aread()
                sent.ended = True
                sent.false_end = sent.stream and answer.status_code == 200 and not whole.endswith(b"data: [DONE]\n\n")
        except TimeoutError:
            sent.gave_up = True
        except httpx.ConnectError:
            sent.refused = True
        except httpx.TransportError as error:
            sent.lost = repr(error)
        sent.over_ms = now_ms()
        return sent


@dataclass
class Killer:
    """Kills processes of the product at random moments and waits for them to come back."""

    product: Product
    dice: Random
    life_s: float = 1.2  # a victim lives at most so long after it was ready …
    long_life_s: float = 1.2  # … and one in ten at most so long
    kills: Counter[str] = field(default_factory=Counter)
    downs: list[tuple[int, int]] = field(default_factory=list)  # from a kill of the proxy until it was ready again
    _down_since: int | None = None

    async def run(self, times: int) -> None:
        """Kill so many times; when this returns, both processes are ready."""
        for _ in range(times):
            await self._kill(self.dice.choice(VICTIMS))
            if self.dice.random() < 0.85:  # else it is hit again while it recovers
                await self.recovered()
            await asyncio.sleep(self.dice.uniform(0, self.long_life_s if self.dice.random() < 0.1 else self.life_s))
        await self.recovered()

    async def recovered(self) -> None:
        """Wait until both are ready."""
        for plane in ("proxy", "api"):
            await asyncio.to_thread(self.product.wait_ready, plane)
        if self._down_since is not None:
            self.downs.append((self._down_since, now_ms()))
            self._down_since = None

    async def _kill(self, victim: str) -> None:
        planes = ("proxy", "api") if victim in ("both", "all") else (victim,)
        pids = [pid for pid in [await self._pid(plane) for plane in planes] if pid is not None]
        if "proxy" in planes and self._down_since is None:
            self._down_since = now_ms()
        if victim == "all":
            self.product.process.kill()
        else:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.kills[victim] += 1
        for pid in pids:
            assert await asyncio.to_thread(gone, pid), f"{victim}: process {pid} lives on"
        if victim == "all":
            self.product.process.wait()
            await asyncio.to_thread(self.product.start)

    async def _pid(self, plane: str) -> int | None:
        """The process of a plane, waited for while the supervisor pauses."""
        for _ in range(1_500):
            with suppress(AssertionError, FileNotFoundError):
                return self.product.child(plane)
            await asyncio.sleep(0.01)
        raise AssertionError(f"the supervisor does not start the {plane} again:\n{''.join(self.product.output)}")


class Report(msgspec.Struct, kw_only=True):
    """What a run showed."""

    seconds: float
    kills: Counter[str]
    downs: int
    sent: Sequence[Sent]
    rows: Sequence[Row]
    comparison: Comparison
    problems: list[str]


async def killed_under_load(product: Product, seed: int, times: int, **lives: float) -> Report:
    """Kill a running product so many times under load, and compare what clients saw with what it kept."""
    began = time.monotonic()
    load, killer = Load(product, Random(seed)), Killer(product, Random(seed + 1), **lives)
    running = asyncio.ensure_future(load.run())
    try:
        await killer.run(times)
    finally:
        load.stopping = True
        await running
    await _recorded(product, load)
    rows = rows_of(product.data)
    return Report(
        seconds=time.monotonic() - began,
        kills=killer.kills,
        downs=len(killer.downs),
        sent=load.sent,
        rows=rows,
        comparison=compare(load.sent, rows, killer.downs),
        problems=[*journal_problems(product.data, rows), *usage_problems(product.data)],
    )


async def _recorded(product: Product, load: Load) -> None:
    """Send one more request, and wait for its row: the journal is in order, so every row before it is there then."""
    async with httpx.AsyncClient(base_url=product.made.proxy_url, timeout=20) as client:
        last = await load.send(client, patient=True)
    assert last.ended, last
    assert last.trace_id is not None
    await Console(product).later_row(last.trace_id)


# --- what is left ---


def _select(data: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{data}/waybill.sqlite3?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def rows_of(data: Path) -> list[Row]:
    """Every row of the database with the model that its trace says the client named."""
    statement = """SELECT request_id, request_logs.at_ms, project, stream, status, error_code, revision,
        json_extract(CAST(body AS TEXT), '$.facts.model_named')
        FROM request_logs LEFT JOIN traces USING (position) ORDER BY position"""
    return [Row(*values) for values in _select(data, statement)]


def journal_problems(data: Path, rows: Sequence[Row]) -> list[str]:
    """Ends that the journal holds twice, and ends that are not exactly the rows."""
    ends = Counter(
        event["id"]
        for event in (msgspec.json.decode(payload) for _, payload in read_records(data / "journal", 0))
        if event["event"] == "finished"
    )
    problems = [f"the journal ends a request {count} times: {id}" for id, count in ends.items() if count > 1]
    if set(ends) != {row.request_id for row in rows}:
        problems.append(f"the journal and the rows differ: {set(ends) ^ {row.request_id for row in rows}}")
    return problems


def usage_problems(data: Path) -> list[str]:
    """Sums over the rollups that are not the sums over the rows, by project, token and hour."""
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in USAGE)
    booked = {name: f"coalesce(json_extract(shares, '$.\"\"[{place}]'), {name})" for name, place in BOOKED.items()}
    row_sums = ", ".join(f"coalesce(sum({booked.get(name, name)}), 0)" for name in USAGE)
    calls = "sum(coalesce(json_extract(shares, '$.\"\"[1]'), status = 'success'))"
    keys = "project, token, {hour}"
    from_rows = _select(
        data,
        f"""SELECT {keys.format(hour="(at_ms + admitted_ms) / 3600000 * 3600000")}, count(*), {calls},
        sum(status IN ('error', 'timeout')), {row_sums}
        FROM request_logs GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    )
    from_rollups = _select(
        data,
        f"""SELECT {keys.format(hour="hour_ms")}, sum(requests), sum(calls), sum(errors), {sums}
        FROM usage_hourly GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    )
    return [f"usage and rows differ: {each}" for each in set(from_rows) ^ set(from_rollups)]
