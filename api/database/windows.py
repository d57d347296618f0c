"""What a scope used in a window, exactly, from what is recorded: hourly rollups where whole hours do, log rows where not.

Every calendar window is a run of whole hours. A rolling one begins inside an hour: of that hour alone rows are read, or, where
each instant matters, rows of all of it. What retention has deleted of the rows is made up for from the rollups, at the end of
its hour: later than it was, so a limit is never given room that it does not have.

All of it is asked through `run`, in one transaction of the caller's, so that it belongs to one position of the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.database.bookings import HOUR_MS, read_shares
from api.database.tables import has_shares, log_spans, recorder_position, request_logs, usage_hourly
from core.fields import CalendarWindow
from core.limits import Amounts, Scope, Window
from core.limits.amounts import NOTHING, added, amounts, taken
from core.limits.rolling import MAX_INSTANTS
from core.limits.windows import calendar_bounds

Run: TypeAlias = Callable[[Select[Any]], Sequence[Any]]
Instants: TypeAlias = list[tuple[int, Amounts]]

_logs, _hours, _spans = request_logs.c, usage_hourly.c, log_spans.c
_ROLLUP_SUMS = [
    func.coalesce(func.sum(_hours[name]), 0) for name in ("cost_nano_usd", "calls", "input_tokens", "output_tokens")
]
_INSTANT = _logs.at_ms + _logs.admitted_ms
_CALLS = case((_logs.status == literal_column("'success'"), 1), else_=0)
_ROW_SUMS = [
    func.coalesce(func.sum(column), 0) for column in (_logs.cost_nano_usd, _CALLS, _logs.input_tokens, _logs.output_tokens)
]


def sqlite_run(connection: sqlite3.Connection) -> Run:
    """Ask over a plain SQLite connection."""

    def run(statement: Select[Any]) -> Sequence[Any]:
        text = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        # The driver would take the colons of a text for its own placeholders only where there are parameters: there are none.
        return connection.execute(str(text)).fetchall()

    return run


async def with_run(engine: AsyncEngine, ask: Callable[[Run], Any]) -> Any:
    """What `ask` finds in one reading transaction."""

    async def asked(connection: AsyncConnection) -> Any:
        return await connection.run_sync(lambda plain: ask(lambda statement: plain.execute(statement).all()))

    async with engine.connect() as connection:
        return await asked(connection)


def recorded_position(run: Run, journal: str = "local") -> int:
    """The journal position up to which everything is in the database."""
    found = run(select(recorder_position.c.position).where(recorder_position.c.journal == journal))
    return int(found[0][0]) if found else 0


def newest_instant(run: Run) -> int | None:
    """The latest arrival or admission that is recorded; None before the first."""
    ((newest,),) = run(select(func.max(_spans.max_at_ms)))
    return None if newest is None else int(newest)


def calendar_use(run: Run, scope: Scope, start_ms: int, end_ms: int | None = None) -> Amounts:
    """What was used from one full hour to another, the end left out; to no end where it is None."""
    statement = select(*_ROLLUP_SUMS).where(*_rollups_of(scope), _hours.hour_ms >= start_ms)
    if end_ms is not None:
        statement = statement.where(_hours.hour_ms < end_ms)
    return _amounts(run(statement)[0])


def calendar_balance(run: Run, scope: Scope, window: CalendarWindow, now_ms: int) -> Instants:
    """Use since the start of the window at `now_ms`, as the ledger takes it: this window's, and apart what comes after it."""
    start, end = calendar_bounds(window, now_ms)
    found = ((start, calendar_use(run, scope, start, end)), (end, calendar_use(run, scope, end)))
    return [(at_ms, used) for at_ms, used in found if used != NOTHING]


def calendar_uses(run: Run, window: CalendarWindow, now_ms: int) -> dict[tuple[str, str, str], Amounts]:
    """Use in the window at `now_ms` by (project, token, model), "" for what no model has: for all scopes in one question."""
    start, end = calendar_bounds(window, now_ms)
    return uses_since(run, start, end)


def uses_since(run: Run, start_ms: int, end_ms: int | None = None) -> dict[tuple[str, str, str], Amounts]:
    """The same in whole hours: from that of `start_ms` on, up to `end_ms` where it is given."""
    keys = (_hours.project, _hours.token, _hours.model)
    statement = select(*keys, *_ROLLUP_SUMS).where(_hours.hour_ms >= start_ms - start_ms % HOUR_MS).group_by(*keys)
    if end_ms is not None:
        statement = statement.where(_hours.hour_ms < end_ms)
    return {(project, token, model): _amounts(figures) for project, token, model, *figures in run(statement)}


def rolling_use(run: Run, scope: Scope, window_ms: int, now_ms: int) -> Amounts:
    """What was used in the last `window_ms`, its start inside it: one hour's rows at most, and rollups."""
    first = now_ms - window_ms
    hour = first - first % HOUR_MS
    whole = calendar_use(run, scope, hour + HOUR_MS)
    if first == hour:
        return added(whole, calendar_use(run, scope, hour, hour + HOUR_MS))
    rows = _from_rows(run, scope, hour, hour + HOUR_MS)
    gone = taken(calendar_use(run, scope, hour, hour + HOUR_MS), _sum(used for _, used in rows))
    return added(added(whole, gone), _sum(used for at_ms, used in rows if at_ms >= first))


