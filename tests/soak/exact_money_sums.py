"""What was used, summed in four ways that share nothing but the data: journal, log rows, rollups and the ledger's counters.

A sum is five figures (cost in nano-USD, calls, input, output and total tokens) by scope.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from core.events import JournalEvent, RequestFinished
from core.layout import Layout
from core.limits import Amounts, Scope, booked
from core.limits.amounts import NOTHING, added, amounts
from proxy import checkpoint
from proxy.ledger import MemoryLedger
from tests.soak.exact_money_configuration import bill

Sums: TypeAlias = dict[Scope, Amounts]


def of_journal(events: Iterable[JournalEvent]) -> Sums:
    """The fold of the ends in the journal by the product's one rule of what is booked."""
    sums: Sums = defaultdict(lambda: NOTHING)
    for event in events:
        if isinstance(event, RequestFinished):
            totals, models = booked(event)
            _add(sums, event.project, event.token, "", totals)
            for model, used in models.items():
                _add(sums, event.project, event.token, model, used)
    return sums


def of_rows(data: Path) -> Sums:
    """The log rows, each with its shares where it has some."""
    sums: Sums = defaultdict(lambda: NOTHING)
    rows = _select(
        data,
        "SELECT project, token, model, status, coalesce(cost_nano_usd, 0), coalesce(input_tokens, 0), "
        "coalesce(output_tokens, 0), shares FROM request_logs",
    )
    for project, token, model, status, cost, into, out, shares in rows:
        if shares is None:
            used = amounts(cost, int(status == "success"), into, out)
            parts = {"": used, **({model: used} if model and used != NOTHING else {})}
        else:
            parts = {name: amounts(*four) for name, four in json.loads(shares).items()}
        for name, used in parts.items():
            _add(sums, project, token, name, used)
    return sums


def of_rollups(data: Path) -> Sums:
    """`usage_hourly`: its rows of models are theirs, and all of them together the totals."""
    sums: Sums = defaultdict(lambda: NOTHING)
    rows = _select(data, "SELECT project, token, model, cost_nano_usd, calls, input_tokens, output_tokens FROM usage_hourly")
    for project, token, model, *four in rows:
        _add(sums, project, token, "", amounts(*four))
        if model:
            _add(sums, project, token, model, amounts(*four))
    return sums


def of_wider_rollups(data: Path, table: str) -> Sums:
    """`usage_by_hour` or `usage_by_day`, which know no tokens."""
    sums: Sums = defaultdict(lambda: NOTHING)
    for project, model, *four in _select(
        data,
        f"SELECT project, model, cost_nano_usd, calls, input_tokens, output_tokens FROM {table}",
    ):
        used = amounts(*four)
        for scope in (Scope(), Scope(project), *((Scope("", "", model), Scope(project, "", model)) if model else ())):
            sums[scope] = added(sums[scope], used)
    return sums


def of_counters(data: Path, scopes: Iterable[Scope], now_ms: int) -> Sums:
    """The yearly counters of a stopped proxy, as its checkpoint keeps them."""
    kept = checkpoint.read(Layout(data).checkpoint)
    assert kept is not None
    assert kept.open == {}, "a request has no end"
    ledger = MemoryLedger.restore(json.loads(bytes(kept.ledger)))
    sums: Sums = {}
    for scope in scopes:
        usage = ledger.usage(scope, "yearly")
        used = [usage.used(now_ms, metric) for metric in range(5)]
        assert used == [usage.held(now_ms, metric) for metric in range(5)], f"something stays reserved in {scope}"
        assert not usage.pending(now_ms), f"{scope} still awaits what was used before"
        sums[scope] = (used[0], used[1], used[2], used[3], used[4])
    return sums


def differences(name: str, found: Sums, expected: Sums, scopes: Iterable[Scope] | None = None) -> list[str]:
    """Where two sums differ, in words."""
    return [
        f"{name}: {scope.owner}: {found.get(scope, NOTHING)} instead of {expected.get(scope, NOTHING)}"
        for scope in sorted(set(scopes) if scopes is not None else set(found) | set(expected))
        if found.get(scope, NOTHING) != expected.get(scope, NOTHING)
    ]


def wrong_bills(events: Iterable[JournalEvent]) -> list[str]:
    """Attempts whose cost is not what their usage comes to at the prices of the configuration."""
    return [
        f"{event.id}: {attempt.model} costs {attempt.cost_nano_usd} instead of {bill(attempt.model, attempt.usage)}"
        for event in events
        if isinstance(event, RequestFinished)
        for attempt in event.attempts
        if attempt.usage is not None and attempt.cost_nano_usd != bill(attempt.model, attempt.usage)
    ]


def _add(sums: Sums, project: str, token: str, model: str, used: Amounts) -> None:
    """Count it in the three scopes of its chain."""
    for scope in (Scope("", "", model), Scope(project, "", model), Scope(project, token, model)):
        sums[scope] = added(sums[scope], used)


def _select(data: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{Layout(data).database}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()
