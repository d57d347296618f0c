"""Journal records to log rows. Pure; decodes only what a row holds, and leaves the rest of the event to its trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias, cast

import msgspec

from api.database.bookings import Booking
from api.database.request_logs import LogRow
from core.events import CallType, RequestFinished, Status
from core.limits import booked

_ADMITTED = b'{"event":"admitted"'
# What every database's 64-bit integers can add up without overflowing.
_Amount: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: _Amount = 0
    output_tokens: _Amount = 0
    cached_input_tokens: _Amount = 0
    cache_write_5m_tokens: _Amount = 0
    cache_write_1h_tokens: _Amount = 0
    reasoning_tokens: _Amount = 0
    estimated: bool = False


class _Attempt(msgspec.Struct, frozen=True):
    status: str
    model: str = ""
    usage: _Usage | None = None
    cost_nano_usd: _Amount | None = None


class _Finished(msgspec.Struct, frozen=True, tag_field="event", tag="finished"):
    """`core.events.RequestFinished` without facts, decision and content, which a row does not hold."""

    id: str
    at_ms: _Amount
    project: str
    token: str
    revision: str
    status: Status
    http_status: _Amount
    call_type: CallType = "completion"
    cause: str = ""
    dialect: str = "openai_chat"
    stream: bool = False
    model: str | None = None
    provider: str | None = None
    error_code: str = ""
    error: str = ""
    admitted_ms: _Amount = 0
    usage: _Usage | None = None
    cost_nano_usd: _Amount | None = None
    reserved_cost_nano_usd: _Amount | None = None
    latency_ms: float = 0.0
    first_byte_ms: float | None = None
    labels: dict[str, str] = {}
    attempts: tuple[_Attempt, ...] = ()


_decode = msgspec.json.Decoder(_Finished).decode


class Read(msgspec.Struct):
    """Rows, each with the event it was made from and what that counts for; the index after the last record looked at."""

    rows: list[LogRow]
    bodies: list[bytes]
    bookings: list[Booking]
    records: int
    unreadable: int = 0  # records that are no event of a known kind


def read_rows(records: Sequence[tuple[int, bytes]], newest: int, most: int) -> Read:
    """At most `most` rows of these records, at the positions after `newest`. Only ends of requests give rows."""
    read = Read([], [], [], len(records))
    for index, (_, payload) in enumerate(records):
        if payload.startswith(_ADMITTED):
            continue
        if len(read.rows) == most:
            read.records = index
            break
        try:
            event = _decode(payload)
        except msgspec.MsgspecError:
            read.unreadable += 1
            continue
        read.rows.append(_row(event, newest + len(read.rows) + 1))
        read.bodies.append(payload)
        read.bookings.append(_booking(event))
    return read


def _booking(event: _Finished) -> Booking:
    # The same fields under the same names: what is booked is worked out by the very function that the ledger uses.
    totals, models = booked(cast("RequestFinished", event))
    return Booking(event.at_ms + event.admitted_ms, totals, models, event.reserved_cost_nano_usd)


def _row(event: _Finished, position: int) -> LogRow:
    usage = event.usage
    return LogRow(
        position=position,
        request_id=event.id,
        at_ms=event.at_ms,
        project=event.project,
        token=event.token,
        model=event.model,
        provider=event.provider,
        revision=event.revision,
        status=event.status,
        call_type=event.call_type,
        dialect=event.dialect,
        stream=event.stream,
        http_status=event.http_status,
        error_code=event.error_code,
        error=event.error,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cached_input_tokens=usage.cached_input_tokens if usage else None,
        cache_write_tokens=usage.cache_write_5m_tokens + usage.cache_write_1h_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        estimated=usage.estimated if usage else False,
        cost_nano_usd=event.cost_nano_usd,
        latency_ms=event.latency_ms,
        first_byte_ms=event.first_byte_ms,
        attempts=sum(attempt.status != "skipped" for attempt in event.attempts),
        cause=event.cause or None,
        labels=event.labels,
    )
