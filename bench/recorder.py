"""The recorder at 2,000 finished requests a second, traces included, on one core: how far behind it is and what it costs."""

from __future__ import annotations

import time
from statistics import median

import msgspec

from bench.programs import Load
from bench.report import Figure, Outcome, at_least, at_most, none
from bench.stand import Stand, spent_since

RATE = 2_000
BEHIND_S = 1.0
_LOOKS_EVERY_S = 0.25


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The load, the journal bytes that waited at each look, and what was spent."""

    load: Load
    behind_bytes: list[float]
    bytes_a_row: float
    rows: int
    api_cpu_s: float
    settling_s: float


def measure(stand: Stand) -> Outcome:
    """Real requests at the rate; the lag in rows over the run, and how long the rest takes after it."""
    run = _run(stand, 120.0 if stand.full else 20.0)
    behind_rows = [behind / run.bytes_a_row for behind in run.behind_bytes]
    half = len(behind_rows) // 2
    busy = run.api_cpu_s / (run.load.seconds + run.settling_s)
    return Outcome(
        figures=[
            at_least("finished requests a second", run.load.per_second, RATE * 0.98),
            at_most("behind, at most, in seconds of that rate", max(behind_rows) / RATE, BEHIND_S, "s"),
            Figure(name="behind, median", value=median(behind_rows) / RATE, unit="s"),
            Figure(name="behind, at most, in the first half", value=max(behind_rows[:half]) / RATE, unit="s"),
            Figure(name="behind, at most, in the second half", value=max(behind_rows[half:]) / RATE, unit="s"),
            at_most("caught up after the load", run.settling_s, BEHIND_S, "s"),
            Figure(name="share of one core that the API's process used", value=busy),
            Figure(name="CPU a row in the API's process", value=run.api_cpu_s / run.rows * 1e6, unit="µs"),
            Figure(name="journal bytes a request", value=run.bytes_a_row, unit="B"),
            none("rows more or fewer than answers, and failed requests", abs(run.rows - run.load.succeeded) + run.load.trouble),
        ],
        rounds=run,
    )


def _run(stand: Stand, seconds: float) -> Run:
    product = stand.product
    product.settle()
    journal, rows = (product.metric("api-ops", f"waybill_recorder_{name}") for name in ("position_bytes", "rows"))
    spent = spent_since(product.pid("api"))
    arguments = ("-c", 64, "-r", RATE, "-d", int(seconds * 1000))
    client = stand.client(product.ports["proxy"], stand.tokens(product), *arguments, lasts_s=seconds)
    behind = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(_LOOKS_EVERY_S)
        behind.append(product.metric("api-ops", "waybill_recorder_lag_bytes"))
    load = client.wait()
    settling_s = product.settle()
    recorded = int(product.metric("api-ops", "waybill_recorder_rows") - rows)
    return Run(
        load=load,
        behind_bytes=behind,
        bytes_a_row=(product.metric("api-ops", "waybill_recorder_position_bytes") - journal) / recorded,
        rows=recorded,
        api_cpu_s=spent(),
        settling_s=settling_s,
    )
