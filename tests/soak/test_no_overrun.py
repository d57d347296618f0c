"""Ten thousand requests of random sizes against 1.00 USD, with failures and fallbacks: no admission is above it, at any moment.

Told from the journal alone. A short run belongs to the tests; `make soak` makes the long one.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from core.events import RequestFinished
from core.limits import Scope
from tests.proxy.product import TOKEN, Asked, Publisher, configuration, failing, provider, running, whole
from tests.proxy.servers import Client
from tests.soak import report
from tests.soak.admissions import Held, exceeded

DOLLAR = 1_000_000_000  # nano-USD
RULE = {"metric": "cost", "value": "1.00", "window": "yearly"}
CLIENTS = 64


class Dollar:
    """A provider that fails a third of the time, and clients that ask for at most `most` tokens."""

    def __init__(self, seed: int, most: int) -> None:
        self.dice = random.Random(seed)
        self.most = most
        self.statuses: Counter[int] = Counter()
        self._left = 0

    async def behave(self, asked: Asked) -> None:
        """Answer, now and then after a while, with what was used: never more than was asked for, which the reserve covers."""
        dice = self.dice
        fate = dice.random()
        if fate < 0.2:
            await failing(500)(asked)
        elif fate < 0.25:
            await failing(429)(asked)
        elif fate < 0.33:
            asked.writer.close()
        else:
            if fate > 0.9:
                await asyncio.sleep(dice.uniform(0, 0.05))
            used = {"prompt_tokens": dice.randint(1, 20), "completion_tokens": dice.randint(0, asked.json["max_tokens"])}
            await asked.answer(whole(asked.json["model"], usage={**used, "total_tokens": sum(used.values())}))

    async def spend(self, port: int, requests: int) -> None:
        """Send so many requests, over connections of their own."""
        self._left = requests
        await asyncio.gather(*[self._client(port) for _ in range(CLIENTS)])

    async def _client(self, port: int) -> None:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        while self._left > 0:
            self._left -= 1
            # Most are small; the largest is a hundred times the usual one.
            tokens = 1 + int(self.most * self.dice.random() ** 4)
            body = {"model": "x", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": tokens}
            data = json.dumps(body).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n"
            client.send(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
            status, _, _ = await client.answer()
            self.statuses[status] += 1
        await client.close()


async def spent(data: Path, requests: int, most: int) -> tuple[Held, list[RequestFinished], Dollar]:
    """Spend a dollar, hold every admission against it, and return what came of it."""
    dollar = Dollar(requests, most)
    async with provider() as up:
        up.default = dollar.behave
        # 2 USD for a million tokens of output at `a`, and the same at `b`, which is next when `a` fails.
        limits = "limits: {rules: [{metric: cost, value: 1.00, window: yearly}]}\n"
        Publisher(data).publish(configuration(up.port, project=limits))
        async with running(data) as proxy:
            await dollar.spend(proxy.port, requests)
            events = proxy.events()
    held = Held(Scope("p"), RULE)
    assert list(exceeded(events, [held])) == []
    return held, [event for event in events if isinstance(event, RequestFinished)], dollar


def used(ends: list[RequestFinished]) -> int:
    """Nano-USD of them all."""
    return sum(event.cost_nano_usd or 0 for event in ends)


async def test_six_hundred_requests_never_hold_more_than_a_dollar(tmp_path: Path) -> None:
    held, ends, _ = await spent(tmp_path, 600, 25_000)
    assert held.value == DOLLAR
    assert 0.9 * DOLLAR < held.most <= DOLLAR, "the limit was never near: it was not tried"
    assert used(ends) <= DOLLAR
    assert sum(event.status == "budget_exceeded" for event in ends) > 20
    assert len(ends) == 600


@pytest.mark.soak
async def test_ten_thousand_requests_never_hold_more_than_a_dollar(tmp_path: Path) -> None:
    held, ends, dollar = await spent(tmp_path, 10_000, 1_200)
    statuses = Counter(event.status for event in ends)
    admitted = [event for event in ends if event.reserved_cost_nano_usd is not None]
    fallbacks = sum(sum(attempt.status != "skipped" for attempt in event.attempts) > 1 for event in ends)
    report.write(
        "no-overrun",
        "No overrun: 10,000 requests of random sizes, 64 at once, against 1.00 USD",
        [
            f"{len(ends)} requests, {len(admitted)} of them admitted; {fallbacks} fell back after a failure",
            f"what clients saw: {dict(sorted(dollar.statuses.items()))}; rows: {dict(sorted(statuses.items()))}",
            f"used {used(ends) / DOLLAR:.9f} USD",
            f"used and reserved, the most at any admission: {held.most / DOLLAR:.9f} USD",
            "admissions above the limit: 0",
        ],
    )
    assert len(ends) == 10_000
    assert 0.95 * DOLLAR < held.most <= DOLLAR
    assert used(ends) <= DOLLAR
