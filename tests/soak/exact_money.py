"""The whole product under every sort of request, killed at random moments; and then its books, which must agree exactly."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from bench.product import Clone
from core.events import RequestAdmitted, RequestFinished
from core.layout import Layout
from core.limits import METRICS, Scope
from core.limits.amounts import NOTHING
from core.limits.verdicts import written_usd
from proxy.balances import INTERVAL_S
from tests.e2e.kills import Killer
from tests.e2e.product import Product
from tests.proxy.product import Provider, journalled
from tests.soak.admissions import Held, exceeded
from tests.soak.exact_money_configuration import Rule, counted, files, tight_rules
from tests.soak.exact_money_load import Load
from tests.soak.exact_money_provider import Biller
from tests.soak.exact_money_sums import (
    Sums,
    differences,
    of_counters,
    of_journal,
    of_rollups,
    of_rows,
    of_wider_rollups,
    wrong_bills,
)

WINDOW_S = 120.0


@dataclass(kw_only=True)
class Run:
    """What a run showed: `problems` in words, none when all is well."""

    seconds: float
    sent: int
    kills: Counter[str]
    outcomes: Counter[str]
    events: list[RequestAdmitted | RequestFinished]
    sums: Sums
    tight: list[Held]
    problems: list[str]

    @property
    def finished(self) -> list[RequestFinished]:
        """Every request's end."""
        return [event for event in self.events if isinstance(event, RequestFinished)]


async def run(data: Path, up: Provider, *, requests: int, kills: int, clients: int, rate: float, seed: int) -> Run:
    """Send at least so many requests, kill so many times meanwhile, stop, compare. `rate` is what the limits are made for."""
    began = time.monotonic()
    Biller(up, Random(seed))
    tight = tight_rules(rate)
    product = Product(data).start()
    try:
        await asyncio.to_thread(configure, product, files(up.port, tight))
        load = Load(lambda: product.ports["proxy"], Random(seed + 1), clients)
        killer = Killer(product, Random(seed + 2), life_s=0.6, long_life_s=8.0)
        loading = asyncio.ensure_future(load.run())
        try:
            await killed_along(killer, load, requests, kills)
            await load.reached(requests)
        finally:
            load.stop()
            await loading
        await caught_up(product)
        assert await asyncio.to_thread(product.stop) == 0
    finally:
        product.close()
    return compared(data, time.monotonic() - began, load, killer, tight)


async def killed_along(killer: Killer, load: Load, requests: int, kills: int) -> None:
    """Kill at random moments, spread over the requests."""
    for number in range(1, kills + 1):
        await load.reached(requests * number // (kills + 1))
        await killer.run(1)


def configure(product: Product, made: dict[str, bytes]) -> None:
    """Push the configuration and wait until the proxy runs it."""
    layout = Layout(product.data)
    with tempfile.TemporaryDirectory() as folder:
        revision = Clone(layout.repository, Path(folder)).push(made, "Prices and limits")
    deadline = time.monotonic() + WINDOW_S
    while json.loads(layout.proxy_state("proxy-1").read_bytes())["revision"] != revision:
        assert time.monotonic() < deadline, "".join(product.output)
        time.sleep(0.02)


async def caught_up(product: Product) -> None:
    """Until nothing is in flight, everything is recorded, and no count awaits what was used before it."""
    deadline = time.monotonic() + WINDOW_S
    async with httpx.AsyncClient(timeout=10) as client:

        async def figure(plane: str, name: str) -> float:
            text = (await client.get(f"http://127.0.0.1:{product.ports[plane]}/metrics")).text
            return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

        question = Layout(product.data).pending_counts("proxy-1")
        asked_at = time.monotonic()
        while True:
            if question.exists():
                asked_at = time.monotonic()
            busy = await figure("proxy_ops", "waybill_active_requests") or await figure("api_ops", "waybill_recorder_lag_bytes")
            if not busy and time.monotonic() - asked_at > 1.5 * INTERVAL_S:  # it would have asked by now
                return
            assert time.monotonic() < deadline, "".join(product.output)
            await asyncio.sleep(0.05)


def compared(data: Path, seconds: float, load: Load, killer: Killer, rules: dict[Scope, list[Rule]]) -> Run:
    """Hold the four sums against each other, every bill against the prices, every admission against the limits."""
    events = journalled(data)
    sums, scopes = of_journal(events), counted()
    tight = [Held(scope, rule) for scope, found in rules.items() for rule in found]
    wider = {scope: used for scope, used in sums.items() if not scope.token}
    problems = [
        *twice_or_never(events),
        *differences("log rows", of_rows(data), sums),
        *differences("hourly rollups", of_rollups(data), sums),
        *differences("rollups by hour", of_wider_rollups(data, "usage_by_hour"), wider),
        *differences("rollups by day", of_wider_rollups(data, "usage_by_day"), wider),
        *differences("counters", of_counters(data, scopes, time.time_ns() // 1_000_000), sums, scopes),
        *wrong_bills(events),
        *exceeded(events, tight),
    ]
    return Run(
        seconds=seconds, sent=load.sent, kills=killer.kills, outcomes=load.outcomes, events=events, sums=sums, tight=tight,
        problems=problems,
    )  # fmt: skip


def twice_or_never(events: Sequence[RequestAdmitted | RequestFinished]) -> list[str]:
    """Requests that end more than once, and admissions without an end."""
    ends = Counter(event.id for event in events if isinstance(event, RequestFinished))
    admitted = {event.id for event in events if isinstance(event, RequestAdmitted)}
    return [f"{id} ends {count} times" for id, count in ends.items() if count > 1] + [
        f"{id} has no end" for id in admitted - ends.keys()
    ]


def described(run: Run) -> list[str]:
    """The figures of a run, a line each."""
    ends = run.finished
    cost, calls, into, out, _ = run.sums.get(Scope(), NOTHING)
    crashed = sum(event.error_code == "crashed" for event in ends)
    attempts = Counter(attempt.status for event in ends for attempt in event.attempts)
    return [
        f"{run.sent} requests sent in {run.seconds:.0f} s, {run.kills.total()} kills: {_counts(run.kills)}",
        f"what clients saw: {_counts(run.outcomes)}",
        f"{len(ends)} rows: {_counts(Counter(event.status for event in ends))}",
        f"of them {_counts(Counter(event.call_type for event in ends))}; {_counts(Counter(event.dialect for event in ends))}",
        f"{sum(event.stream for event in ends)} streamed, {crashed} died with the proxy and are booked at their reserve",
        f"attempts: {_counts(attempts)}; {sum(len(event.attempts) > 1 for event in ends)} requests with a fallback",
        f"bills above their bound: {sum(_overrun(event) for event in ends)}",
        "",
        f"booked: {written_usd(cost)} USD, {calls} calls, {into} input and {out} output tokens, in {len(run.sums)} scopes",
        "the same in the journal, the log rows, three tables of rollups and the ledger's counters: "
        + ("yes, to the nano-dollar" if not run.problems else f"NO, {len(run.problems)} differences"),
        "",
        "the most that limits which refuse held at any admission:",
        *(f"  {METRICS[held.metric]:<13} of {held.scope.owner}: {held.most} of {held.value}" for held in run.tight),
        *run.problems[:50],
    ]


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(found.items()))


def _overrun(event: RequestFinished) -> bool:
    return (event.cost_nano_usd or 0) > (event.reserved_cost_nano_usd or 0)
