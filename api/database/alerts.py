"""What limits had to say, as it is kept: written in the recorder's transaction, read by cursor, delivered from a table.

An alert's id is its cursor. Ids rise and are never given twice; there may be holes between them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database import tables
from api.database.engine import writing
from api.database.windows import Run
from core.fields import Metric

AlertKind: TypeAlias = Literal["share", "exhausted", "reset", "overrun"]

_alerts = tables.alerts.c
_due = tables.alert_deliveries.c


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One thing that a limit had to say, or a bill above its reserve (`overrun`: `value` is the reserve, `used` the bill).

    `project`, `token` and `model` are the scope, "" for all; `window` a calendar's name, a length in milliseconds, or "" for an
    overrun; `value` and `used` nano-USD for cost, else counts; `event` says the same once: it is raised once.
    """

    id: int = 0
    event: str
    kind: AlertKind
    at_ms: int
    project: str
    token: str
    model: str
    metric: Metric
    window: str
    start_ms: int
    reset_ms: int | None
    value: int
    used: int
    request_id: str | None = None
    revision: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that a receiver has not taken yet."""

    alert: Alert
    url: str
    attempts: int


_FIELDS = Alert.__struct_fields__
_COLUMNS = [_alerts[name] for name in _FIELDS]
_INSERT = (
    f"INSERT INTO alerts ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in _FIELDS[1:])})"  # noqa: S608  # names of our own table
    f" VALUES ({', '.join('?' * (len(_FIELDS) - 1))}) ON CONFLICT (event) DO NOTHING RETURNING id"
)
_DELIVER = "INSERT INTO alert_deliveries (alert, url, attempts, due_ms) VALUES (?, ?, 0, ?)"


def insert(connection: sqlite3.Connection, found: Iterable[Alert], receivers: Sequence[str]) -> list[Alert]:
    """Write alerts and what is to be delivered of them, inside a transaction; those that are there already are left out."""
    written: list[Alert] = []
    for alert in found:
        (row,) = connection.execute(_INSERT, msgspec.structs.astuple(alert)[1:]).fetchall() or [None]
        if row is None:
            continue
        written.append(msgspec.structs.replace(alert, id=row[0]))
        for url in dict.fromkeys(receivers):
            connection.execute(_DELIVER, (row[0], url, alert.at_ms))
    return written


def said(run: Run) -> list[Alert]:
    """Everything that is kept of what limits said, in the order in which it was said."""
    return [Alert(**dict(zip(_FIELDS, row, strict=True))) for row in run(select(*_COLUMNS).order_by(_alerts.id))]


async def page(
    engine: AsyncEngine,
    *,
    first: int,
    after: int | None = None,
    newest_first: bool = True,
    projects: Sequence[str] | None = None,
    kinds: Sequence[AlertKind] | None = None,
) -> tuple[list[Alert], bool]:
    """At most `first` alerts after the cursor, older ones if newest first, else newer ones; and whether more follow."""
    statement = select(*_COLUMNS).order_by(_alerts.id.desc() if newest_first else _alerts.id).limit(first + 1)
    if after is not None:
        statement = statement.where(_alerts.id < after if newest_first else _alerts.id > after)
    if projects is not None:
        statement = statement.where(_alerts.project.in_(projects))
    if kinds is not None:
        statement = statement.where(_alerts.kind.in_(kinds))
    async with engine.connect() as connection:
        found = [_alert(row) for row in await connection.execute(statement)]
    return found[:first], len(found) > first


async def bounds(engine: AsyncEngine) -> tuple[int, int]:
    """The ids of the oldest and the newest alert kept; (0, 0) without any."""
    async with engine.connect() as connection:
        oldest, newest = (await connection.execute(select(func.min(_alerts.id), func.max(_alerts.id)))).one()
    return oldest or 0, newest or 0


async def due(engine: AsyncEngine, now_ms: int, most: int) -> list[Delivery]:
    """The deliveries that are to be tried by now, the longest waiting first."""
    statement = (
        select(_due.url, _due.attempts, *_COLUMNS)
        .join_from(tables.alert_deliveries, tables.alerts, _alerts.id == _due.alert)
        .where(_due.due_ms <= now_ms)
        .order_by(_due.due_ms)
        .limit(most)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(statement)).all()
    return [Delivery(alert=_alert(row), url=row.url, attempts=row.attempts) for row in rows]


async def next_due_ms(engine: AsyncEngine) -> int | None:
    """When the next delivery is to be tried; None where all is over."""
    async with engine.connect() as connection:
        found: int | None = await connection.scalar(select(func.min(_due.due_ms)))
    return found


async def settle(engine: AsyncEngine, delivery: Delivery, *, due_ms: int | None, delivered_ms: int | None, error: str) -> None:
    """Note what became of an attempt: delivered, to be tried again at `due_ms`, or given up (neither)."""
    ours = (_due.alert == delivery.alert.id) & (_due.url == delivery.url)
    values: dict[str, Any] = {"due_ms": due_ms, "delivered_ms": delivered_ms, "error": error[:300] or None}
    async with writing(engine) as connection:
        await connection.execute(update(tables.alert_deliveries).where(ours).values(attempts=delivery.attempts + 1, **values))


async def remove_before(engine: AsyncEngine, before_ms: int) -> int:
    """Delete alerts raised before an instant, and their deliveries; return how many alerts."""
    async with writing(engine) as connection:
        old = select(_alerts.id).where(_alerts.at_ms < before_ms)
        await connection.execute(delete(tables.alert_deliveries).where(_due.alert.in_(old)))
        return (await connection.execute(delete(tables.alerts).where(_alerts.at_ms < before_ms))).rowcount


def _alert(row: Any) -> Alert:
    return Alert(**{name: row._mapping[name] for name in _FIELDS})
