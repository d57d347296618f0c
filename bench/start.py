"""From the command line of the proxy to its first answered request, on a data folder that exists."""

from __future__ import annotations

import subprocess
import time

from bench.configuration import request_body
from bench.processes import free_ports, running, spawn
from bench.product import Product, ask
from bench.report import Figure, Outcome, at_most
from bench.stand import Stand

_GIVES_UP_S = 30.0


def measure(stand: Stand) -> Outcome:
    """The median over starts, with ten tokens and with 10,000."""
    rounds = 9 if stand.full else 5
    stand.product.close()
    stand.large.close()
    try:
        small = [_start(stand, stand.product) for _ in range(rounds)]
        large = [_start(stand, stand.large) for _ in range(rounds)]
    finally:
        stand.product.start()
        stand.large.start()
    return Outcome(
        figures=[
            at_most("start to first answer, 10 tokens", sorted(small)[rounds // 2], 1.5, "s"),
            at_most("start to first answer, 1,000 projects and 10,000 tokens", sorted(large)[rounds // 2], 1.5, "s"),
            Figure(name="slowest of all starts", value=max(small + large), unit="s"),
        ],
        rounds={"small_s": small, "large_s": large},
    )


def _start(stand: Stand, product: Product) -> float:
    """Seconds from the start of the process to a 200."""
    product.ports["proxy"], product.ports["proxy-ops"] = free_ports(2)
    headers = {"authorization": f"Bearer {product.configuration.tokens[0]}", "content-type": "application/json"}
    started = time.monotonic()
    with running(spawn(product.command("proxy"), cores=stand.cores.measured, stderr=subprocess.DEVNULL)) as proxy:
        while time.monotonic() < started + _GIVES_UP_S and proxy.poll() is None:
            try:
                status, _ = ask(product.ports["proxy"], "POST", "/v1/chat/completions", request_body(), headers)
            except OSError:
                time.sleep(0.002)
                continue
            if status == 200:
                return time.monotonic() - started
            time.sleep(0.002)
    raise RuntimeError("the proxy did not answer")
