"""A request costs the same however much there is: tokens in the configuration, rows in the database."""

from __future__ import annotations

import time

import msgspec

from api.database.bookings import Booking
from api.database.engine import sqlite_url
from api.database.recording import Batch, SqliteRecords
from api.database.request_logs import LogRow
from bench.configuration import MODELS, PROJECT, Sizes
from bench.product import Product
from bench.report import Figure, Outcome, middle, none, within
from bench.stand import Spent, Stand, spending, spent_since
from bench.unary import CONNECTIONS
from core.limits.amounts import amounts

ROWS = 1_000_000
_BATCH = 5_000


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """A round: what the proxy spent, and what the API spent until every row was recorded."""

    proxy: Spent
    api_cpu_s: float

    @property
    def proxy_us(self) -> float:
        """CPU microseconds a request in the proxy."""
        return self.proxy.cpu_us

    @property
    def recorder_us(self) -> float:
        """CPU microseconds a request in the API's process."""
        return self.api_cpu_s / max(1, self.proxy.requests) * 1e6

    @property
    def both_us(self) -> float:
        """CPU microseconds a request in both."""
        return self.proxy_us + self.recorder_us


def measure(stand: Stand) -> Outcome:
    """Ratios of CPU a request: 10,000 tokens to 10, a million rows to none."""
    seconds, rounds = (8.0, 9) if stand.full else (3.0, 5)
    by_tokens = stand.interleaved(
        rounds,
        {
            "10 tokens": lambda: _load(stand, stand.product, seconds),
            "10,000 tokens": lambda: _load(stand, stand.large, seconds),
        },
    )
    empty, filled, filling_s = _with_and_without_rows(stand)
    try:
        by_rows = stand.interleaved(
            rounds,
            {"no rows": lambda: _load(stand, empty, seconds), "1,000,000 rows": lambda: _load(stand, filled, seconds)},
        )
    finally:
        empty.close()
        filled.close()
    few, many = by_tokens["10 tokens"], by_tokens["10,000 tokens"]
    none_yet, million = by_rows["no rows"], by_rows["1,000,000 rows"]
    return Outcome(
        figures=[
            within("CPU a request, 10,000 tokens / 10", middle(many, "proxy_us") / middle(few, "proxy_us"), 0.15),
            within("CPU a request, 1,000,000 rows / none", middle(million, "proxy_us") / middle(none_yet, "proxy_us"), 0.15),
            within("the same, recorder included", middle(million, "both_us") / middle(none_yet, "both_us"), 0.15),
            Figure(name="CPU a row in the API's process, none yet", value=middle(none_yet, "recorder_us"), unit="µs"),
            Figure(name="CPU a row in the API's process, after 1,000,000", value=middle(million, "recorder_us"), unit="µs"),
            Figure(name="rows a second while the million was written", value=ROWS / filling_s),
            none("failed requests", sum(run.proxy.failed for runs in (few, many, none_yet, million) for run in runs)),
        ],
        rounds={"tokens": by_tokens, "rows": by_rows},
    )


def _load(stand: Stand, product: Product, seconds: float) -> Cost:
    """All tokens of the product in turn, as fast as it answers, until every row is recorded."""
    pid, tokens = product.pid("proxy"), stand.tokens(product)
    if product.metric("api-ops", "waybill_recorder_rows") < 2 * len(product.configuration.tokens):
        stand.client(product.ports["proxy"], tokens, "-c", 64, "-d", 3000, lasts_s=3).wait()  # each project's first request
        product.settle()
    arguments = ("-c", CONNECTIONS, "-d", int(seconds * 1000))
    api = spent_since(product.pid("api"))
    proxy = spending(pid, lambda: stand.client(product.ports["proxy"], tokens, *arguments, lasts_s=seconds).wait())
    product.settle()
    return Cost(proxy=proxy, api_cpu_s=api())


def _with_and_without_rows(stand: Stand) -> tuple[Product, Product, float]:
    """Two products of the same configuration, and how long writing the million took."""
    empty, filled = (stand.make_product(name, Sizes()) for name in ("empty", "filled"))
    filled.close()
    started = time.monotonic()
    fill(filled, ROWS, trace_bytes=1_500 if stand.full else 100)
    filling_s = time.monotonic() - started
    filled.start()
    return empty, filled, filling_s


def fill(product: Product, rows: int, trace_bytes: int) -> None:
    """Write rows of the last days through the recorder's own statements; the API must not run."""
    records = SqliteRecords(sqlite_url(product.layout.database))
    mark = records.open()
    body = b"{" + b" " * (trace_bytes - 2) + b"}"
    newest_ms = int(time.time() * 1000)
    try:
        for first in range(mark.log_position, mark.log_position + rows, _BATCH):
            batch = [
                _row(product, position, newest_ms - (rows - position) * 400)
                for position in range(first + 1, first + _BATCH + 1)
            ]
            moved = msgspec.structs.replace(mark, log_position=first + _BATCH)
            records.commit(Batch(rows=batch, bodies=[body] * _BATCH, bookings=[_booking(row) for row in batch], mark=moved))
    finally:
        records.close()


def _booking(row: LogRow) -> Booking:
    used = amounts(row.cost_nano_usd or 0, 1, row.input_tokens or 0, row.output_tokens or 0)
    return Booking(row.at_ms, used, {row.model or "": used})


def _row(product: Product, position: int, at_ms: int) -> LogRow:
    return LogRow(
        position=position,
        request_id=f"{at_ms:012x}7{position:019x}",
        at_ms=at_ms,
        project=PROJECT,
        token=f"t{position % 10}",
        model=f"bench-{position % MODELS}",
        provider="bench",
        revision=product.revision,
        status="success",
        call_type="completion",
        dialect="openai_chat",
        stream=False,
        http_status=200,
        error_code="",
        error="",
        input_tokens=200,
        output_tokens=9,
        cached_input_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        estimated=False,
        cost_nano_usd=418_000,
        latency_ms=12.5,
        first_byte_ms=None,
        attempts=1,
        cause=None,
        labels={},
    )
