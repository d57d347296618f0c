"""Finished requests in a real journal and a real database, for the tests of what lies between them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from api.database.engine import sqlite_url
from api.database.migrate import migrate
from api.database.recording import Batch, Mark, SqliteRecords
from api.rows import read_rows
from core.events import AttemptFinished, RequestAdmitted, RequestFinished
from core.money import Usage
from proxy.journal import Journal

AT_MS = 1_790_000_000_000


def request_id(number: int) -> str:
    return f"{number:032x}"


def finished(number: int, **changes: Any) -> RequestFinished:
    """Request `number`: a success in project a unless said otherwise."""
    values: dict[str, Any] = {
        "id": request_id(number),
        "at_ms": AT_MS + number,
        "project": "a",
        "token": "t",
        "revision": "f" * 40,
        "status": "success",
        "http_status": 200,
        "model": "m",
        "provider": "simulated",
        "usage": Usage(input_tokens=10, output_tokens=5, cached_input_tokens=3, reasoning_tokens=2),
        "cost_nano_usd": 1_000,
        "latency_ms": 12.5,
    }
    values |= changes
    answered = AttemptFinished(
        model=values["model"] or "m",
        provider="p",
        status=values["status"],
        usage=values["usage"],
        cost_nano_usd=values["cost_nano_usd"] if values["usage"] is not None else None,
    )
    values.setdefault("attempts", (AttemptFinished(model="m0", provider="p", status="skipped"), answered))
    return RequestFinished(**values)


def encoded(*events: RequestFinished | RequestAdmitted) -> list[bytes]:
    return [msgspec.json.encode(event) for event in events]


def admitted(number: int) -> RequestAdmitted:
    return RequestAdmitted(id=request_id(number), at_ms=AT_MS + number, project="a", token="t", revision="f" * 40)


def journalled(folder: Path, events: Iterable[RequestFinished | RequestAdmitted], segment_bytes: int = 1 << 26) -> None:
    journal = Journal.open(folder, segment_bytes)
    for payload in encoded(*events):
        journal.append(payload)
    journal.close()


def database(folder: Path) -> str:
    """The URL of a new, migrated SQLite database."""
    path = folder / "waybill.sqlite3"
    path.write_bytes(_migrated())
    return sqlite_url(path)


@cache
def _migrated() -> bytes:
    """The file of an empty database: migrating once is enough for all tests of a run."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.sqlite3"
        migrate(sqlite_url(path))
        return path.read_bytes()


def recorded(url: str, events: Iterable[RequestFinished], batch_rows: int = 500) -> int:
    """Write events as the recorder does, without a journal, and return the newest position."""
    records = SqliteRecords(url)
    mark = records.open()
    payloads = [(0, payload) for payload in encoded(*events)]
    for start in range(0, len(payloads), batch_rows):
        read = read_rows(payloads[start : start + batch_rows], mark.log_position, batch_rows)
        mark = Mark(log_position=mark.log_position + len(read.rows))
        records.commit(Batch(rows=read.rows, bodies=read.bodies, bookings=read.bookings, mark=mark))
    records.close()
    return mark.log_position
