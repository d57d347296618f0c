"""Requests under a limit that is new: they wait for what was used before it, as long as somebody says it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import openai
import pytest

from core.balances import MOST_COUNTS, OpeningBalance, OpeningBalances, read_pending
from core.layout import Layout
from core.limits import Scope
from proxy.balances import Openings
from proxy.journal import Journal
from proxy.ledger import MemoryLedger
from tests.proxy.ledgers import NOW_MS
from tests.proxy.product import HELLO, InProcess, Provider, Publisher, configuration, provider, running, well
from tests.proxy.servers import until

LIMIT = "limits: {rules: [{metric: calls, value: %d, window: yearly}]}\n"


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        made.default = well
        yield made


async def answers(layout: Layout) -> None:
    """The API with an empty database: nothing is recorded yet, so all that counts is in the journal."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            asked = read_pending(layout.pending_counts("proxy-1").read_bytes())
            opened = tuple(OpeningBalance(count=count, used=()) for count in asked.counts)
            answer = OpeningBalances(asked=asked.asked, position=0, balances=opened)
            fresh = layout.balances / ".answer"
            fresh.write_bytes(msgspec.json.encode(answer))
            fresh.replace(layout.opening_balances("proxy-1"))
        await asyncio.sleep(0.005)


async def ask(proxy: InProcess) -> None:
    await proxy.sdk().chat.completions.create(model="x", messages=HELLO)


async def limited(proxy: InProcess, publisher: Publisher, up: Provider, calls: int) -> None:
    """A limit of so many calls comes into use."""
    before = proxy.process.metrics.reloads
    publisher.publish(configuration(up.port, project=LIMIT % calls))
    await until(lambda: proxy.process.metrics.reloads > before)


async def test_the_first_requests_under_a_new_limit_know_what_was_used_before_it(tmp_path: Path, up: Provider) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(configuration(up.port))
    async with running(tmp_path, proxy_id="proxy-1") as proxy:
        for _ in range(3):
            await ask(proxy)
        await limited(proxy, publisher, up, 5)
        api = asyncio.create_task(answers(publisher.layout))
        asked = await asyncio.gather(*(ask(proxy) for _ in range(8)), return_exceptions=True)
        api.cancel()
    refused = [result for result in asked if isinstance(result, openai.RateLimitError)]
    assert (len(asked), len(refused)) == (8, 6)


async def test_where_nobody_says_it_requests_wait_once_and_are_served(tmp_path: Path, up: Provider) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(configuration(up.port))
    async with running(tmp_path, proxy_id="proxy-1") as proxy:
        await ask(proxy)
        await limited(proxy, publisher, up, 5)
        took = []
        for calls in (6, 7):
            begin = time.monotonic()
            await ask(proxy)
            took.append(time.monotonic() - begin)
            await limited(proxy, publisher, up, calls)
    assert took[0] >= 1 > took[1]


async def test_a_checkpoint_is_asked_for_as_soon_as_nothing_is_awaited_any_more(tmp_path: Path) -> None:
    """What was used before a limit is in no journal: a process that is killed then need not ask for it again."""
    layout, journal, ledger = Layout(tmp_path), Journal.open(tmp_path / "journal"), MemoryLedger()
    for token in range(MOST_COUNTS + 1):
        ledger.count(Scope("p", str(token)), ["yearly"], 1, NOW_MS)
    complete: list[int] = []
    openings = Openings(layout, "proxy-1", ledger, journal, lambda: NOW_MS, complete=lambda: complete.append(len(rounds)))
    openings.begin()
    rounds: list[int] = []
    for _ in range(2):
        await openings.step()
        asked = read_pending(layout.pending_counts("proxy-1").read_bytes())
        opened = tuple(OpeningBalance(count=count, used=()) for count in asked.counts)
        rounds.append(len(opened))
        answer = OpeningBalances(asked=asked.asked, position=0, balances=opened)
        layout.opening_balances("proxy-1").write_bytes(msgspec.json.encode(answer))
    await openings.step()
    assert (rounds, complete) == ([MOST_COUNTS, 1], [2])
    assert list(ledger.pending(NOW_MS)) == []
    journal.close()
