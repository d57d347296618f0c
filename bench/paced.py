"""1,000 open streams that get a chunk every 100 ms each: what a chunk costs, and what an open stream keeps in memory."""

from __future__ import annotations

import msgspec

from bench.configuration import PACE_MS
from bench.processes import PeakMemory
from bench.report import Figure, Outcome, at_most, middle, none
from bench.stand import CHUNKS, Stand, spent_since
from bench.streams import EVENTS, EVENTS_WITH_USAGE

STREAMS, EACH = 1_000, 2  # open at once, one after the other on each connection
MANY = 4_000


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One run of all streams."""

    streams: int
    failed: int
    chunks: int
    cpu_s: float
    seconds: float
    peak_mb: float

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a chunk, the request around it included."""
        return self.cpu_s / max(1, self.chunks) * 1e6


def measure(stand: Stand) -> Outcome:
    """CPU a chunk of both, their ratio, and the proxy's memory with all streams open."""
    rounds = 5 if stand.full else 2
    product, nginx = stand.product, stand.nginx
    token = stand.file("paced.token", product.configuration.paced_token.encode())

    def load(port: int, path: str, events: int, of: int, streams: int = STREAMS) -> Round:
        arguments = ("-c", streams, "-k", EACH, "-R", PACE_MS, "-P", path, "-e", events)
        spent = spent_since(of)
        with PeakMemory(of) as peak:
            result = stand.client(port, token, *arguments, lasts_s=EACH * CHUNKS * PACE_MS / 1000, stream=True).wait()
        return Round(
            streams=result.succeeded,
            failed=result.trouble,
            chunks=result.succeeded * CHUNKS,
            cpu_s=spent(),
            seconds=result.seconds,
            peak_mb=peak.mb,
        )

    def waybill(streams: int = STREAMS) -> Round:
        return load(product.ports["proxy"], "/v1/chat/completions", EVENTS, product.pid("proxy"), streams)

    runs = stand.interleaved(
        rounds,
        {
            "waybill": waybill,
            "nginx": lambda: load(nginx.port, f"/unbuffered/paced/{PACE_MS}/v1/chat/completions", EVENTS_WITH_USAGE, nginx.pid),
        },
    )
    ours, theirs = runs["waybill"], runs["nginx"]
    if stand.full:
        runs["many"] = [waybill(MANY)]
    return Outcome(
        figures=[
            Figure(name="CPU a chunk, Waybill", value=middle(ours, "cpu_us"), unit="µs"),
            Figure(name="CPU a chunk, nginx", value=middle(theirs, "cpu_us"), unit="µs"),
            at_most("CPU a chunk, Waybill / nginx", middle(ours, "cpu_us") / middle(theirs, "cpu_us"), 2.0),
            at_most(f"resident memory of the proxy with {STREAMS:,} streams", max(run.peak_mb for run in ours), 250, "MB"),
            none("failed streams", sum(run.failed for run in ours)),
            *(_many(run) for run in runs.get("many", [])),
        ],
        rounds=runs,
    )


def _many(run: Round) -> Figure:
    if run.failed:
        return none(f"failed streams of {MANY:,} at once", run.failed)
    return Figure(name=f"resident memory of the proxy with {MANY:,} streams", value=run.peak_mb, unit="MB")
