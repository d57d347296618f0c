"""Two hundred `kill -9` of the proxy under load, over one data folder: the journal accounts for every request, once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.proxy.kills import Load, check_kill
from tests.proxy.product import DONE, Publisher, configuration, event, provider, role, streaming, subprocess_proxy, word
from tests.soak import report

KILLS = 200


@pytest.mark.soak
async def test_two_hundred_kills_lose_no_ended_answer_and_double_none(tmp_path: Path) -> None:
    dice = random.Random(2)
    began = time.perf_counter()
    load = Load()
    async with provider() as up:
        up.on("b", streaming(role(), word("One"), event(finish="stop"), DONE))
        Publisher(tmp_path).publish(configuration(up.port))
        for _ in range(KILLS):
            async with subprocess_proxy(tmp_path) as proxy:
                await load.run_until_killed(proxy, after_s=dice.uniform(0.01, 0.7))
            up.asked.clear()
    rows = await check_kill(tmp_path, load)
    report.write(
        "proxy-kills",
        "kill -9 of the proxy under load: every ended answer has exactly one row",
        [
            f"{load.kills} kills at random moments in {time.perf_counter() - began:.0f} s",
            f"{load.sent} requests sent, {len(load.ended)} answers seen whole, {rows} rows, each once",
            f"{rows - len(load.ended)} rows of requests that were in flight at a kill",
        ],
    )
