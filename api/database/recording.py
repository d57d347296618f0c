"""What one batch of finished requests writes: rows, traces, rollups, spans and the journal's position, in one transaction.

A batch goes in by few statements of many rows each, not by `executemany`: that gives the interpreter's lock away at every row,
and beside a busy event loop waits 5 ms each time to get it back (500 rows: 3.9 s instead of 38 ms, measured).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Table

from api.database import alerts, tables
from api.database.alerts import Alert
from api.database.bookings import DAY_MS, HOUR_MS, Booking, by_hour, by_model, last_used, shares
from api.database.checkpoints import Checkpoints
from api.database.engine import open_sqlite, sqlite_path, translated
from api.database.request_logs import LogRow
from api.database.windows import Run, sqlite_run

SPAN_ROWS = 2_000
_MOST_ROWS = 128  # in one statement
_JOURNAL = "local"
_ROW_COLUMNS = (*LogRow.__struct_fields__, "admitted_ms", "shares")

_T = TypeVar("_T")

_encode = msgspec.json.encode


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far the journal is recorded; the anchor is where its last record began, with the checksum it had."""

    position: int = 0
    anchor_position: int = 0
    anchor_crc: int = 0
    log_position: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with the trace and the booking that belong to each, and the mark after them."""

    rows: list[LogRow]
    bodies: list[bytes]
    bookings: list[Booking]
    mark: Mark


class Raised(msgspec.Struct, frozen=True):
    """Alerts to be written, each to be delivered to these URLs."""

    alerts: Sequence[Alert] = ()
    receivers: Sequence[str] = ()


_NOTHING_RAISED = Raised()


class SqliteRecords:
    """The recorder's side of a SQLite database: one connection, used by one thread at a time."""

    def __init__(self, url: str) -> None:
        self._path = sqlite_path(url)
        self._connection: sqlite3.Connection | None = None
        self._checkpoints: Checkpoints | None = None
        self._span: int | None = None  # first position of the span that is still growing
        self._span_rows = 0

    def open(self) -> Mark:
        """Connect and return the mark. Raises DatabaseUnavailable."""
        with translated():
            self._connection = open_sqlite(self._path)
            columns = ", ".join(Mark.__struct_fields__)
            statement = f"SELECT {columns} FROM recorder_position WHERE journal = ?"  # noqa: S608  # names of ours
            found = self._connection.execute(statement, (_JOURNAL,)).fetchone()
        return Mark(**dict(zip(Mark.__struct_fields__, found, strict=True))) if found else Mark()

    def close(self) -> None:
        """Close the connection."""
        if self._checkpoints is not None:
            self._checkpoints.close()
            self._checkpoints = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def commit(self, batch: Batch, raising: Callable[[], Raised] = lambda: _NOTHING_RAISED) -> list[Alert]:
        """Write all of the batch or nothing, with what `raising` gives once its rows are in; returns the alerts that are new.

        Raises RequestKnown (then `raising` was not asked) and DatabaseUnavailable.
        """
        try:
            with self._transaction() as connection:
                self._write(connection, batch)
                raised = raising()
                return alerts.insert(connection, raised.alerts, raised.receivers)
        except BaseException:
            self._span = None  # whatever it was, the next batch begins another
            raise

    def write_alerts(self, raised: Raised) -> list[Alert]:
        """Write alerts that no batch raised; returns those that are new. Raises DatabaseUnavailable."""
        with self._transaction() as connection:
            return alerts.insert(connection, raised.alerts, raised.receivers)

    def read(self, ask: Callable[[Run], _T]) -> _T:
        """What `ask` finds, all of one moment. Raises DatabaseUnavailable."""
        with self._transaction("BEGIN") as connection:
            return ask(sqlite_run(connection))

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        connection = self._connected()
        with translated():
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        if begin != "BEGIN":
            self._checkpoints = self._checkpoints or Checkpoints(self._path)
            self._checkpoints.written(connection)

    def known(self, request_ids: Sequence[str]) -> set[str]:
        """Those of these requests that have a row. Raises DatabaseUnavailable."""
        marks = ", ".join("?" * len(request_ids))
        statement = f"SELECT request_id FROM request_logs WHERE request_id IN ({marks})"  # noqa: S608  # only placeholders
        with translated():
            return {found for (found,) in self._connected().execute(statement, request_ids)}

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            with translated():
                self._connection = open_sqlite(self._path)
        return self._connection

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        if batch.rows:
            rows = zip(batch.rows, batch.bookings, strict=True)
            _insert(connection, tables.request_logs, _ROW_COLUMNS, (_values(row, booking) for row, booking in rows))
            bodies = ((row.position, row.at_ms, body) for row, body in zip(batch.rows, batch.bodies, strict=True))
            _insert(connection, tables.traces, ("position", "at_ms", "body"), bodies)
            hourly = by_hour(batch.rows, batch.bookings)
            _insert(connection, tables.usage_hourly, _columns(tables.usage_hourly), hourly, _ADD_HOURLY)
            for table, span_ms in ((tables.usage_by_hour, HOUR_MS), (tables.usage_by_day, DAY_MS)):
                _insert(connection, table, _columns(table), by_model(hourly, span_ms), _ADD[table.name])
            _insert(connection, tables.tokens_used, _columns(tables.tokens_used), last_used(batch.rows), _LAST)
            self._extend_span(connection, batch)
        mark = (_JOURNAL, *msgspec.structs.astuple(batch.mark))
        _insert(connection, tables.recorder_position, ("journal", *Mark.__struct_fields__), [mark], _MOVE)

    def _extend_span(self, connection: sqlite3.Connection, batch: Batch) -> None:
        instants = [row.at_ms for row in batch.rows]
        last, earliest = batch.rows[-1].position, min(instants)
        latest = max(*instants, *(booking.at_ms for booking in batch.bookings))
        size = sum(map(len, batch.bodies))
        if self._span is not None and self._span_rows < SPAN_ROWS:
            figures = (last, earliest, earliest, latest, latest, size, self._span)
            if connection.execute(_EXTEND_SPAN, figures).rowcount:  # none when retention took the span away
                self._span_rows += len(batch.rows)
                return
        self._span, self._span_rows = batch.rows[0].position, len(batch.rows)
        _insert(connection, tables.log_spans, _columns(tables.log_spans), [(self._span, last, earliest, latest, size)])


