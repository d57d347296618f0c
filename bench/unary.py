"""Requests without a stream: what the whole pipeline costs, beside a reverse proxy that does none of its work.

64 connections by wrk, 1 KB requests, an upstream that answers at once; the proxying process alone on its core.
"""

from __future__ import annotations

from bench.configuration import request_body
from bench.processes import PeakMemory
from bench.programs import wrk
from bench.report import Figure, Outcome, at_most, middle, none
from bench.stand import Spent, Stand, spending

CONNECTIONS = 64


def measure(stand: Stand) -> Outcome:
    """CPU a request of both, their ratio, requests a second, and the proxy's memory."""
    seconds, rounds = (10.0, 9) if stand.full else (4.0, 5)
    product, nginx = stand.product, stand.nginx
    token, body = product.configuration.tokens[0], request_body()
    pid = product.pid("proxy")

    def load(url: str, of: int, for_s: float) -> Spent:
        cores = stand.cores.load
        return spending(of, lambda: wrk(url, token, body, connections=CONNECTIONS, seconds=for_s, cores=cores))

    def waybill() -> Spent:
        spent = load(product.url, pid, seconds)
        product.settle()  # or the recorder would still be at it while nginx has its turn
        return spent

    load(product.url, pid, 2.0)
    load(nginx.url, nginx.pid, 1.0)
    with PeakMemory(pid) as peak:
        runs = stand.interleaved(rounds, {"waybill": waybill, "nginx": lambda: load(nginx.url, nginx.pid, seconds)})
    ours, theirs = runs["waybill"], runs["nginx"]
    return Outcome(
        figures=[
            at_most("CPU a request, Waybill", middle(ours, "cpu_us"), 200, "µs"),
            Figure(name="CPU a request, nginx", value=middle(theirs, "cpu_us"), unit="µs"),
            at_most("CPU a request, Waybill / nginx", middle(ours, "cpu_us") / middle(theirs, "cpu_us"), 7),
            Figure(name="requests a second, Waybill", value=middle(ours, "per_s")),
            Figure(name="requests a second, nginx", value=middle(theirs, "per_s")),
            Figure(name="requests a second, Waybill / nginx", value=middle(ours, "per_s") / middle(theirs, "per_s")),
            Figure(name="share of its core that the proxy used", value=middle(ours, "busy")),
            Figure(name="share of the time that others kept it from its core", value=middle(ours, "waited")),
            at_most("resident memory of the proxy at 64 connections", peak.mb, 100, "MB"),
            none("failed requests", sum(run.failed for run in ours)),
        ],
        rounds=runs,
    )
