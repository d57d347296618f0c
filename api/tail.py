"""The journal as a reader sees it that is told nothing by its writer: whole records after a position, over all segments."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from core.framing import segment_name, segment_starts, unframe_sound

CHUNK_BYTES = 1024 * 1024
_MOST_BYTES = 64 * 1024 * 1024


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Records as (position after the record, payload), and `position` after all that was looked at, damaged lines too."""

    records: list[tuple[int, bytes]]
    position: int
    damaged: int = 0  # complete lines that are no record, left out
    lost_bytes: int = 0  # of segments that were deleted before they were read


class JournalTail:
    """Reads one journal folder. It keeps no record: a position that was not recorded is simply asked for again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd = -1
        self._start = -1
        self._following: int | None = None

    def close(self) -> None:
        """Let the open segment go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def end(self) -> int:
        """The position after the newest byte; 0 without a journal."""
        starts = self._starts()
        try:
            return starts[-1] + (self.folder / segment_name(starts[-1])).stat().st_size if starts else 0
        except FileNotFoundError:
            return starts[-1]

    def holds(self, anchor_position: int, anchor_crc: int) -> bool:
        """Whether the record that began there is still the one with this checksum; a deleted segment cannot deny it."""
        start = self._segment_of(anchor_position, self._starts())
        if start is None:
            return True
        with (self.folder / segment_name(start)).open("rb") as file:
            file.seek(anchor_position - start)
            return file.read(9) == b"%08x " % anchor_crc

    def segment_of(self, position: int) -> int:
        """The start of the segment that holds this position, or of the oldest one."""
        starts = self._starts()
        found = self._segment_of(position, starts)
        return found if found is not None else (starts[0] if starts else 0)

    def read(self, position: int) -> Chunk:
        """The next records after a position: none where the journal has no whole one yet. OSError where it cannot be read."""
        asked = position
        while True:
            lost = self._open_at(position)
            if lost is None:
                return Chunk(records=[], position=position)
            position += lost
            chunk = self._read_segment(position, position - asked)
            if chunk is not None:
                return chunk
            following = self._next_segment()
            if following is None:
                return self._at_end(position)
            # The writer may have finished its segment between the look at it and the look at the folder.
            chunk = self._read_segment(position, position - asked)
            if chunk is not None:
                return chunk
            # What is left is a torn record, which its writer gave up, or positions that it skipped.
            asked += following - position
            position = following

    def _at_end(self, position: int) -> Chunk:
        if os.fstat(self._fd).st_size >= position - self._start:
            return Chunk(records=[], position=position)
        # Another journal than the one that was recorded: shorter. Whoever recorded it knows its requests again by their ids.
        return Chunk(records=[], position=self._start)

    def _read_segment(self, position: int, lost: int) -> Chunk | None:
        size = CHUNK_BYTES
        while True:
            data = os.pread(self._fd, size, position - self._start)
            records, taken, damaged = unframe_sound(data)
            if taken:
                moved = [(position + end, payload) for end, payload in records]
                return Chunk(records=moved, position=position + taken, damaged=damaged, lost_bytes=lost)
            if len(data) < size or size >= _MOST_BYTES:
                return None
            size *= 4

    def _open_at(self, position: int) -> int | None:
        """Open the segment for a position and return how far the position has to move; None without any segment."""
        if self._fd >= 0 and self._start <= position and (self._following is None or position < self._following):
            return 0
        starts = self._starts()
        if not starts:
            return None
        start = self._segment_of(position, starts)
        found = starts[0] if start is None else start
        self.close()
        self._fd = os.open(self.folder / segment_name(found), os.O_RDONLY | os.O_CLOEXEC)
        self._start, self._following = found, None
        return max(0, found - position)

    def _next_segment(self) -> int | None:
        self._following = min((start for start in self._starts() if start > self._start), default=None)
        return self._following

    def _starts(self) -> list[int]:
        try:
            return segment_starts(path.name for path in self.folder.iterdir())
        except FileNotFoundError:
            return []

    @staticmethod
    def _segment_of(position: int, starts: list[int]) -> int | None:
        return max((start for start in starts if start <= position), default=None)
