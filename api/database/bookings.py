"""What each recorded request counts for: in its totals and for each model, at the instant of its admission. Pure.

It is the ledger's own arithmetic (`core.limits.booked`), so that counters, rows and rollups are sums of the same figures. Most
requests are one call to one model that cost what their row says; only what differs from that is kept beside the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from api.database.request_logs import LogRow
from core.limits import Amounts
from core.limits.amounts import NOTHING, added, amounts, taken

HOUR_MS = 3_600_000
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
        found = sums[key] = [0] * 10
    return found


def _book(figures: list[int], used: Amounts) -> None:
    cost, calls, into, out, _ = used
    figures[0] += calls
    figures[2] += into
    figures[3] += out
    figures[7] += cost


def _describe(figures: list[int], row: LogRow) -> None:
    """What is told of requests and is not part of any limit: whole rows, at the model that answered."""
    figures[1] += row.status in ("error", "timeout")
    figures[9] += 1
    if row.input_tokens is not None:
        figures[4] += row.cached_input_tokens or 0
        figures[5] += row.cache_write_tokens or 0
        figures[6] += row.reasoning_tokens or 0
        figures[8] += row.cost_nano_usd is None
