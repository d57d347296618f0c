"""The tables, the migrations that make them, and the questions that are asked of them."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from api.database import request_logs, usage
from api.database.engine import open_engine, sqlite_path, sqlite_url, writing
from api.database.migrate import migrate
from api.database.request_logs import LogFilter, page_statement
from api.database.tables import metadata, sessions, users
from tests.api.journalled import AT_MS, database, finished, recorded, request_id


@pytest.fixture
def url(tmp_path):
    return database(tmp_path)


@pytest.fixture
async def engine(url):
    engine = open_engine(url)
    yield engine
    await engine.dispose()


def test_the_migrations_make_exactly_the_tables(tmp_path):
    url = sqlite_url(tmp_path / "new.sqlite3")
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(url):
    migrate(url)


def test_every_table_can_be_made_on_postgresql():
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=postgresql.dialect()))


def test_only_a_sqlite_file_has_a_path():
    with pytest.raises(ValueError, match="not the URL of a SQLite file"):
        sqlite_path("postgresql://localhost/waybill")


MIX = [
    finished(
        number,
        project="ab"[number % 2],
        token=f"t{number % 5}",
        model=None if number % 7 == 0 else f"m{number % 3}",
        status="error" if number % 11 == 0 else "timeout" if number % 13 == 0 else "success",
        labels={"team": "x"} if number % 4 == 0 else {},
        call_type="routing" if number % 9 == 0 else "completion",
        cause=request_id(number + 1) if number % 9 == 0 else "",
    )
    for number in range(1, 301)
]

FILTERS = [
    LogFilter(),
    LogFilter(projects=("a",)),
    LogFilter(projects=("a", "b")),
    LogFilter(projects=()),
    LogFilter(tokens=("t1", "t3")),
    LogFilter(models=("m1",)),
    LogFilter(models=("m1", "m2"), projects=("b",)),
    LogFilter(statuses=("error",)),
    LogFilter(statuses=("error", "timeout"), projects=("a",), tokens=("t2",)),
    LogFilter(statuses=("success", "error")),
    LogFilter(since_ms=AT_MS + 100, until_ms=AT_MS + 200),
    LogFilter(since_ms=AT_MS + 250, projects=("a",)),
    LogFilter(until_ms=AT_MS + 1),
    LogFilter(since_ms=AT_MS + 9_999),
    LogFilter(tokens=tuple(f"t{number}" for number in range(100))),
    LogFilter(call_types=("routing",)),
    LogFilter(call_types=("routing",), projects=("a",), models=("m0", "m1", "m2")),
    LogFilter(call_types=("embedding",)),
    LogFilter(causes=(request_id(10), request_id(19), request_id(300))),
    LogFilter(causes=(request_id(10),), projects=("b",), call_types=("routing",)),
    LogFilter(statuses=("success",), projects=("a",), tokens=("t1",), models=("m2",)),
]


@pytest.mark.parametrize("filter", FILTERS, ids=str)
@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_hold_what_the_filter_means_in_order_and_nothing_twice(url, engine, filter, newest_first):
    recorded(url, MIX, batch_rows=40)
    everything = (await request_logs.page(engine, LogFilter(), first=1_000, newest_first=newest_first)).rows
    expected = [row for row in everything if filter.matches(row)]
    found, after, more = [], None, True
    while more:
        page = await request_logs.page(engine, filter, first=17, after=after, newest_first=newest_first)
        found += page.rows
        more = page.has_more
        assert not more or len(page.rows) == 17
        after = page.cursor
    assert found == expected


@pytest.mark.parametrize("scanned", [7, 40, 100])
@pytest.mark.parametrize("filter", FILTERS, ids=str)
@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_page_of_a_rare_filter_ends_early_with_a_cursor_that_leads_on(
    url, engine, filter, newest_first, scanned, monkeypatch
):
    monkeypatch.setattr(request_logs, "SCANNED_ROWS", scanned)
    monkeypatch.setattr(request_logs, "WALKED_ROWS", scanned)
    recorded(url, MIX)
    everything = (await request_logs.page(engine, LogFilter(), first=1_000, newest_first=newest_first)).rows
    found, after, more, pages = [], None, True, 0
    while more:
        page = await request_logs.page(engine, filter, first=17, after=after, newest_first=newest_first)
        assert page.cursor != after or not page.has_more, "it goes on"
        found += page.rows
        more, after, pages = page.has_more, page.cursor, pages + 1
    assert found == [row for row in everything if filter.matches(row)]
    assert pages <= 300 // 17 + len(MIX) * 7 // scanned + 3


async def test_the_calls_of_policies_are_found_by_the_request_they_were_made_for(url, engine):
    recorded(url, MIX)
    found = await request_logs.caused_by(engine, [request_id(10), request_id(19), request_id(11)])
    assert {cause: [row.request_id for row in rows] for cause, rows in found.items()} == {
        request_id(10): [request_id(9)],
        request_id(19): [request_id(18)],
    }


async def test_a_page_stays_below_the_position_it_was_given(url, engine):
    recorded(url, MIX)
    page = await request_logs.page(engine, LogFilter(), first=5, after=7, newest_first=False, upto=10)
    assert ([row.position for row in page.rows], page.has_more) == ([8, 9, 10], False)


async def test_a_row_holds_what_the_event_said(url, engine):
    recorded(url, [finished(4, labels={"team": "x"}, stream=True, status="error", error_code="timeout", first_byte_ms=3.5)])
    row = await request_logs.one(engine, request_id(4))
    assert row is not None
    assert (row.position, row.request_id, row.at_ms, row.project, row.token) == (1, request_id(4), AT_MS + 4, "a", "t")
    assert (row.input_tokens, row.output_tokens, row.cached_input_tokens, row.reasoning_tokens) == (10, 5, 3, 2)
    assert (row.stream, row.estimated, row.error_code, row.first_byte_ms, row.labels) == (
        True,
        False,
        "timeout",
        3.5,
        {"team": "x"},
    )
    assert row.attempts == 1, "a skipped candidate is no upstream call"
    assert await request_logs.one(engine, request_id(5)) is None


async def test_traces_are_the_events_themselves(url, engine):
    import msgspec

    recorded(url, MIX)
    assert await request_logs.trace(engine, request_id(3)) == msgspec.json.encode(MIX[2])
    assert await request_logs.trace(engine, request_id(999)) is None
    assert sorted(await request_logs.traces_of(engine, [request_id(1), request_id(2), request_id(999)])) == [
        request_id(1),
        request_id(2),
    ]


async def test_todays_use_comes_from_the_rollups_alone(url, engine):
    day = AT_MS - AT_MS % usage.DAY_MS
    recorded(url, [finished(1, at_ms=day - 1), finished(2, at_ms=day), finished(3, at_ms=day + usage.HOUR_MS, status="error")])
    recorded(url, [finished(4, at_ms=day + 5, cost_nano_usd=None), finished(5, at_ms=day, usage=None, cost_nano_usd=None)])
    recorded(url, [finished(6, at_ms=day, project="b", model=None)])
    with sqlite3.connect(sqlite_path(url)) as connection:
        connection.execute("DELETE FROM request_logs")
    connection.close()
    used = await usage.today(engine, ["a", "b", "nobody"], day + 2 * usage.HOUR_MS)
    assert used["a"] == usage.Figures(
        calls=4,
        requests=4,
        errors=1,
        input_tokens=30,
        output_tokens=15,
        cached_input_tokens=9,
        reasoning_tokens=6,
        cost_nano_usd=2_000,
        unpriced_calls=1,
        latency_ms=36,
        latency_classes=(3, *[0] * 10),
    )
    assert (used["b"].calls, used["nobody"]) == (1, usage.NOTHING)


@pytest.mark.parametrize(
    ("filter", "index"),
    [
        (LogFilter(), "SCAN request_logs"),
        (LogFilter(projects=("a",)), "ix_request_logs_project_position (project=?"),
        (LogFilter(projects=("a",), models=("m1",)), "ix_request_logs_project_model_position (project=? AND model=?"),
        (LogFilter(tokens=("t1",), projects=("a",)), "ix_request_logs_project_token_position (project=? AND token=?"),
        (LogFilter(models=("m1", "m2")), "ix_request_logs_model_position (model=?"),
        (LogFilter(statuses=("error", "timeout")), "ix_request_logs_failed (status=?"),
        (LogFilter(causes=("x",)), "ix_request_logs_cause (cause=?"),
        (LogFilter(statuses=("error",), projects=("a", "b")), "ix_request_logs_project_failed (project=? AND status=?"),
    ],
    ids=str,
)
def test_every_page_walks_one_index_and_sorts_no_more_than_a_page(url, filter, index):
    recorded(url, MIX)
    engine = create_engine(url)
    with engine.connect() as connection:
        statement = page_statement(filter, None, 200, 51, True)
        text = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    engine.dispose()
    assert any(index in step or (index.startswith("SCAN") and "INTEGER PRIMARY KEY" in step) for step in plan), plan
    for number, step in enumerate(plan):
        # Only what the walks' own LIMIT let through is merged by sorting.
        assert "TEMP B-TREE" not in step or plan[number - 1].startswith("SCAN anon_"), plan


async def test_a_writer_waits_for_the_other_instead_of_failing(engine):
    """Both read before they write: without the lock taken first, one of them would be refused at once."""

    async def add(number: int) -> None:
        async with writing(engine) as connection:
            known = (await connection.execute(select(users.c.id))).all()
            await asyncio.sleep(0)
            row = {"id": f"{number}", "email": f"{number}@x", "role": "viewer", "created_at_ms": len(known)}
            await connection.execute(insert(users).values(row))

    await asyncio.gather(*(add(number) for number in range(8)))
    async with engine.connect() as connection:
        assert sorted((await connection.execute(select(users.c.created_at_ms))).scalars()) == list(range(8))


async def test_a_reader_does_not_wait_for_a_writer(url, engine):
    recorded(url, MIX[:10])
    async with writing(engine) as connection:
        await connection.execute(insert(users).values(id="u", email="u@x", role="viewer", created_at_ms=1))
        assert len((await asyncio.wait_for(request_logs.page(engine, LogFilter(), first=50), 2)).rows) == 10


_SESSION = {
    "id": "s",
    "sha256": b"x",
    "user_id": "nobody",
    "created_at_ms": 1,
    "rotated_at_ms": 1,
    "seen_at_ms": 1,
    "expires_at_ms": 2,
    "client": "",
    "agent": "",
}


async def test_a_transaction_that_fails_leaves_nothing(engine):
    async def add() -> None:
        async with writing(engine) as connection:
            await connection.execute(insert(users).values(id="u", email="u@x", role="viewer", created_at_ms=1))
            await connection.execute(insert(sessions).values(_SESSION))

    with pytest.raises(IntegrityError):
        await add()
    async with engine.connect() as connection:
        assert (await connection.execute(select(users.c.id))).all() == []
