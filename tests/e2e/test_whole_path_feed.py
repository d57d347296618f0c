"""Following the log live, with the official GraphQL client and over an event stream, while the API dies and comes back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest

from tests.e2e.console import Console
from tests.e2e.product import Product

FEED = "subscription($after: String) { requestLogFeed(after: $after) { cursor gap { from to reason } events { traceId } } }"
FIREHOSE = "subscription($after: String) { requestLogFirehose(after: $after) }"
WAYS = [
    pytest.param(transport, query, id=f"{name} over {transport}")
    for transport in ("websocket", "event_stream")
    for name, query in (("feed", FEED), ("firehose", FIREHOSE))
]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An instance of these tests' own: they kill its API."""
    product = Product(tmp_path_factory.mktemp("feed") / "data")
    try:
        yield product.start()
    finally:
        product.close()


class Reader:
    """Follows one subscription; remembers what it saw and the cursor to go on from."""

    def __init__(self, console: Console, transport: str, query: str) -> None:
        self.seen: list[str] = []
        self.gaps: list[dict[str, Any]] = []
        self.cursor: str | None = None
        self._console, self._transport, self._query = console, transport, query

    def batches(self) -> AsyncGenerator[dict[str, Any], None]:
        """Follow after the cursor."""
        answers: AsyncGenerator[dict[str, Any], None] = getattr(self._console, self._transport)(self._query, after=self.cursor)
        return answers

    async def read(self, answers: AsyncGenerator[dict[str, Any], None], rows: int) -> None:
        """Take batches until so many rows were seen in all."""
        async with asyncio.timeout(30):
            while len(self.seen) < rows:
                self.take(next(iter((await anext(answers)).values())))

    def take(self, batch: dict[str, Any]) -> None:
        self.cursor = batch["cursor"]
        if batch["gap"] is not None:
            self.gaps.append(batch["gap"])
        rows = batch["events"] if self._query == FEED else batch["rows"]
        self.seen += [row["traceId"] if self._query == FEED else row["request_id"] for row in rows]


async def ask(product: Product, times: int) -> list[str]:
    """Send requests; their trace ids."""
    return [(await asyncio.to_thread(product.ask, "ping")).headers["x-waybill-trace-id"] for _ in range(times)]


async def test_rows_come_live_and_none_is_missing_or_doubled_after_the_api_died(product: Product) -> None:
    console = Console(product)
    begin = (await console.later_row((await ask(product, 1))[0]))["cursor"]
    readers = [Reader(console, *way.values) for way in WAYS]
    for reader in readers:
        reader.cursor = begin

    asked = await ask(product, 2)
    streams = [reader.batches() for reader in readers]
    for reader, stream in zip(readers, streams, strict=True):
        await reader.read(stream, 2)
    asked += await ask(product, 1)  # this one comes to followers who wait for it
    for reader, stream in zip(readers, streams, strict=True):
        await reader.read(stream, 3)

    product.kill("api")
    for stream in streams:
        with pytest.raises(Exception):  # noqa: B017, PT011  # each transport says in its own words that it was cut
            await anext(stream)
        await stream.aclose()
    asked += await ask(product, 3)  # the proxy serves on, and nobody follows
    await asyncio.to_thread(product.wait_ready, "api")

    for reader in readers:
        async with aclosing(reader.batches()) as stream:
            await reader.read(stream, 6)
    asked += await ask(product, 1)
    for reader in readers:
        async with aclosing(reader.batches()) as stream:
            await reader.read(stream, 7)
        assert reader.gaps == []
        assert reader.seen == asked
    assert await asyncio.to_thread(console.rows_after, begin) == asked


@pytest.mark.parametrize(("transport", "query"), WAYS)
async def test_a_cursor_that_was_never_given_out_is_a_gap_and_the_feed_goes_on(
    product: Product, transport: str, query: str
) -> None:
    reader = Reader(Console(product), transport, query)
    reader.cursor = "123456789"
    async with aclosing(reader.batches()) as stream:
        reader.take(next(iter((await anext(stream)).values())))
        assert [gap["reason"] for gap in reader.gaps] == ["unknown"]
        (asked,) = await ask(product, 1)
        while reader.seen[-1:] != [asked]:
            await reader.read(stream, len(reader.seen) + 1)
    assert len(reader.gaps) == 1


async def test_a_cursor_whose_rows_are_no_longer_kept_is_a_gap_and_the_feed_goes_on(product: Product) -> None:
    asked = await ask(product, 4)
    cursors = [int((await Console(product).later_row(each))["cursor"]) for each in asked]
    # What retention does after 90 days; and as after them, the rows are in no process' memory.
    with closing(sqlite3.connect(product.data / "waybill.sqlite3")) as database, database:
        database.execute("DELETE FROM request_logs WHERE position <= ?", (cursors[2],))
    product.kill("api")
    await asyncio.to_thread(product.wait_ready, "api")
    for way in WAYS:
        reader = Reader(Console(product), *way.values)
        reader.cursor = str(cursors[0])
        async with aclosing(reader.batches()) as stream:
            await reader.read(stream, 1)
        assert [gap["reason"] for gap in reader.gaps] == ["expired"]
        assert reader.gaps[0]["to"] == str(cursors[2])
        assert reader.seen == asked[3:]
