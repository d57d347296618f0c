"""What limits say: at four fifths, used up, begun anew; once each, whatever is killed, and in the recorder's transaction."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from typing import Any

import pytest

from api.alerts.in_force import limits_in_force
from api.alerts.levels import WatchedLimit
from api.alerts.watch import LimitWatch
from api.database.engine import sqlite_path
from api.recorder import Recorder
from core.config import AlertWebhook, Config, Model, ModelEntry, Project, RoutedModel, Routing, Settings, Token
from core.fields import Credential, LimitRule, Limits, RollingWindow
from core.limits import NO_LIMITS, Effective, Scope
from tests.api.journalled import database, finished, journalled, request_id

NOW = 1_795_424_460_123  # 2026-11-23T09:01:00.123Z, a Monday
HOUR = 3_600_000
MINUTE = 60_000
HOUR_START = NOW - NOW % HOUR


def rule(metric: Any, window: Any, value: object) -> LimitRule:
    written = RollingWindow(rolling=window, unit="seconds") if isinstance(window, int) else window
    return LimitRule(metric=metric, window=written, value=Decimal(str(value)))


def limits(*rules: LimitRule, mode: Any = "replace") -> Limits:
    return Limits(mode=mode, rules=rules)


def config(
    platform: Limits = NO_LIMITS,
    project: Limits = NO_LIMITS,
    model: Limits = NO_LIMITS,
    entry: Limits = NO_LIMITS,
    token: Limits = NO_LIMITS,
    own: Limits = NO_LIMITS,
    webhooks: tuple[AlertWebhook, ...] = (),
) -> Config:
    """Project a with token t and model m, limits at the levels that are given."""
    return Config(
        files={
            "waybill.yaml": Settings(format=1, limits=platform, alert_webhooks=webhooks),
            "models/m.yaml": Model(provider="p", upstream_name="m", limits=model),
            "projects/a/project.yaml": Project(id="1", name="A", limits=project),
            "projects/a/routing.yaml": Routing(models=(RoutedModel(id="m", limits=entry),)),
            "projects/a/tokens/t.yaml": Token(
                name="t", sha256="0" * 64, prefix="sk", limits=token, models=(ModelEntry(id="m", limits=own),)
            ),
        }
    )


class Place:
    """A journal, a database and the time."""

    def __init__(self, folder) -> None:
        self.journal = folder / "journal"
        self.url = database(folder)
        self.now_ms = NOW
        self.number = 0

    @asynccontextmanager
    async def recorder(self, configuration: Config):
        watch = LimitWatch(lambda: self.now_ms)
        watch.configure(configuration, "f" * 40)
        recorder = Recorder(self.journal, self.url, lambda rows: None, watch)
        await recorder.start()
        try:
            yield recorder, watch
        finally:
            await recorder.close()

    def calls(self, count: int, **changes: Any) -> None:
        """Requests that end now."""
        events = []
        for _ in range(count):
            self.number += 1
            events.append(finished(self.number, **{"at_ms": self.now_ms, **changes}))
        journalled(self.journal, events)

    def said(self, columns: str = "kind, used") -> list[tuple]:
        return self.sql(f"SELECT {columns} FROM alerts ORDER BY id")

    def sql(self, statement: str) -> list[tuple]:
        with closing(sqlite3.connect(sqlite_path(self.url))) as connection:
            found = connection.execute(statement).fetchall()
            connection.commit()
            return found


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


async def test_a_limit_speaks_at_four_fifths_used_up_and_when_the_next_window_begins(place):
    async with place.recorder(config(project=limits(rule("calls", "hourly", 10)))) as (recorder, _):
        place.calls(7)
        await recorder.catch_up()
        assert place.said() == []
        place.calls(5)
        await recorder.catch_up()
        assert place.said("kind, used, request_id, project, token, model, metric, window, value") == [
            ("share", 8, request_id(8), "a", "", "", "calls", "hourly", 10),
            ("exhausted", 10, request_id(10), "a", "", "", "calls", "hourly", 10),
        ]
        place.now_ms = HOUR_START + HOUR - 1
        await recorder.catch_up()
        assert len(place.said()) == 2, "the window is not over"
        place.now_ms += 1
        await recorder.catch_up()
        await recorder.catch_up()
        assert place.said("kind, at_ms, start_ms, reset_ms")[2:] == [
            ("reset", HOUR_START + HOUR, HOUR_START, HOUR_START + HOUR)
        ]
        place.calls(9)
        await recorder.catch_up()
        assert place.said("kind, start_ms")[3:] == [("share", HOUR_START + HOUR)]


@pytest.mark.parametrize(
    ("metric", "value", "each", "kinds"),
    [
        ("cost", "0.00001", {"cost_nano_usd": 1_000}, ["share", "exhausted"]),
        ("cost", "0.000010001", {"cost_nano_usd": 1_000}, ["share"]),
        ("cost", "0.000012501", {"cost_nano_usd": 1_000}, []),
        ("input_tokens", 100, {}, ["share", "exhausted"]),
        ("output_tokens", 51, {}, ["share"]),
        ("total_tokens", 188, {}, []),
        ("calls", 10, {"status": "error", "usage": None, "cost_nano_usd": 0}, []),
        ("calls", 10, {"status": "error"}, ["share", "exhausted"]),
        ("cost", "0.00001", {"cost_nano_usd": None}, []),
    ],
)
async def test_each_metric_counts_as_the_ledger_counts_it(place, metric, value, each, kinds):
    """Ten requests, of 10 + 5 tokens and 1,000 nano-USD unless said otherwise."""
    async with place.recorder(config(token=limits(rule(metric, "daily", value)))) as (recorder, _):
        place.calls(10, **each)
        await recorder.catch_up()
    assert [kind for (kind,) in place.said("kind")] == kinds


LEVELS = [
    ({"platform": limits(rule("calls", "daily", 1))}, [Scope()]),
    ({"project": limits(rule("calls", "daily", 1))}, [Scope("a")]),
    ({"token": limits(rule("calls", "daily", 1))}, [Scope("a", "t")]),
    ({"model": limits(rule("calls", "daily", 1))}, [Scope("", "", "m")]),
    ({"entry": limits(rule("calls", "daily", 1))}, [Scope("a", "", "m")]),
    ({"own": limits(rule("calls", "daily", 1))}, [Scope("a", "t", "m")]),
    ({"project": limits(rule("calls", "daily", 1), mode="disable")}, []),
    ({"platform": limits(rule("calls", "daily", 1)), "project": limits(mode="disable")}, [Scope()]),
    (
        {"platform": limits(rule("calls", "daily", 1)), "own": limits(rule("calls", "daily", 1))},
        [Scope(), Scope("a", "t", "m")],
    ),
]


@pytest.mark.parametrize(("levels", "scopes"), LEVELS)
async def test_every_limit_that_holds_speaks_in_its_own_scope(place, levels, scopes):
    assert [effective.scope for effective in limits_in_force(config(**levels))] == scopes
    async with place.recorder(config(**levels)) as (recorder, _):
        place.calls(1)
        await recorder.catch_up()
    assert sorted(place.said("DISTINCT project, token, model")) == sorted(tuple(scope) for scope in scopes)


async def test_a_restart_repeats_nothing_and_goes_on_where_it_was(place):
    watched = config(project=limits(rule("calls", "hourly", 10), rule("calls", 7_200, 10)))
    async with place.recorder(watched) as (recorder, _):
        place.calls(8)
        await recorder.catch_up()
    async with place.recorder(watched) as (recorder, _):
        await recorder.catch_up()
        place.now_ms += 1
        place.calls(2)
        await recorder.catch_up()
    said = place.said("window, kind, used")
    assert sorted(said) == sorted(
        [("hourly", "share", 8), ("7200000", "share", 8), ("hourly", "exhausted", 10), ("7200000", "exhausted", 10)]
    )
    place.now_ms = NOW + 2 * HOUR + 10
    async with place.recorder(watched) as (recorder, _):
        await recorder.catch_up()
    assert sorted(place.said("window, kind, used")[4:]) == [("7200000", "reset", 0), ("hourly", "reset", 0)]


async def test_a_limit_that_is_added_or_lowered_speaks_of_what_was_used_before(place):
    async with place.recorder(config()) as (recorder, watch):
        place.calls(9)
        await recorder.catch_up()
        assert place.said() == []
        watch.configure(config(project=limits(rule("calls", "monthly", 10))), "1" * 40)
        await recorder.catch_up()
        assert place.said("kind, used, value, revision") == [("share", 9, 10, "1" * 40)]
        watch.configure(config(project=limits(rule("calls", "monthly", 5))), "2" * 40)
        await recorder.catch_up()
        assert place.said("kind, value")[1:] == [("share", 5), ("exhausted", 5)]
        watch.configure(config(project=limits(rule("calls", "monthly", 10))), "1" * 40)
        place.calls(1)
        await recorder.catch_up()
        assert place.said("kind, value")[3:] == [("exhausted", 10)], "what it had said before it was changed it does not repeat"


async def test_many_limits_are_begun_from_the_rollups_in_one_walk(place):
    files = dict(config().files)
    for number in range(60):
        files[f"projects/a/tokens/t{number}.yaml"] = Token(
            name=f"t{number}",
            sha256=f"{number:064d}",
            prefix="sk",
            limits=limits(rule("calls", "daily", 5), rule("calls", 7_200, 5)),
        )
    async with place.recorder(config()) as (recorder, watch):
        for number in range(60):
            place.calls(4 if number % 2 else 3, token=f"t{number}")
        await recorder.catch_up()
        watch.configure(Config(files=files), None)
        await recorder.catch_up()
    assert sorted(place.said("token, window, kind")) == sorted(
        (f"t{number}", window, "share") for number in range(1, 60, 2) for window in ("daily", "7200000")
    )


class BrokenWatch(LimitWatch):
    """One with a mistake in it."""

    def _count(self, *_: Any) -> Any:
        raise ZeroDivisionError


async def test_a_mistake_in_what_is_said_never_stops_what_is_kept(place):
    watch = BrokenWatch(lambda: place.now_ms)
    watch.configure(config(project=limits(rule("calls", "daily", 5))), None)
    recorder = Recorder(place.journal, place.url, lambda rows: None, watch)
    await recorder.start()
    place.calls(3)
    await recorder.catch_up()
    place.calls(1)
    await recorder.catch_up()
    assert recorder.failing is None
    await recorder.close()
    assert place.sql("SELECT count(*) FROM request_logs") == [(4,)]
    # Counted again from what is recorded, it is said although no request could be looked at.
    assert place.said() == [("share", 4)]


async def test_a_refused_transaction_raises_nothing_and_then_everything_once(place):
    watched = config(project=limits(rule("calls", "hourly", 10)))
    async with place.recorder(watched) as (recorder, _):
        place.calls(9, error="x" * 5_000)
        connection = recorder._records._connected()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(Exception, match="full"):
            await recorder._in_thread(recorder._record_some)
        assert place.said() == []
        connection.execute("PRAGMA max_page_count = 1000000")
        await recorder.catch_up()
        assert place.said() == [("share", 8)]
        place.calls(1)
        await recorder.catch_up()
        assert place.said() == [("share", 8), ("exhausted", 10)]


async def test_requests_of_the_past_window_speak_of_that_window(place):
    """The API was away over the hour: what ended meanwhile is recorded after it."""
    watched = config(project=limits(rule("calls", "hourly", 10)))
    place.calls(5)
    async with place.recorder(watched) as (recorder, _):
        await recorder.catch_up()
    place.calls(5)
    place.now_ms = HOUR_START + HOUR + 1_000
    place.calls(8)
    async with place.recorder(watched) as (recorder, _):
        await recorder.catch_up()
    assert place.said("kind, start_ms, used") == [
        ("share", HOUR_START, 8),
        ("exhausted", HOUR_START, 10),
        ("reset", HOUR_START, 1),
        ("share", HOUR_START + HOUR, 8),
    ]


async def test_a_bill_above_its_reserve_is_said_once_an_hour_for_a_model_and_token(place):
    async with place.recorder(config()) as (recorder, _):
        place.calls(1, cost_nano_usd=999, reserved_cost_nano_usd=999)
        place.calls(3, cost_nano_usd=1_000, reserved_cost_nano_usd=999)
        await recorder.catch_up()
        assert place.said("kind, project, token, model, metric, value, used, request_id") == [
            ("overrun", "a", "t", "m", "cost", 999, 1_000, request_id(2))
        ]
        place.now_ms += HOUR
        place.calls(1, cost_nano_usd=1_000, reserved_cost_nano_usd=0)
        await recorder.catch_up()
        assert len(place.said()) == 2


def watched(window: Any, value: int = 10) -> WatchedLimit:
    return WatchedLimit(Effective(Scope("a"), rule("calls", window, value)))


def test_a_rolling_limit_that_hovers_around_its_share_speaks_once_a_window():
    limit = watched(600)
    assert list(limit.look(NOW, 8)) == [("share", NOW)]
    assert list(limit.over(NOW + 1, 7)) == [("reset", NOW)]
    assert list(limit.look(NOW + 2, 10)) == []
    assert list(limit.look(NOW + 600_000 - 1, 10)) == []
    assert list(limit.look(NOW + 600_000, 10)) == [("share", NOW + 600_000), ("exhausted", NOW + 600_000)]
    assert list(limit.over(NOW + 600_001, 8)) == [], "it is over when it is below the share again"
    assert list(limit.over(NOW + 600_002, 7)) == [("reset", NOW + 600_000)]


@pytest.mark.parametrize(
    ("value", "used", "said"),
    [
        (10, 7, []),
        (10, 8, ["share"]),
        (10, 9, ["share"]),
        (10, 10, ["share", "exhausted"]),
        (10, 99, ["share", "exhausted"]),
        (1, 0, []),
        (1, 1, ["share", "exhausted"]),
        (3, 2, []),
        (5, 4, ["share"]),
        (0, 0, []),  # it blocks always: nothing is used up
    ],
)
def test_the_steps_of_a_limit(value, used, said):
    assert [kind for kind, _ in watched("daily", value).look(NOW, used)] == said


async def test_alerts_are_to_be_delivered_to_every_webhook_of_the_configuration(place):
    hooks = tuple(AlertWebhook(url=f"https://{name}.example/", secret=Credential(env="WAYBILL_SECRET_A")) for name in "ab")
    async with place.recorder(config(project=limits(rule("calls", "hourly", 1)), webhooks=hooks)) as (recorder, _):
        place.calls(1)
        await recorder.catch_up()
    found = place.sql("SELECT alert, url, attempts FROM alert_deliveries ORDER BY alert, url")
    assert found == [
        (1, "https://a.example/", 0),
        (1, "https://b.example/", 0),
        (2, "https://a.example/", 0),
        (2, "https://b.example/", 0),
    ]


async def test_an_id_is_never_given_twice(place):
    watched = config(project=limits(rule("calls", "hourly", 1)))
    async with place.recorder(watched) as (recorder, _):
        place.calls(1)
        await recorder.catch_up()
        place.sql("DELETE FROM alerts")
        place.now_ms += HOUR
        place.calls(1)
        await recorder.catch_up()
    assert min(found for (found,) in place.said("id")) == 3
