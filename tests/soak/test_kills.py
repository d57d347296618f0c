"""200 times `kill -9` under load. `make soak` runs it and writes what it found to docs/soak/."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.kills import Report, killed_under_load
from tests.e2e.product import ROOT, Product

KILLS = 200
SEED = 20
LONG_LIFE_S = 12.0

pytestmark = pytest.mark.soak

PAGE = """# Kills: {kills} × `kill -9` under load, {date}

`make soak`, `tests/soak/test_kills.py`, seed {seed}, at commit `{commit}`; {cores} cores, {machine}, Python {python}.

Twelve clients send requests without a pause, half of them streamed; one in seven gives up within 120 ms, one in twenty sends a
body that is refused. At random moments, also while they recover, processes are killed: the proxy {proxy} times, the API {api},
both at once {both}, and the supervisor with them {all}. One life in ten lasts long enough for a checkpoint. What clients saw is
then held against the database, row by row.

| figure | |
|---|---|
| requests that reached a connection | {sent} |
| answers that their clients saw end | {ended} |
| given up by their clients | {gave_up} |
| cut off by a kill | {lost} |
| rows | {rows} |
| of these, ended by the next start as crashed | {crashed} |
| of these, tied to their request only by when they arrived | {by_arrival} |
| times without a proxy, each one or more kills | {downs} |
| mismatches between clients and rows | {mismatches} |
| mismatches between journal, rows and usage | {problems} |
| seconds | {seconds:.0f} |

A mismatch is: an answer that ended, or began, without exactly one row; a row of no request that was sent; two rows of one
request; a row that says otherwise than its client saw; a request that failed with the proxy up; an answer that ended as if it
were whole and is not; usage that is not the sum of the rows; a row that is not in the journal, or twice.
"""


async def test_kills_under_load_lose_no_request_and_double_none(tmp_path: Path) -> None:
    product = Product(tmp_path / "data").start()
    try:
        report = await killed_under_load(product, SEED, KILLS, long_life_s=LONG_LIFE_S)
    finally:
        product.close()
    now = datetime.now(UTC)
    page = written(report, now)
    print(page)
    folder = ROOT / "docs/soak"
    folder.mkdir(exist_ok=True)
    (folder / f"{now:%Y-%m-%d}-kills.md").write_text(page)
    assert report.comparison.mismatches == []
    assert report.problems == []
    assert report.kills.total() == KILLS


def written(report: Report, now: datetime) -> str:
    """The report for people."""
    reached = [each for each in report.sent if not each.refused]
    return PAGE.format(
        kills=report.kills.total(),
        date=f"{now:%Y-%m-%d}",
        seed=SEED,
        commit=subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip(),
        cores=os.cpu_count(),
        machine=platform.machine(),
        python=platform.python_version(),
        **report.kills,
        sent=len(reached),
        ended=sum(each.ended for each in reached),
        gave_up=sum(each.gave_up for each in reached),
        lost=sum(bool(each.lost) for each in reached),
        rows=len(report.rows),
        crashed=report.comparison.crashed,
        by_arrival=report.comparison.by_arrival,
        downs=report.downs,
        mismatches=len(report.comparison.mismatches),
        problems=len(report.problems),
        seconds=report.seconds,
    )
