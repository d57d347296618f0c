"""Usage from rollups: whatever is asked, it is the sum over the requests that were meant."""

from __future__ import annotations

import pytest

from api.database import usage
from api.database.bookings import by_model
from api.database.engine import open_engine
from api.database.tables import LATENCY_BOUNDS_MS, USAGE_FIGURES
from api.database.usage import DAY_MS, HOUR_MS, NOTHING, Day, Figures, Question
from core.events import RequestFinished
from tests.api.journalled import database, finished, recorded
from tests.api.mixed import PROJECTS, mixed

END = 1_795_424_400_000 // DAY_MS * DAY_MS + DAY_MS
BEGIN = END - 3 * DAY_MS


@pytest.fixture
async def engine(tmp_path):
    engine = open_engine(database(tmp_path))
    yield engine
    await engine.dispose()


def record(engine, events: list[RequestFinished]) -> None:
    recorded(engine.url.set(drivername="sqlite").render_as_string(), events)


def plain(events: list[RequestFinished]) -> Figures:
    """What whole requests add up to, each at its own row; what limits count is `test_windows.py`'s matter."""
    successes = [event for event in events if event.status == "success"]
    return Figures(
        requests=len(events),
        errors=sum(event.status in ("error", "timeout") for event in events),
        refused=sum(event.status in ("budget_exceeded", "rejected") for event in events),
        cancelled=sum(event.status == "cancelled" for event in events),
        latency_ms=sum(round(event.latency_ms) for event in successes),
    )


def told(figures: Figures) -> Figures:
    return Figures(**{name: getattr(figures, name) for name in ("requests", "errors", "refused", "cancelled", "latency_ms")})