def _values(row: LogRow, booking: Booking) -> tuple[Any, ...]:
    values = msgspec.structs.astuple(row)
    labels = _encode(row.labels).decode() if row.labels else "{}"
    return (*values[:-1], labels, booking.at_ms - row.at_ms, shares(row, booking))


def _columns(table: Table) -> tuple[str, ...]:
    return tuple(table.columns.keys())


def _insert(
    connection: sqlite3.Connection, table: Table, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], conflict: str = ""
) -> None:
    left = list(rows)
    size = _MOST_ROWS
    while left:
        # Halving sizes keep the number of distinct statements small: all of them stay prepared.
        while size > len(left):
            size //= 2
        connection.execute(_insert_statement(table.name, columns, size, conflict), list(chain.from_iterable(left[:size])))
        left = left[size:]


@cache
def _insert_statement(table: str, columns: tuple[str, ...], rows: int, conflict: str) -> str:
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values} {conflict}"  # noqa: S608  # names of our own tables


def _upsert(table: Table, keys: int, change: str) -> str:
    columns = _columns(table)
    changes = ", ".join(change.format(table=table.name, column=column) for column in columns[keys:])
    return f"ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {changes}"


_SUM = "{column} = {table}.{column} + excluded.{column}"
_ADD_HOURLY = _upsert(tables.usage_hourly, 4, _SUM)
_ADD = {table.name: _upsert(table, 3, _SUM) for table in (tables.usage_by_hour, tables.usage_by_day)}
_LAST = _upsert(
    tables.tokens_used,
    2,
    "{column} = CASE WHEN {table}.{column} > excluded.{column} THEN {table}.{column} ELSE excluded.{column} END",
)
_MOVE = _upsert(tables.recorder_position, 1, "{column} = excluded.{column}")
_EXTEND_SPAN = (
    "UPDATE log_spans SET last_position = ?, min_at_ms = CASE WHEN min_at_ms < ? THEN min_at_ms ELSE ? END,"
    " max_at_ms = CASE WHEN max_at_ms > ? THEN max_at_ms ELSE ? END, trace_bytes = trace_bytes + ? WHERE first_position = ?"
)
