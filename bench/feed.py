"""The log feed under many readers: complete, in order, young; after reconnects too; and a reader that stops harms nobody.

Events are real requests through the proxy at a steady rate. Readers are `subscribers.mjs`: up to 500 connections in one Node
process.
"""

from __future__ import annotations

import subprocess
from typing import Any, Literal

import msgspec

from bench.processes import spawn, stop
from bench.product import Product
from bench.programs import HERE, Load
from bench.report import Figure, Outcome, at_least, at_most, none
from bench.stand import Stand, spent_since

RECONNECTING = 10
# What a reader that stopped falls behind by before it is told so: the feed's ring, and what kernel and server hold for it.
_RING_ROWS, _BUFFERED_ROWS = 20_000, 15_000
_NEWEST = "{ requestLogs(first: 1) { nodes { cursor } } }"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What one subscriber was given. A gap leaves rows out and says so; `missing` are those that nothing was said of."""

    index: int
    cursor: int
    events: int
    missing: int
    doubled: int  # or out of order
    reconnects: int
    gaps: list[dict[str, Any]]
    errors: list[str]


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from a request's end to its event's arrival, over all subscribers."""

    p50_ms: float
    p99_ms: float
    max_ms: float


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a group of subscribers was given."""

    age: Age | None
    cpu_s: float
    subscribers: list[Account]


class Readers(msgspec.Struct, frozen=True):
    """Who reads: over which transport, how many; whether each with a document of its own; how many more that stop."""

    transport: Literal["ws", "sse"]
    subscribers: int
    distinct: bool = False
    stalled: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One rate: what was sent, what the readers and the stalled one got up to `newest`, and what it cost the API."""

    load: Load
    newest: int
    api_busy: float
    readers: Accounts
    stalled: Account | None


def measure(stand: Stand) -> Outcome:
    """Typed fields, of one document and of as many as there are readers; the firehose to many, and to some at a high rate, with
    a reader that stops."""
    seconds = 60.0 if stand.full else 12.0
    runs = {
        "typed": _run(stand, Readers("ws", 100), 50, seconds),
        "typed, each its own document": _run(stand, Readers("ws", 100, distinct=True), 50, seconds),
        "typed, often": _run(stand, Readers("ws", 50), 200, seconds),
        "firehose": _run(stand, Readers("sse", 500), 200, seconds),
        "firehose, often": _run(stand, Readers("sse", 50, stalled=1), 1_000, seconds),
    }
    figures = [figure for name, run in runs.items() for figure in _figures(name, run)]
    return Outcome(figures=[*figures, *_stalled_figures(runs["firehose, often"])], rounds=runs)


def _figures(name: str, run: Run) -> list[Figure]:
    readers, age = run.readers.subscribers, run.readers.age
    if age is None:
        raise RuntimeError(f"no event arrived: {readers[0].errors}")
    return [
        Figure(name=f"{name}: events a second, to each of {len(readers)}", value=run.load.per_second),
        at_most(f"{name}: age of an event, p99", age.p99_ms, 250, "ms"),
        Figure(name=f"{name}: age of an event, median", value=age.p50_ms, unit="ms"),
        none(f"{name}: events missing", sum(reader.missing for reader in readers)),
        none(f"{name}: events doubled or out of order", sum(reader.doubled for reader in readers)),
        none(f"{name}: readers with a gap, or not at the end", sum(bool(r.gaps) or r.cursor < run.newest for r in readers)),
        at_least(f"{name}: reconnects with a cursor", sum(reader.reconnects for reader in readers), RECONNECTING),
        none(f"{name}: errors and failed requests", run.load.trouble + sum(len(reader.errors) for reader in readers)),
        Figure(name=f"{name}: share of a core that the API had", value=run.api_busy),
        Figure(name=f"{name}: CPU a delivery in the API", value=_delivery_us(run), unit="µs"),
    ]


def _delivery_us(run: Run) -> float:
    """CPU microseconds of the API's process, recorder included, by event and reader."""
    return run.api_busy * run.load.seconds / sum(reader.events for reader in run.readers.subscribers) * 1e6


def _stalled_figures(run: Run) -> list[Figure]:
    assert run.stalled is not None
    stalled = run.stalled
    slow = [gap for gap in stalled.gaps if gap["reason"] == "slow"]
    return [
        at_least("a stalled reader: gaps that say `slow`", len(slow), 1),
        Figure(name="a stalled reader: rows in them", value=sum(int(gap["to"]) - int(gap["from"]) for gap in slow)),
        none("a stalled reader: events missing otherwise, or doubled", stalled.missing + stalled.doubled + len(stalled.errors)),
    ]


def _run(stand: Stand, who: Readers, rate: int, seconds: float) -> Run:
    product = stand.product
    product.settle()
    stand.calm.wait()
    after = _newest(product)
    readers = _Subscribers(product, who, after)
    try:
        spent = spent_since(product.pid("api"))
        load = _steady(stand, product, rate, seconds)
        product.settle()
        api_busy = spent() / load.seconds
        newest = _newest(product)
        got = readers.order("reach", newest)
        left_behind = None
        if who.stalled:
            _overrun(stand, product, after)
            left_behind = readers.order("resume", _newest(product)).subscribers[0]
    finally:
        readers.close()
    return Run(load=load, newest=newest, api_busy=api_busy, readers=got, stalled=left_behind)


def _steady(stand: Stand, product: Product, rate: int, seconds: float) -> Load:
    arguments = ("-c", 64, "-r", rate, "-d", int(seconds * 1000))
    return stand.client(product.ports["proxy"], stand.tokens(product), *arguments, lasts_s=seconds).wait()


def _overrun(stand: Stand, product: Product, after: int) -> None:
    """Full load until whoever stopped at `after` has lost the ring."""
    while _newest(product) < after + _RING_ROWS + _BUFFERED_ROWS:
        stand.client(product.ports["proxy"], stand.tokens(product), "-c", 64, "-d", 2000, lasts_s=2).wait()
        product.settle()


def _newest(product: Product) -> int:
    nodes = product.graphql(_NEWEST)["requestLogs"]["nodes"]
    return int(nodes[0]["cursor"]) if nodes else 0


class _Subscribers:
    """The Node process; ready when this is made."""

    def __init__(self, product: Product, who: Readers, after: int) -> None:
        settings = {
            "port": product.ports["api"],
            "key": product.api_key,
            "transport": who.transport,
            "subscribers": who.subscribers,
            "distinct": who.distinct,
            "reconnecting": RECONNECTING,
            "stalled": who.stalled,
            "after": str(after),
        }
        command = ["node", str(HERE / "subscribers.mjs"), msgspec.json.encode(settings).decode()]
        self._process = spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._said() != b"ready\n":
            raise RuntimeError("the subscribers did not get ready")

    def order(self, command: Literal["reach", "resume"], target: int) -> Accounts:
        """Let the readers, or the stalled one, get to a position; what they were given."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command} {target}\n".encode())
        self._process.stdin.flush()
        return msgspec.json.decode(self._said(), type=Accounts)

    def _said(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """Stop it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        stop(self._process)