@pytest.mark.parametrize("span_ms", [HOUR_MS, DAY_MS])
@pytest.mark.parametrize(
    "narrowed", [{}, {"projects": ("a",)}, {"tokens": ("t",)}, {"projects": ("b",), "models": ("m1",)}], ids=str
)
async def test_points_and_groups_are_sums_of_the_requests_meant(engine, span_ms, narrowed):
    events = mixed(600, END - 1, 3 * DAY_MS)
    record(engine, events)
    question = Question(from_ms=BEGIN, to_ms=END, span_ms=span_ms, by=("project", "model"), **narrowed)
    meant = [
        event
        for event in events
        if event.at_ms + event.admitted_ms >= BEGIN
        and event.project in narrowed.get("projects", PROJECTS)
        and event.token in narrowed.get("tokens", (event.token,))
        and ("models" not in narrowed or event.model in narrowed["models"])
    ]
    by_span: dict[int, list[RequestFinished]] = {}
    by_key: dict[tuple[str, str], list[RequestFinished]] = {}
    for event in meant:
        by_span.setdefault((event.at_ms + event.admitted_ms) // span_ms * span_ms, []).append(event)
        by_key.setdefault((event.project, event.model or ""), []).append(event)
    points = await usage.points(engine, question)
    assert {start: told(point) for start, point in points.items() if point.requests} == {
        start: plain(found) for start, found in by_span.items()
    }
    groups = await usage.groups(engine, question)
    assert {key: told(group) for key, group in groups.items() if group.requests} == {
        key: plain(found) for key, found in by_key.items()
    }
    spread = await usage.group_points(engine, question)
    assert {key: sum(point.cost_nano_usd for point in found.values()) for key, found in spread.items()} == {
        key: group.cost_nano_usd for key, group in groups.items()
    }
    assert sum(point.calls for point in points.values()) == sum(group.calls for group in groups.values())


async def test_every_rollup_tells_the_same(engine):
    record(engine, mixed(400, END - 1, 3 * DAY_MS))
    asked = Question(from_ms=BEGIN, to_ms=END, span_ms=HOUR_MS)
    with_tokens = await usage.points(engine, Question(from_ms=BEGIN, to_ms=END, span_ms=HOUR_MS, tokens=("t", "u")))
    assert await usage.points(engine, asked) == with_tokens
    days = await usage.points(engine, Question(from_ms=BEGIN, to_ms=END, span_ms=DAY_MS))
    assert sum(point.cost_nano_usd for point in days.values()) == sum(p.cost_nano_usd for p in with_tokens.values())
    by_day = await usage.by_day(engine, ["a", "b", "nobody"], END - 1, 3)
    assert by_day["nobody"] == [Day()] * 3
    calls = [sum(by_day[slug][day].calls for slug in by_day) for day in range(3)]
    assert calls == [days[BEGIN + day * DAY_MS].calls if BEGIN + day * DAY_MS in days else 0 for day in range(3)]
    ranked = await usage.today_of_all(engine, "calls", END - 1)
    assert ranked == {slug: by_day[slug][-1].calls for slug in ("a", "b")}


async def test_latencies_are_those_of_successes_in_classes_that_double(engine):
    times = [50.0, 100.0, 100.4, 3_000.0, 60_000.0]
    events = [finished(number, at_ms=BEGIN, latency_ms=time, first_byte_ms=10.0) for number, time in enumerate(times)]
    record(engine, [*events, finished(9, at_ms=BEGIN, status="error", latency_ms=9_999.0)])
    (found,) = (await usage.points(engine, Question(from_ms=BEGIN, to_ms=END, span_ms=DAY_MS))).values()
    assert (found.timed, found.latency_ms, found.first_byte_ms, found.first_bytes) == (5, 63_250, 50, 5)
    assert found.latency_classes == (2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1)
    assert found.latency_at(0.4) == 100
    assert found.latency_at(0.6) == 200
    assert found.latency_at(0.8) == 3_200
    assert found.latency_at(0.99) == LATENCY_BOUNDS_MS[-1]
    assert NOTHING.latency_at(0.5) is None


async def test_a_token_says_when_it_was_used_last(engine):
    record(
        engine, [finished(1, at_ms=BEGIN + 5), finished(2, at_ms=BEGIN + 2), finished(3, at_ms=BEGIN, token="u", project="b")]
    )
    record(engine, [finished(4, at_ms=BEGIN + 1)])
    assert await usage.last_used(engine, "a", ["t", "u"]) == {"t": BEGIN + 5}
    assert await usage.last_used(engine, "b", ["u"]) == {"u": BEGIN}


def test_rows_of_tokens_add_up_by_model():
    figures = tuple(range(len(USAGE_FIGURES)))
    hours = [("a", HOUR_MS, "t", "m", *figures), ("a", 2 * HOUR_MS, "u", "m", *figures), ("a", HOUR_MS, "t", "", *figures)]
    assert by_model(hours, DAY_MS) == [(0, "a", "m", *(2 * figure for figure in figures)), (0, "a", "", *figures)]
    assert len(by_model(hours, HOUR_MS)) == 3


HOURS = {"from_ms": BEGIN, "to_ms": END, "span_ms": HOUR_MS}


@pytest.mark.parametrize(
    ("asked", "seeks"),
    [
        (HOURS | {"projects": ("a",)}, "usage_by_hour USING PRIMARY KEY (start_ms=? AND project=?)"),
        (HOURS | {"span_ms": DAY_MS}, "usage_by_day USING PRIMARY KEY (start_ms>? AND start_ms<?)"),
        (
            HOURS | {"projects": ("a",), "tokens": ("t",)},
            "usage_hourly USING PRIMARY KEY (project=? AND hour_ms>? AND hour_ms<?)",
        ),
        (HOURS | {"tokens": ("t",)}, "usage_hourly USING INDEX ix_usage_hourly_hour_ms (hour_ms>? AND hour_ms<?)"),
    ],
    ids=["a project", "all by day", "a token", "a token of any project"],
)
async def test_no_question_walks_a_whole_rollup(engine, asked, seeks):
    question = Question(**asked)
    table, start = usage._rollup(question)
    statement = usage._asked(question, table, [], start)
    async with engine.connect() as connection:
        text = str(statement.compile(engine.sync_engine, compile_kwargs={"literal_binds": True}))
        plan = [row[-1] for row in await connection.exec_driver_sql("EXPLAIN QUERY PLAN " + text)]
    assert f"SEARCH {seeks}" in plan
