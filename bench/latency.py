"""What Waybill adds to one request at a time: its median time on one connection, less that of the upstream alone."""

from __future__ import annotations

from bench.programs import Load
from bench.report import Figure, Outcome, at_most, middle, none
from bench.stand import Stand


def measure(stand: Stand) -> Outcome:
    """The added median, and nginx's for comparison."""
    seconds, rounds = (4.0, 9) if stand.full else (1.5, 5)
    product, nginx = stand.product, stand.nginx
    tokens = stand.tokens(product)

    def load(port: int) -> Load:
        return stand.client(port, tokens, "-d", int(seconds * 1000), lasts_s=seconds).wait()

    load(product.ports["proxy"])
    runs = stand.interleaved(
        rounds,
        {
            "direct": lambda: load(stand.upstream.port),
            "waybill": lambda: load(product.ports["proxy"]),
            "nginx": lambda: load(nginx.port),
        },
    )
    p50_ms = {name: middle(results, "p50_us") / 1000 for name, results in runs.items()}
    return Outcome(
        figures=[
            at_most("added median at one connection, Waybill", p50_ms["waybill"] - p50_ms["direct"], 0.35, "ms"),
            Figure(name="added median at one connection, nginx", value=p50_ms["nginx"] - p50_ms["direct"], unit="ms"),
            Figure(name="median of the upstream alone", value=p50_ms["direct"], unit="ms"),
            none("failed requests", sum(run.trouble for run in runs["waybill"])),
        ],
        rounds=runs,
    )
