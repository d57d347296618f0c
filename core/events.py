"""The facts of a request, as the journal keeps them and everything else folds over them.

Two events a request: `RequestAdmitted` before the first upstream call, `RequestFinished` before the answer's last byte. Log
rows, usage, statistics, alerts and traces are all made from these and from nothing else. Instants are Unix milliseconds,
durations milliseconds, money nano-USD.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from core.facts import Facts
from core.money import Usage
from core.routing.decision import Decision

Status: TypeAlias = Literal["success", "budget_exceeded", "timeout", "rejected", "cancelled", "error"]
CallType: TypeAlias = Literal["completion", "embedding", "passthrough", "routing"]


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="event"):
    """Common to both: written as a JSON object whose `event` names its type."""

    id: str  # the trace id: a UUIDv7 as 32 hex digits, so ids sort by time
    at_ms: int


class RequestAdmitted(Event, frozen=True, tag="admitted"):
    """A request was let in and reserved for; without a later `RequestFinished` it is settled at its reserve."""

    project: str
    token: str
    revision: str
    call_type: CallType = "completion"
    cause: str = ""  # the request whose policy made this call
    dialect: str = "openai_chat"
    path: str = ""
    stream: bool = False
    admitted_ms: int = 0  # after its arrival: the instant whose windows it belongs to
    model: str = ""  # the one that is reserved for; written again, with a new reserve, when the request falls back to another
    reserved: dict[str, int] = {}  # metric -> amount at its reserve; cost in nano-USD
    spent: dict[str, dict[str, int]] = {}  # the same for models that were given up and cost something


class AttemptFinished(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One upstream call (or a candidate skipped for want of room, then without a start)."""

    model: str
    provider: str
    status: Status | Literal["skipped"]
    started_ms: float = 0.0  # after the request's arrival
    first_byte_ms: float | None = None
    first_content_ms: float | None = None
    ended_ms: float = 0.0
    http_status: int | None = None
    retry_after_ms: int | None = None  # how long a provider that answered 429 asked to be left alone, from the end on
    error: str = ""  # what went wrong, never with a credential in it
    usage: Usage | None = None
    cost_nano_usd: int | None = None


class RequestFinished(Event, frozen=True, tag="finished"):
    """A request's end, whatever it was. `at_ms` is its arrival; `latency_ms` later it was over."""

    project: str
    token: str
    revision: str
    status: Status
    http_status: int
    call_type: CallType = "completion"
    cause: str = ""  # the request whose policy made this call
    dialect: str = "openai_chat"
    path: str = ""
    stream: bool = False
    model: str | None = None  # the one that answered
    provider: str | None = None
    error_code: str = ""
    error: str = ""
    admitted_ms: int = 0  # after its arrival: the instant whose windows it belongs to
    usage: Usage | None = None
    cost_nano_usd: int | None = None  # None: the model has no price
    reserved_cost_nano_usd: int | None = None  # where the cost came out above this, the bill was above the bound
    latency_ms: float = 0.0
    first_byte_ms: float | None = None  # to the client's first byte
    labels: dict[str, str] = {}
    facts: Facts | None = None
    decision: Decision | None = None
    attempts: tuple[AttemptFinished, ...] = ()
    content: dict[str, Any] | None = None  # only where the project keeps message content


JournalEvent: TypeAlias = RequestAdmitted | RequestFinished
