"""What is old enough goes: rows and traces by age, traces by size, audit rows by age, journal segments once nobody
needs them.

Everything is deleted in small transactions with pauses, span by span (`log_spans`), so that no scan and no long lock is ever
needed; the hourly rollups stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import ColumnElement, Table, delete, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.audit import AuditTrail
from api.database import alerts
from api.database.engine import writing
from api.database.tables import log_spans, request_logs, traces
from api.people import retries
from core.config import Retention
from core.framing import segment_name, segment_starts

INTERVAL_S = 600.0
_CHUNK_ROWS = 500
_PAUSE_S = 0.02
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_ALERT_DAYS = 400
_MB = 1024 * 1024

_log = structlog.get_logger("retention")
_spans = log_spans.c


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What one run deleted. Rows and traces count positions, not what was left at them."""

    rows: int = 0
    traces: int = 0
    segments: int = 0
    alerts: int = 0
    audit: int = 0


class _Checkpoint(msgspec.Struct):
    """The proxy's checkpoint, as far as it concerns the journal's age."""

    position: int


class RetentionJob:
    """Deletes what `settings` no longer keep. `recorded` gives the recorder's position, `now_ms` the time."""

    def __init__(
        self,
        engine: AsyncEngine,
        journal: Path,
        checkpoint: Path,
        *,
        settings: Callable[[], Retention],
        recorded: Callable[[], int],
        now_ms: Callable[[], int],
    ) -> None:
        self.removed = Removed()  # by the last run
        self._engine = engine
        self._journal = journal
        self._checkpoint = checkpoint
        self._settings = settings
        self._recorded = recorded
        self._now_ms = now_ms

    async def run(self, interval_s: float = INTERVAL_S) -> None:
        """Run now and then every `interval_s` until cancelled; what fails is tried again the next time."""
        while True:
            try:
                await self.run_once()
            except (DBAPIError, OSError) as error:
                _log.error("retention could not finish; it is tried again", error=str(error))
            await asyncio.sleep(interval_s)

    async def run_once(self) -> Removed:
        """Delete all that is due. Raises sqlalchemy.exc.DBAPIError, OSError; what was deleted until then stays deleted."""
        settings = self._settings()
        now = self._now_ms()
        kept_from = now - settings.rows_days * _DAY_MS
        # A trace without its row could not be found any more: it goes with it.
        traced_from = max(kept_from, now - settings.traces_days * _DAY_MS)
        removed = Removed(
            traces=await self._remove_traces(traced_from, settings.traces_max_mb),
            rows=await self._remove_rows(kept_from),
            segments=await asyncio.to_thread(self._remove_segments, now - settings.journal_hours * _HOUR_MS),
            # What a limit has said of a window must be known for as long as the window lasts: a year, at the longest.
            alerts=await alerts.remove_before(self._engine, min(kept_from, now - _ALERT_DAYS * _DAY_MS)),
            audit=await AuditTrail(self._engine).remove(now - settings.audit_days * _DAY_MS),
        )
        await retries.remove_old(self._engine, now)
        self.removed = removed
        if removed != Removed():
            _log.info("retention", **msgspec.structs.asdict(removed))
        return removed

    async def _remove_traces(self, before_ms: int, most_mb: int | None) -> int:
        removed = 0
        for first, last, size in await self._spans_where((_spans.trace_bytes > 0) & (_spans.max_at_ms < before_ms)):
            removed += await self._remove_span_traces(first, last, size)
        while most_mb is not None and (excess := await self._trace_bytes() - most_mb * _MB) > 0:
            for first, last, size in await self._spans_where(_spans.trace_bytes > 0, most=100):
                removed += await self._remove_span_traces(first, last, size)
                excess -= size
                if excess <= 0:
                    break
        return removed

    async def _remove_span_traces(self, first: int, last: int, size: int) -> int:
        await self._remove_range(traces, first, last)
        async with writing(self._engine) as connection:
            # Less, not zero: the recorder may have added to the newest span meanwhile.
            left = update(log_spans).where(_spans.first_position == first).values(trace_bytes=_spans.trace_bytes - size)
            await connection.execute(left)
        return last - first + 1

    async def _remove_rows(self, before_ms: int) -> int:
        removed = 0
        for first, last, _ in await self._spans_where(_spans.max_at_ms < before_ms):
            await self._remove_range(traces, first, last)
            await self._remove_range(request_logs, first, last)
            async with writing(self._engine) as connection:
                # Only a span that has not grown since: what was recorded into it meanwhile is kept, with it.
                unchanged = (_spans.first_position == first) & (_spans.last_position == last)
                await connection.execute(delete(log_spans).where(unchanged))
            removed += last - first + 1
        return removed

    async def _remove_range(self, table: Table, first: int, last: int) -> None:
        position = table.c.position
        for start in range(first, last + 1, _CHUNK_ROWS):
            async with writing(self._engine) as connection:
                end = min(last, start + _CHUNK_ROWS - 1)
                await connection.execute(delete(table).where(position >= start, position <= end))
            await asyncio.sleep(_PAUSE_S)

    async def _spans_where(self, condition: ColumnElement[bool], most: int | None = None) -> list[tuple[int, int, int]]:
        columns = select(_spans.first_position, _spans.last_position, _spans.trace_bytes)
        async with self._engine.connect() as connection:
            found = await connection.execute(columns.where(condition).order_by(_spans.first_position).limit(most))
            return [(first, last, size) for first, last, size in found]

    async def _trace_bytes(self) -> int:
        async with self._engine.connect() as connection:
            return int(await connection.scalar(select(func.coalesce(func.sum(_spans.trace_bytes), 0))) or 0)

    def _remove_segments(self, before_ms: int) -> int:
        """Segments that ended before the recorder's and the proxy's position and were last written before this instant."""
        try:
            known = msgspec.json.decode(self._checkpoint.read_bytes(), type=_Checkpoint).position
        except (OSError, msgspec.MsgspecError):
            return 0  # nobody can say what the proxy still needs
        needed_from = min(known, self._recorded())
        starts = segment_starts(path.name for path in self._journal.iterdir()) if self._journal.is_dir() else []
        removed = 0
        # The last segment is the one being written: it has no following one, and stays.
        for start, following in pairwise(starts):
            segment = self._journal / segment_name(start)
            if following > needed_from or segment.stat().st_mtime_ns // 1_000_000 >= before_ms:
                break
            segment.unlink()
            removed += 1
        return removed
