"""What each recorded request counts for: in its totals and for each model, at the instant of its admission. Pure.

It is the ledger's own arithmetic (`core.limits.booked`), so that counters, rows and rollups are sums of the same figures. Most
requests are one call to one model that cost what their row says; only what differs from that is kept beside the row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from operator import add

import msgspec

from api.database.request_logs import LogRow
from api.database.tables import LATENCY_BOUNDS_MS, USAGE_FIGURES
from core.limits import Amounts
from core.limits.amounts import NOTHING, added, amounts, taken

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_CLASSES = USAGE_FIGURES.index("latency_class_0")
_TOTALS = ""  # no model has this id

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(dict[str, tuple[int, int, int, int]]).decode


class Booking(msgspec.Struct, frozen=True):
    """One request's use: `at_ms` is the instant of its admission, whose windows it belongs to; amounts as `core.limits`."""

    at_ms: int
    totals: Amounts
    models: Mapping[str, Amounts]
    reserved_cost: int | None = None  # nano-USD; None: nothing was reserved


def shares(row: LogRow, booking: Booking) -> str | None:
    """What a row's own columns do not say of its booking, as JSON; None where they say it all."""
    total = booking.totals
    if _of_columns(row) == total and booking.models == ({row.model: total} if row.model and total != NOTHING else {}):
        return None
    return _encode({_TOTALS: total[:4], **{model: used[:4] for model, used in booking.models.items()}}).decode()


def read_shares(text: str, model: str) -> Amounts:
    """What `shares` says of one model, or of the totals where `model` is "": nothing where it does not name it."""
    found = _decode(text).get(model)
    return NOTHING if found is None else amounts(*found)


def by_hour(rows: Iterable[LogRow], bookings: Iterable[Booking]) -> list[tuple[str | int, ...]]:
    """The rows of `usage_hourly` that these requests add up to, in the order of its columns.

    A model's row holds what was booked for it; "" holds what belongs to the totals alone, so that all of them add up to these.
    """
    sums: dict[tuple[str, int, str, str], list[int]] = {}
    for row, booking in zip(rows, bookings, strict=True):
        hour_ms = booking.at_ms - booking.at_ms % HOUR_MS
        rest = booking.totals
        for model, used in booking.models.items():
            rest = taken(rest, used)
            _book(_found(sums, row, hour_ms, model), used)
        if rest != NOTHING:
            _book(_found(sums, row, hour_ms, ""), rest)
        _describe(_found(sums, row, hour_ms, row.model or ""), row)
    return [(*key, *figures) for key, figures in sums.items()]


def by_model(hourly: Iterable[tuple[str | int, ...]], span_ms: int) -> list[tuple[str | int, ...]]:
    """Rows of `usage_hourly` added up over tokens and over spans of so many ms, in the order of `usage_by_hour`'s columns."""
    sums: dict[tuple[int, str, str], Iterable[int]] = {}
    for project, hour_ms, _, model, *figures in hourly:
        start_ms = int(hour_ms) - int(hour_ms) % span_ms
        key = (start_ms, str(project), str(model))
        found = sums.get(key)
        sums[key] = figures if found is None else list(map(add, found, figures))  # type: ignore[assignment]  # all are numbers
    return [(*key, *figures) for key, figures in sums.items()]


def last_used(rows: Iterable[LogRow]) -> list[tuple[str, str, int]]:
    """The newest arrival with each token: (project, token, Unix ms)."""
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.project, row.token)
        newest[key] = max(newest.get(key, 0), row.at_ms)
    return [(*key, at_ms) for key, at_ms in newest.items()]


def total_of(bookings: Iterable[Booking]) -> Amounts:
    """The totals of these requests together."""
    total = NOTHING
    for booking in bookings:
        total = added(total, booking.totals)
    return total


def _of_columns(row: LogRow) -> Amounts:
    calls = 1 if row.status == "success" else 0
    return amounts(row.cost_nano_usd or 0, calls, row.input_tokens or 0, row.output_tokens or 0)


def _found(sums: dict[tuple[str, int, str, str], list[int]], row: LogRow, hour_ms: int, model: str) -> list[int]:
    key = (row.project, hour_ms, row.token, model)
    found = sums.get(key)
    if found is None:
        found = sums[key] = [0] * len(USAGE_FIGURES)
    return found


def _book(figures: list[int], used: Amounts) -> None:
    cost, calls, into, out, _ = used
    figures[0] += calls
    figures[2] += into
    figures[3] += out
    figures[7] += cost


def _describe(figures: list[int], row: LogRow) -> None:
    """What is told of requests and is not part of any limit: whole rows, at the model that answered."""
    figures[9] += 1
    if row.status == "success":
        _time(figures, row)
    else:
        figures[1] += row.status in ("error", "timeout")
        figures[10] += row.status in ("budget_exceeded", "rejected")
        figures[11] += row.status == "cancelled"
    if row.input_tokens is not None:
        figures[4] += row.cached_input_tokens or 0
        figures[5] += row.cache_write_tokens or 0
        figures[6] += row.reasoning_tokens or 0
        figures[8] += row.cost_nano_usd is None


def _time(figures: list[int], row: LogRow) -> None:
    """How long a success took."""
    figures[12] += round(row.latency_ms)
    if row.first_byte_ms is not None:
        figures[13] += round(row.first_byte_ms)
        figures[14] += 1
    figures[_CLASSES + bisect_left(LATENCY_BOUNDS_MS, row.latency_ms)] += 1
