"""Limits with their present use: which hold in a scope, and what is used, left and shared of each at an instant."""

from __future__ import annotations

import pytest

from api.database.engine import open_engine
from api.limit_usage import effective_limits, limit_usage, limit_uses
from core.limits import Scope
from tests.api.journalled import database, finished, recorded
from tests.api.test_alerts import config, limits, rule

NOW = 1_795_424_460_123  # 2026-11-23T09:01:00.123Z, a Monday
HOUR = 3_600_000
PLATFORM, PROJECT, TOKEN = Scope(), Scope("a"), Scope("a", "t")
MODEL, ENTRY, OWN = Scope("", "", "m"), Scope("a", "", "m"), Scope("a", "t", "m")
CALLS = limits(rule("calls", "daily", 10))
MORE = limits(rule("calls", "daily", 10), mode="extend")
OFF = limits(mode="disable")


@pytest.fixture
async def engine(tmp_path):
    url = database(tmp_path)
    recorded(
        url,
        [
            finished(1, at_ms=NOW - 5, cost_nano_usd=300_000_001),
            finished(2, at_ms=NOW - HOUR, cost_nano_usd=200_000_000),
            finished(3, at_ms=NOW - 2 * HOUR - 1, cost_nano_usd=1),
            finished(4, at_ms=NOW - 5, token="u", cost_nano_usd=7),
            finished(5, at_ms=NOW - 5, model="other", cost_nano_usd=11),
            finished(6, at_ms=NOW - 5, project="b", cost_nano_usd=13),
            finished(7, at_ms=NOW - 40 * 24 * HOUR, cost_nano_usd=1_000_000_000),
        ],
    )
    engine = open_engine(url)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    ("levels", "asked", "scopes"),
    [
        ({"platform": CALLS, "project": CALLS, "token": CALLS}, PLATFORM, [PLATFORM]),
        ({"platform": CALLS, "project": CALLS, "token": CALLS}, PROJECT, [PLATFORM, PROJECT]),
        ({"platform": CALLS, "project": CALLS, "token": CALLS}, TOKEN, [PLATFORM, TOKEN]),
        ({"platform": CALLS, "project": CALLS, "token": MORE}, TOKEN, [PLATFORM, PROJECT, TOKEN]),
        ({"platform": CALLS, "project": CALLS, "token": OFF}, TOKEN, [PLATFORM]),
        ({"model": CALLS, "entry": CALLS, "own": CALLS}, MODEL, [MODEL]),
        ({"model": CALLS, "entry": CALLS, "own": CALLS}, ENTRY, [ENTRY]),
        ({"model": CALLS, "entry": MORE, "own": MORE}, OWN, [MODEL, ENTRY, OWN]),
        ({"model": CALLS, "own": OFF}, OWN, []),
        ({"model": CALLS, "entry": CALLS, "token": OFF}, OWN, []),
        ({"model": CALLS}, ENTRY, [MODEL]),
        ({}, OWN, []),
    ],
)
def test_what_a_scope_is_held_to(levels, asked, scopes):
    assert [effective.scope for effective in effective_limits(config(**levels), asked)] == scopes


async def test_a_limit_in_use(engine):
    (found,) = await limit_usage(engine, config(project=limits(rule("cost", "daily", "0.5"))), PROJECT, NOW)
    midnight = NOW - NOW % (24 * HOUR)
    assert (found.scope, found.metric, found.window, found.window_name) == (PROJECT, "cost", "daily", "daily")
    assert (found.start_ms, found.reset_ms) == (midnight, midnight + 24 * HOUR)
    assert (found.value, found.used, found.remaining) == (500_000_000, 500_000_020, -20)
    assert found.exhausted
    assert found.share == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("window", "used"),
    [("hourly", 300_000_001), ("daily", 500_000_002), ("monthly", 500_000_002), ("yearly", 1_500_000_002)],
)
async def test_the_windows_of_a_token_on_a_model(engine, window, used):
    (found,) = await limit_usage(engine, config(own=limits(rule("cost", window, 9))), OWN, NOW)
    assert found.used == used


@pytest.mark.parametrize(
    ("seconds", "calls", "name"),
    [(1, 1, "1-second"), (3_600, 2, "1-hour"), (7_200, 2, "2-hour"), (7_201, 3, "7201-second"), (41 * 86_400, 4, "41-day")],
)
async def test_a_rolling_window_of_a_token_on_a_model(engine, seconds, calls, name):
    (found,) = await limit_usage(engine, config(own=limits(rule("calls", seconds, 10))), OWN, NOW)
    assert (found.used, found.window_name, found.reset_ms, found.start_ms) == (calls, name, None, NOW - seconds * 1_000)


async def test_every_scope_counts_its_own(engine):
    held = config(platform=MORE, project=MORE, token=MORE, model=MORE, entry=MORE, own=MORE)
    found = await limit_uses(engine, held, [PLATFORM, TOKEN, OWN], NOW)
    assert [(each.scope, each.used) for each in found[TOKEN]] == [(PLATFORM, 6), (PROJECT, 5), (TOKEN, 4)]
    assert [(each.scope, each.used) for each in found[OWN]] == [(MODEL, 5), (ENTRY, 4), (OWN, 3)]
    assert [(each.scope, each.used) for each in found[PLATFORM]] == [(PLATFORM, 6)]


async def test_a_limit_of_nothing_is_used_up(engine):
    (found,) = await limit_usage(engine, config(token=limits(rule("calls", "daily", 0))), Scope("a", "t"), NOW - 10**9)
    assert (found.share, found.exhausted, found.remaining) == (1.0, True, 0)


async def test_without_limits_the_database_is_not_asked():
    assert await limit_usage(None, config(), TOKEN, NOW) == ()  # type: ignore[arg-type]  # there is none
