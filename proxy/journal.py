"""The journal: what this proxy knows for certain about its requests, in append-only segments that only it writes.

A record, or several of one instant, is one `write` to the page cache, so the death of the process loses nothing; a thread
calls `fsync` behind it, so the death of the machine loses at most a second, and the event loop never waits for a disk. When a
record cannot be written the file gets its former length back and the journal counts as not writable until a probe finds space
again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from core.framing import frame, segment_name, segment_starts, unframe_sound

SEGMENT_BYTES = 64 * 1024 * 1024
SYNC_INTERVAL_S = 0.5
PENDING_BYTES = 64 * 1024 * 1024
_PROBE_BYTES = 1024 * 1024
_CHUNK_BYTES = 1024 * 1024

_log = logging.getLogger("waybill.journal")


class JournalUnavailable(Exception):
    """A record could not be written, and the journal is as it was before. Retrying helps once there is space again."""


class Journal:
    """The writer of one journal folder. `append` belongs to one thread; the journal's own thread syncs, probes and retries."""

    def __init__(self, folder: Path, segment_bytes: int, folder_fd: int) -> None:
        self.folder = folder
        self.deferred_total = 0  # records that could not be written at once
        self.lost_total = 0  # records that even the queue for later had no room for
        self._segment_bytes = segment_bytes
        self._folder_fd = folder_fd
        self._lock = threading.Lock()
        self._fd = -1
        self._start = 0
        self._length = 0
        self._damaged = False  # a torn record is at the end and could not be cut off yet
        self._unsynced = False
        self._retired: list[int] = []
        self._pending: deque[tuple[bytes, Callable[[], object] | None]] = deque()
        self._pending_bytes = 0
        self._writable = True
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="journal", daemon=True)

    @classmethod
    def open(cls, folder: Path, segment_bytes: int = SEGMENT_BYTES, *, floor: int = 0) -> Journal:
        """The journal in this folder, made if absent, its torn tail cut off. Positions never fall below `floor`.

        Raises JournalUnavailable where the folder cannot be used or another process writes to it.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise JournalUnavailable(f"the journal folder {folder} cannot be used: {error.strerror}") from error
        journal = cls(folder, segment_bytes, folder_fd)
        try:
            fcntl.flock(folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            journal._open_last(floor)
        except BlockingIOError as error:
            os.close(folder_fd)
            raise JournalUnavailable(f"another process writes the journal in {folder}") from error
        except OSError as error:
            os.close(folder_fd)
            raise JournalUnavailable(f"the journal in {folder} cannot be opened: {error.strerror}") from error
        journal._thread.start()
        return journal

    @property
    def position(self) -> int:
        """The position after the last record."""
        return self._start + self._length

    @property
    def writable(self) -> bool:
        """Whether admission may go on: false from a failed write until a probe found room and nothing waits any more."""
        return self._writable

    @property
    def pending(self) -> int:
        """How many records wait to be written later."""
        return len(self._pending)

    def append(self, payload: bytes) -> int:
        """Write one record and return the position after it. Raises JournalUnavailable, with nothing written."""
        record = frame(payload)
        with self._lock:
            return self._write(record)

    def append_all(self, payloads: Sequence[bytes]) -> int:
        """Write several records at once, as `append` does: all of them or none."""
        records = b"".join([frame(payload) for payload in payloads])
        with self._lock:
            return self._write(records)

    def append_later(self, payload: bytes, written: Callable[[], object] | None = None) -> bool:
        """Queue a record that `append` refused; it is written, in order, as soon as that works, then `written` is called
        (in the journal's thread). False: the queue is full as well, and the record is lost and counted."""
        record = frame(payload)
        with self._lock:
            self.deferred_total += 1
            if self._pending_bytes + len(record) > PENDING_BYTES:
                self.lost_total += 1
                return False
            self._pending.append((record, written))
            self._pending_bytes += len(record)
            self._writable = False
            return True

    def sync(self) -> bool:
        """True once all that was appended before the call is on the disk. Blocks; not for the event loop."""
        with self._lock:
            retired, self._retired = self._retired, []
            fd, self._unsynced = (os.dup(self._fd) if self._unsynced else -1), False
        try:
            for old in retired:
                os.fsync(old)
            if retired:  # a new segment was made: its name must be on the disk too
                os.fsync(self._folder_fd)
            if fd >= 0:
                os.fsync(fd)
        except OSError as error:
            self._unsynced = True
            self._failed(error)
            return False
        finally:
            for each in (*retired, fd):
                if each >= 0:
                    os.close(each)
        return True

    def replay(self, from_position: int) -> Iterator[tuple[int, bytes]]:
        """The sound records after a position as (position after the record, payload); from the oldest kept one if older."""
        return read_records(self.folder, from_position)

    def close(self) -> None:
        """Try once more what waits, sync, and let the folder go."""
        self._closing.set()
        self._thread.join()
        with suppress(JournalUnavailable):
            self._drain()
        if self._pending:
            _log.error("journal closed with records that could not be written", extra={"records": len(self._pending)})
        self.sync()
        os.close(self._fd)
        os.close(self._folder_fd)

    # --- writing, under the lock ---

    def _write(self, record: bytes) -> int:
        if self._damaged:
            self._cut_tail()
        if self._length >= self._segment_bytes:
            self._rotate()
        try:
            written = os.write(self._fd, record)
        except OSError as error:
            self._failed(error)
            raise JournalUnavailable(f"the journal cannot be written: {error.strerror}") from error
        if written != len(record):
            self._damaged = True
            self._failed(None)
            self._cut_tail()
            raise JournalUnavailable("the journal cannot be written: there is no room for the whole record")
        self._length += written
        self._unsynced = True
        return self._start + self._length

    def _cut_tail(self) -> None:
        try:
            os.ftruncate(self._fd, self._length)
        except OSError as error:
            raise JournalUnavailable(f"the journal's torn tail cannot be cut off: {error.strerror}") from error
        self._damaged = False

    def _rotate(self) -> None:
        """Begin the next segment; where it cannot be made, the present one simply goes on."""
        try:
            fd = self._open_segment(self.position)
        except OSError as error:
            _log.warning("the next journal segment cannot be made", extra={"error": error.strerror})
            return
        self._retired.append(self._fd)
        self._fd, self._start, self._length = fd, self.position, 0

    def _open_segment(self, start: int) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(segment_name(start), flags, 0o600, dir_fd=self._folder_fd)

    def _open_last(self, floor: int) -> None:
        starts = segment_starts(path.name for path in self.folder.iterdir())
        start = starts[-1] if starts else floor
        length = sound_length(self.folder / segment_name(start)) if starts else 0
        if start + length < floor:
            start, length = floor, 0
        self._fd, self._start, self._length = self._open_segment(start), start, length
        os.ftruncate(self._fd, length)
        os.fsync(self._folder_fd)

    def _failed(self, error: OSError | None) -> None:
        if self._writable:
            _log.error("the journal is not writable", extra={"error": error.strerror if error else "short write"})
        self._writable = False

    # --- the journal's own thread ---

    def _keep(self) -> None:
        while not self._closing.wait(SYNC_INTERVAL_S):
            try:
                if not self._writable:
                    self._recover()
                if self._unsynced or self._retired:
                    self.sync()
            except Exception:  # the thread must outlive whatever a disk or a callback does
                _log.exception("the journal's upkeep failed")

    def _recover(self) -> None:
        """Probe for room, write what waits, and only then call the journal writable."""
        try:
            self._probe()
            self._drain()
        except (OSError, JournalUnavailable):
            return
        with self._lock:
            self._writable = not self._pending
        _log.info("the journal is writable again")

    def _probe(self) -> None:
        # More than one record's worth, so that the last free block does not make the state flap.
        probe = self.folder / ".probe"
        try:
            with probe.open("wb") as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)

    def _drain(self) -> None:
        while self._pending:
            with self._lock:
                record, written = self._pending[0]
                self._write(record)
                self._pending.popleft()
                self._pending_bytes -= len(record)
            if written is not None:
                written()


def sound_length(segment: Path) -> int:
    """The length of a segment up to its last line feed: what follows is a torn record."""
    with segment.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _CHUNK_BYTES)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def read_records(folder: Path, from_position: int) -> Iterator[tuple[int, bytes]]:
    """The sound records after a position, over all segments, as (position after the record, payload)."""
    starts = segment_starts(path.name for path in folder.iterdir())
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        if following is not None and following <= from_position:
            continue
        with (folder / segment_name(start)).open("rb") as file:
            offset = file.seek(max(0, from_position - start))
            rest = b""
            while chunk := file.read(_CHUNK_BYTES):
                records, taken, _ = unframe_sound(rest + chunk)
                yield from ((start + offset + end, payload) for end, payload in records)
                offset += taken
                rest = (rest + chunk)[taken:]
