"""Streams of 50 chunks, each a write of its own, as fast as they come: streams a CPU second of the proxying process.

nginx passes each piece on as it arrives, as it must for people who read along; its default, which collects them, is shown too.
"""

from __future__ import annotations

from bench.report import Figure, Outcome, at_least, middle, none
from bench.stand import CHUNKS, Spent, Stand, spending
from bench.unary import CONNECTIONS

# Content, the finish reason, and [DONE]; nginx also passes the usage chunk, which our client did not ask for.
EVENTS, EVENTS_WITH_USAGE = CHUNKS + 1, CHUNKS + 2


def measure(stand: Stand) -> Outcome:
    """Streams a CPU second of both, and their ratio."""
    seconds, rounds = (8.0, 9) if stand.full else (3.0, 5)
    product, nginx = stand.product, stand.nginx
    tokens, pid = stand.tokens(product), product.pid("proxy")

    def load(port: int, path: str, events: int, of: int, for_s: float) -> Spent:
        arguments = ("-c", CONNECTIONS, "-d", int(for_s * 1000), "-P", path, "-e", events)
        return spending(of, lambda: stand.client(port, tokens, *arguments, lasts_s=for_s, stream=True).wait())

    def waybill(for_s: float = seconds) -> Spent:
        spent = load(product.ports["proxy"], "/v1/chat/completions", EVENTS, pid, for_s)
        product.settle()
        return spent

    def peer(path: str) -> Spent:
        return load(nginx.port, path, EVENTS_WITH_USAGE, nginx.pid, seconds)

    waybill(1.5)
    runs = stand.interleaved(
        rounds,
        {
            "waybill": waybill,
            "nginx": lambda: peer("/unbuffered/v1/chat/completions"),
            "nginx_buffering": lambda: peer("/v1/chat/completions"),
        },
    )
    ours, theirs = middle(runs["waybill"], "per_cpu_s"), middle(runs["nginx"], "per_cpu_s")
    return Outcome(
        figures=[
            Figure(name="streams a CPU second, Waybill", value=ours),
            Figure(name="streams a CPU second, nginx", value=theirs),
            Figure(name="streams a CPU second, nginx that collects", value=middle(runs["nginx_buffering"], "per_cpu_s")),
            at_least("streams a CPU second, Waybill / nginx", ours / theirs, 0.70),
            Figure(name="streams a second, Waybill", value=middle(runs["waybill"], "per_s")),
            Figure(name="share of the time that others kept it from its core", value=middle(runs["waybill"], "waited")),
            none("failed streams", sum(run.failed for run in runs["waybill"])),
        ],
        rounds=runs,
    )
