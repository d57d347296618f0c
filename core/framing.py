"""The journal's framing, pure: one line a record, `crc32 as 8 hex digits, space, JSON, line feed`.

JSON holds no raw line feed, so a line's end is a record's end, and a reader that met a damaged line goes on at the next one. A
*position* is a byte offset over the whole journal: the start of a segment (its file's name) plus the offset in that file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from zlib import crc32

SEGMENT_SUFFIX = ".journal"
_SEGMENT_NAME = re.compile(r"^([0-9]{20})\.journal$", re.ASCII)
_HEADER_BYTES = 9


class CorruptRecord(ValueError):
    """A complete line that is not a record. `records` are the sound ones before it; it lies in `start:end` of the buffer."""

    def __init__(self, records: list[tuple[int, bytes]], start: int, end: int) -> None:
        super().__init__(f"the line at bytes {start}..{end} of the buffer fails its checksum")
        self.records = records
        self.start = start
        self.end = end


def frame(payload: bytes) -> bytes:
    """The record of one payload. ValueError for a payload with a line feed, which no reader could take apart again."""
    if b"\n" in payload:
        raise ValueError("a journal payload is JSON on one line; it must not hold a line feed")
    return b"%08x %b\n" % (crc32(payload), payload)


def unframe(buffer: bytes, start: int = 0) -> tuple[list[tuple[int, bytes]], int]:
    """All complete records from `start` on as (offset of the record's end, payload), and the offset after the last of them.

    An incomplete last line is left for the next call. Raises CorruptRecord at the first complete line with a wrong checksum.
    """
    records: list[tuple[int, bytes]] = []
    while (line_feed := buffer.find(b"\n", start)) >= 0:
        payload = buffer[start + _HEADER_BYTES : line_feed]
        # Comparing the header as it would be written also refuses upper-case digits and a missing space.
        if buffer[start : start + _HEADER_BYTES] != b"%08x " % crc32(payload):
            raise CorruptRecord(records, start, line_feed + 1)
        start = line_feed + 1
        records.append((start, payload))
    return records, start


def unframe_sound(buffer: bytes) -> tuple[list[tuple[int, bytes]], int, int]:
    """As `unframe`, but damaged lines are left out: (records, bytes taken, number of damaged lines)."""
    records: list[tuple[int, bytes]] = []
    start = damaged = 0
    while True:
        try:
            found, consumed = unframe(buffer, start)
        except CorruptRecord as corrupt:
            records += corrupt.records
            start = corrupt.end
            damaged += 1
        else:
            return records + found, consumed, damaged


def segment_name(start: int) -> str:
    """The file name of the segment that begins at this position."""
    return f"{start:020d}{SEGMENT_SUFFIX}"


def segment_start(name: str) -> int | None:
    """The position at which the segment with this file name begins; None for any other file."""
    found = _SEGMENT_NAME.match(name)
    return int(found.group(1)) if found else None


def segment_starts(names: Iterable[str]) -> list[int]:
    """The starts of all segments among these file names, ascending."""
    return sorted(start for name in names if (start := segment_start(name)) is not None)