def rolling_balance(run: Run, scope: Scope, window_ms: int, now_ms: int, most: int = MAX_INSTANTS) -> Instants:
    """What was used in the last `window_ms`, by instant of admission.

    Exact to the millisecond up to `most` distinct instants; beyond, neighbours within a thousandth of the window are merged
    into the later one.
    """
    first = now_ms - window_ms
    hour = first - first % HOUR_MS
    found = _from_rows(run, scope, hour, None, window_ms, most)
    by_hour: dict[int, Amounts] = {}
    for at_ms, used in found:
        start = at_ms - at_ms % HOUR_MS
        by_hour[start] = added(by_hour.get(start, NOTHING), used)
    for start, used in _rollups_by_hour(run, scope, hour):
        gone = taken(used, by_hour.get(start, NOTHING))
        if gone != NOTHING:
            found.append((max(min(start + HOUR_MS - 1, now_ms), start), gone))
    return merged([each for each in found if each[0] >= first], window_ms // 1000, most)


def balance(run: Run, scope: Scope, window: Window, now_ms: int) -> Instants:
    """What a count of this scope in this window begins with."""
    if isinstance(window, int):
        return rolling_balance(run, scope, window, now_ms)
    return calendar_balance(run, scope, window, now_ms)


def window_use(run: Run, scope: Scope, window: Window, now_ms: int) -> Amounts:
    """What was used in the window at an instant."""
    if isinstance(window, int):
        return rolling_use(run, scope, window, now_ms)
    return calendar_use(run, scope, *calendar_bounds(window, now_ms))


def merged(found: Instants, span_ms: int, most: int) -> Instants:
    """The same use at no more instants than `most`, where merging neighbours within `span_ms` can do that; ascending. Pure."""
    sums: dict[int, Amounts] = {}
    for at_ms, used in sorted(found):
        sums[at_ms] = added(sums.get(at_ms, NOTHING), used)
    if len(sums) <= most:
        return list(sums.items())
    merged: Instants = []
    first = 0
    for at_ms, used in sums.items():
        if merged and at_ms - first <= span_ms:
            merged[-1] = (at_ms, added(merged[-1][1], used))
        else:
            first = at_ms
            merged.append((at_ms, used))
    return merged


# --- rollups ---


def _rollups_of(scope: Scope) -> list[ColumnElement[bool]]:
    # All models' rows together are the totals, those that belong to no model ("") among them.
    parts = ((_hours.project, scope.project), (_hours.token, scope.token), (_hours.model, scope.model))
    return [column == value for column, value in parts if value]


def _rollups_by_hour(run: Run, scope: Scope, start_ms: int) -> Iterable[tuple[int, Amounts]]:
    statement = select(_hours.hour_ms, *_ROLLUP_SUMS).where(*_rollups_of(scope), _hours.hour_ms >= start_ms)
    return [(hour_ms, _amounts(figures)) for hour_ms, *figures in run(statement.group_by(_hours.hour_ms))]


# --- rows ---


def _from_rows(
    run: Run, scope: Scope, start_ms: int, end_ms: int | None, window_ms: int = HOUR_MS, most: int | None = None
) -> Instants:
    """Use by instant of admission, of the rows that are still there."""
    placed = _placed(run, start_ms, end_ms)
    if placed is None:
        return []
    owners = [column == value for column, value in ((_logs.project, scope.project), (_logs.token, scope.token)) if value]
    return [*_plain(run, scope, [*placed, *owners], window_ms, most), *_shared(run, scope, [*placed, *owners])]


def _placed(run: Run, start_ms: int, end_ms: int | None) -> list[ColumnElement[bool]] | None:
    """Rows admitted between two instants, with the positions between which they all lie; None: there are none."""
    ((low,),) = run(select(func.min(_spans.first_position)).where(_spans.max_at_ms >= start_ms))
    if low is None:
        return None
    conditions = [_logs.position >= low, start_ms <= _INSTANT]
    if end_ms is not None:
        ((high,),) = run(select(func.max(_spans.last_position)).where(_spans.min_at_ms < end_ms))
        if high is None:
            return None
        conditions += [_logs.position <= high, end_ms > _INSTANT]
    return conditions


def _plain(run: Run, scope: Scope, where: list[ColumnElement[bool]], window_ms: int, most: int | None) -> Instants:
    """Rows that are booked at what their columns say."""
    conditions = [*where, ~has_shares]
    if scope.model:
        conditions.append(_logs.model == scope.model)
    statement = select(_INSTANT.label("instant"), *_ROW_SUMS).where(and_(*conditions)).group_by(literal_column("instant"))
    rows = run(statement if most is None else statement.limit(most + 1))
    if most is not None and len(rows) > most:
        # Summed by the database, within a thousandth of the window and within an hour, which is what rollups are compared by.
        span = max(1, window_ms // 1000)
        groups = (_INSTANT // HOUR_MS, _INSTANT // span)
        rows = run(select(func.max(_INSTANT), *_ROW_SUMS).where(and_(*conditions)).group_by(*groups))
    found = [(at_ms, _amounts(figures)) for at_ms, *figures in rows]
    return [(at_ms, used) for at_ms, used in found if used != NOTHING]


def _shared(run: Run, scope: Scope, where: list[ColumnElement[bool]]) -> Instants:
    """Rows of several models, or of calls that were given back or kept: few."""
    rows = run(select(_INSTANT, _logs.shares).where(and_(*where, has_shares)))
    found = [(at_ms, read_shares(text, scope.model)) for at_ms, text in rows]
    return [(at_ms, used) for at_ms, used in found if used != NOTHING]


def _amounts(figures: Sequence[Any]) -> Amounts:
    cost, calls, into, out = figures
    return amounts(int(cost), int(calls), int(into), int(out))


def _sum(found: Iterable[Amounts]) -> Amounts:
    total = NOTHING
    for used in found:
        total = added(total, used)
    return total
