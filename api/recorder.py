"""Journal to database, each finished request once: rows, traces, rollups and the journal's position in one transaction.

It holds nothing that the journal does not hold. Killed, or refused by the database, it goes on from the position that the last
transaction wrote; a request that it meets again, because the journal was cut back or replaced, is known by its id and left out.
All of its blocking work is done in one thread of its own, so the API's event loop only hands batches on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar
from zlib import crc32

import msgspec
import structlog
from asyncinotify import Inotify, Mask

from api.alerts.watch import LimitWatch
from api.database.bookings import Booking
from api.database.engine import DatabaseUnavailable, RequestKnown
from api.database.recording import Batch, Mark, Raised, SqliteRecords
from api.database.request_logs import LogRow
from api.rows import Read, read_rows
from api.tail import Chunk, JournalTail

COALESCE_S = 0.02
POLL_S = 1.0
BLIND_POLL_S = 0.1
BATCH_ROWS = 500
# While it catches up: room for other writers, whose wait for SQLite's lock is a series of looks, not a queue.
_BREATH_S = 0.005
_RETRY_S = (0.1, 0.3, 1.0, 2.0)

_RECORD_OVERHEAD = 10  # checksum, space and line feed around a payload

_T = TypeVar("_T")
_replace = msgspec.structs.replace
_log = structlog.get_logger("recorder")


class Recorder:
    """One journal's recorder. `await start()`, then `run()` as a task; `publish` gets each batch's rows after its commit.

    With a `watch`, what limits have to say is written in the same transaction; `alerted` is called when there is news of it.
    """

    def __init__(
        self,
        journal: Path,
        url: str,
        publish: Callable[[Sequence[LogRow]], object],
        watch: LimitWatch | None = None,
        alerted: Callable[[], object] = lambda: None,
    ) -> None:
        self.recorded_total = 0
        self.damaged_total = 0  # journal lines with a wrong checksum
        self.unreadable_total = 0  # sound records that are no event of a known kind
        self.lost_bytes_total = 0  # of journal segments deleted before they were recorded
        self.failing: str | None = None  # why nothing is recorded at present
        self._tail = JournalTail(journal)
        self._records = SqliteRecords(url)
        self._publish = publish
        self._watch_limits = watch
        self._alerted = alerted
        self._raised = 0  # alerts that nobody was told of yet
        self._mark = Mark()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    @property
    def position(self) -> int:
        """The journal is recorded up to here, committed."""
        return self._mark.position

    @property
    def newest(self) -> int:
        """The position of the newest log row; 0 before the first."""
        return self._mark.log_position

    @property
    def lag_bytes(self) -> int:
        """How much of the journal is not recorded yet."""
        return max(0, self._tail.end() - self._mark.position)

    async def start(self) -> int:
        """Read the mark and return the newest log row's position. Raises DatabaseUnavailable."""
        await self._in_thread(self._open)
        return self.newest

    async def run(self) -> None:
        """Record whatever the journal gets, until cancelled."""
        self._tail.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            inotify = self._watch(stack)
            while True:
                await self.catch_up()
                # Not looking for a moment lets the kernel merge the writes of a busy journal into one event.
                await asyncio.sleep(COALESCE_S)
                if inotify is None:
                    await asyncio.sleep(BLIND_POLL_S)
                    continue
                with suppress(TimeoutError):
                    await asyncio.wait_for(inotify.get(), POLL_S)

    def _watch(self, stack: ExitStack) -> Inotify | None:
        """Be told of changes; None where the kernel has no watch left, so that only looking helps."""
        try:
            inotify = stack.enter_context(Inotify())
            inotify.add_watch(self._tail.folder, Mask.MODIFY | Mask.CREATE)
        except OSError as error:
            _log.warning("the journal cannot be watched; it is looked at ten times a second", error=str(error))
            return None
        return inotify

    async def catch_up(self) -> None:
        """Record and publish all that the journal holds by now; retries for as long as database or journal refuse."""
        failures = 0
        while True:
            try:
                rows = await self._in_thread(self._record_some)
            except (DatabaseUnavailable, OSError) as error:
                self._fail(error)
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            self._mend()
            if self._raised:
                self._raised = 0
                self._alerted()
            if rows is None:
                return
            if rows:
                self._publish(rows)
            await asyncio.sleep(_BREATH_S if len(rows) >= BATCH_ROWS // 2 else 0)

    async def close(self) -> None:
        """Finish the transaction that is under way and let files and threads go."""
        with suppress(RuntimeError):  # closed before
            await self._in_thread(self._records.close)
        await asyncio.to_thread(self._thread.shutdown)
        self._tail.close()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _fail(self, error: Exception) -> None:
        if self.failing is None:
            _log.error("nothing can be recorded; the journal keeps it", error=str(error))
        self.failing = str(error)

    def _mend(self) -> None:
        if self.failing is not None:
            _log.info("recording goes on", lag_bytes=self.lag_bytes)
        self.failing = None

    # --- in the recorder's thread ---

    def _open(self) -> None:
        mark = self._records.open()
        if mark.position and not self._tail.holds(mark.anchor_position, mark.anchor_crc):
            # The machine died and took back journal that was recorded: what came instead lies before the mark.
            mark = self._rewound(mark, self._tail.segment_of(mark.anchor_position))
        self._mark = mark

    def _record_some(self) -> list[LogRow] | None:
        """Record the next batch and return its rows; None where the journal has nothing new."""
        mark = self._mark
        chunk = self._tail.read(mark.position)
        self._prepare()
        if chunk.position == mark.position:
            self._raise_in_time()
            return None
        if chunk.position < mark.position:
            self._mark = self._rewound(mark, chunk.position)
            return []
        read = read_rows(chunk.records, mark.log_position, BATCH_ROWS)
        batch = Batch(rows=read.rows, bodies=read.bodies, bookings=read.bookings, mark=_after(mark, chunk, read))
        try:
            self._commit(batch)
        except RequestKnown:
            batch = self._without_known(batch, mark)
            self._commit(batch)
        self._mark = batch.mark
        self._count(chunk, read, len(batch.rows))
        return batch.rows

    def _commit(self, batch: Batch) -> None:
        watch = self._watch_limits
        if watch is None:
            self._records.commit(batch)
            return
        try:
            self._raised += len(self._records.commit(batch, lambda: _folded(watch, batch)))
        except RequestKnown:
            raise  # nothing was counted yet
        except BaseException:
            watch.forget()
            raise

    def _prepare(self) -> None:
        """Take up limits that have changed."""
        if self._watch_limits is None:
            return
        try:
            self._watch_limits.prepare(self._records.read)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            _log.error("the limits of this configuration cannot be watched", error=repr(error))
            self._watch_limits.skip()

    def _raise_in_time(self) -> None:
        """Write what time alone makes limits say."""
        watch = self._watch_limits
        if watch is None or not (raised := watch.tick()).alerts:
            return
        try:
            self._raised += len(self._records.write_alerts(raised))
        except BaseException:
            watch.forget()
            raise

    def _without_known(self, batch: Batch, mark: Mark) -> Batch:
        """The batch without requests that have a row, or that it holds twice; the first of them counts."""
        seen = self._records.known([row.request_id for row in batch.rows])
        rows: list[LogRow] = []
        bodies: list[bytes] = []
        bookings: list[Booking] = []
        for row, body, booking in zip(batch.rows, batch.bodies, batch.bookings, strict=True):
            if row.request_id not in seen:
                seen.add(row.request_id)
                rows.append(_replace(row, position=mark.log_position + len(rows) + 1))
                bodies.append(body)
                bookings.append(booking)
        _log.warning("requests that were recorded before are left out", requests=len(batch.rows) - len(rows))
        kept = _replace(batch.mark, log_position=mark.log_position + len(rows))
        return Batch(rows=rows, bodies=bodies, bookings=bookings, mark=kept)

    def _count(self, chunk: Chunk, read: Read, rows: int) -> None:
        self.recorded_total += rows
        self.unreadable_total += read.unreadable
        if read.records < len(chunk.records):  # the rest of the chunk is read again
            return
        self.damaged_total += chunk.damaged
        self.lost_bytes_total += chunk.lost_bytes
        if chunk.damaged or chunk.lost_bytes or read.unreadable:
            _log.error(
                "journal records could not be read and were skipped",
                before=chunk.position,
                damaged=chunk.damaged,
                unreadable=read.unreadable,
                lost_bytes=chunk.lost_bytes,
            )

    def _rewound(self, mark: Mark, position: int) -> Mark:
        _log.warning("the journal is not the one that was recorded; reading it again", position=position)
        return _replace(mark, position=position)


def _folded(watch: LimitWatch, batch: Batch) -> Raised:
    """What a batch makes limits say. Whatever goes wrong in that, the batch is recorded all the same."""
    try:
        return watch.fold(batch.rows, batch.bookings)
    except Exception as error:
        _log.error("limits could not be watched; they are counted again", error=repr(error))
        watch.forget()
        return Raised()


def _after(mark: Mark, chunk: Chunk, read: Read) -> Mark:
    """The mark once the records that were read are recorded."""
    if not chunk.records:
        return _replace(mark, position=chunk.position)
    end, payload = chunk.records[read.records - 1]
    return Mark(
        position=chunk.position if read.records == len(chunk.records) else end,
        anchor_position=end - len(payload) - _RECORD_OVERHEAD,
        anchor_crc=crc32(payload),
        log_position=mark.log_position + len(read.rows),
    )
