"""Log rows, rollups, counters and journal agree to the nano-dollar after kills, and no limit was ever exceeded.

A short run belongs to the tests; `make soak` makes the long one and writes what it found to docs/soak/.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proxy.product import provider
from tests.soak import exact_money, report


async def test_a_short_run_with_three_kills_agrees_to_the_nano_dollar(tmp_path: Path) -> None:
    async with provider() as up:
        run = await exact_money.run(tmp_path / "data", up, requests=1_500, kills=3, clients=12, rate=60, seed=0)
    assert run.problems == []
    refused = sum(event.status == "budget_exceeded" for event in run.finished)
    assert refused > 10, "the limits refused nobody, so they were not tried"
    assert len({event.dialect for event in run.finished}) == 3
    assert run.sums, "nothing was used"


@pytest.mark.soak
async def test_100_000_requests_with_kills_agree_to_the_nano_dollar(tmp_path: Path) -> None:
    async with provider() as up:
        run = await exact_money.run(tmp_path / "data", up, requests=100_000, kills=40, clients=24, rate=100, seed=5)
    report.write("exact-money", "Exact money: 100,000 mixed requests, with kills", exact_money.described(run))
    assert run.problems == []
    assert run.kills.total() == 40
