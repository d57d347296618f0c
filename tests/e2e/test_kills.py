"""Killed at any moment, under load: no answer that ended is without its row, and no row is without its request."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.kills import killed_under_load
from tests.e2e.product import Product

KILLS = 6


async def test_kills_under_load_lose_no_request_and_double_none(make_waybill: Callable[[], Product]) -> None:
    report = await killed_under_load(make_waybill().start(), seed=1, times=KILLS)
    assert report.comparison.mismatches == []
    assert report.problems == []
    assert report.kills.total() == KILLS
    assert sum(each.ended for each in report.sent) > 50
