"""Server-sent events off the wire: bytes in any pieces in, whole events with LF line ends out. No I/O."""

from __future__ import annotations

from typing import NamedTuple

# The largest event that is waited for: an image in base64 fits, a stream without line ends does not fill the memory.
MAX_EVENT_BYTES = 16 * 1024 * 1024
_SMALL = 65_536


class EventTooLarge(Exception):
    """More than `MAX_EVENT_BYTES` came without an event's end."""


class Event(NamedTuple):
    """One event's fields; `data` is None for comments and other events without data, which readers never see."""

    data: bytes | None
    name: bytes


class Frames:
    """Cuts a byte stream after its last whole event and keeps the rest for the next read."""

    __slots__ = ("_after_cr", "partial")

    def __init__(self) -> None:
        self.partial = bytearray()
        self._after_cr = False

    def take(self, data: bytes) -> bytes:
        r"""The whole events that are complete now, ending in "\n\n"; b"" where none is. Raises EventTooLarge.

        CRLF and CR line ends become LF: a line end in an event can only be one of SSE's, JSON escapes its own.
        """
        partial = self.partial
        if data[-2:] == b"\n\n" and not partial and not self._after_cr and b"\r" not in data:
            return data
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:  # the second half of a CRLF whose first came with the read before
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 0x0D
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if partial:
            # An event of megabytes comes in many reads: joining it anew at each would be quadratic.
            if len(partial) > _SMALL and b"\n\n" not in partial[-1:] + data:
                partial += data
                if len(partial) > MAX_EVENT_BYTES:
                    raise EventTooLarge
                return b""
            data = bytes(partial) + data
        end = data.rfind(b"\n\n") + 2
        if end == 1:  # not found
            end = 0
        self.partial = bytearray(data[end:])
        return data[:end]


def events(block: bytes) -> list[bytes]:
    """The events of a block from `Frames.take`, each without its blank line."""
    lines = block.split(b"\n")
    # One line an event is what every provider sends; splitting at single bytes is twice as fast as at blank lines.
    if any(lines[1::2]):
        return [event for event in block.split(b"\n\n") if event]
    return lines[0:-1:2]


def parse(event: bytes) -> Event:
    """The fields of one event, which may have several data lines, a name, comments, an id."""
    if event.startswith(b"data: ") and b"\n" not in event:
        return Event(event[6:], b"")
    data: list[bytes] = []
    name = b""
    for line in event.split(b"\n"):
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(b"\n".join(data) if data else None, name)


def compose(payload: bytes, name: bytes = b"") -> bytes:
    """An event with its blank line."""
    if b"\n" in payload:
        payload = payload.replace(b"\n", b"\ndata: ")
    return b"event: %b\ndata: %b\n\n" % (name, payload) if name else b"data: " + payload + b"\n\n"
