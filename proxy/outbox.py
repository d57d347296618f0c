"""What one turn of the event loop sends, sent together at its end: the journal's records in one write, then the sockets' bytes.

A record is always on its way to the disk before the bytes that depend on it: an admission before the call upstream, an end
before the answer's last byte. Under load a turn serves dozens of requests; they share one write to the journal, and a peer
that the first of them has woken is still awake for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from proxy.journal import Journal, JournalUnavailable

# What is held back at most: a handler that writes without ever waiting has to notice that its client is behind.
HELD_BYTES = 262_144


class Sender(Protocol):
    """An upstream connection with a request to send."""

    def send(self, data: bytes) -> None:
        """Write the request to the socket."""
        ...

    def withdraw(self, error: Exception) -> None:
        """The request is not sent: tell who waits for its answer."""
        ...


class Outbox:
    """One per event loop. `flush` runs by itself at the end of a turn in which anything was put in."""

    __slots__ = ("_answers", "_armed", "_calls", "_held", "_loop", "_records", "journal", "serves_unrecorded")

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Journal | None = None) -> None:
        self.journal = journal
        self.serves_unrecorded = False  # whether requests go upstream although their admission could not be written
        self._loop = loop
        self._records: list[tuple[bytes, Callable[[], object], Callable[[], object] | None]] = []
        self._calls: list[tuple[Sender, bytes]] = []
        self._answers: list[tuple[asyncio.WriteTransport | None, bytes | Callable[[], object]]] = []
        self._armed = False
        self._held = 0

    def record(self, payload: bytes, written: Callable[[], object], lost: Callable[[], object] | None = None) -> None:
        """Journal a record, then call `written`. If the disk refuses it: with `lost` that is called and the record dropped,
        else it waits in memory and goes before anything else once there is room."""
        self._records.append((payload, written, lost))
        if not self._armed:
            self._arm()

    def call(self, connection: Sender, data: bytes) -> None:
        """Send a request upstream, unless this turn's records cannot be written."""
        self._calls.append((connection, data))
        if not self._armed:
            self._arm()

    def answer(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Send bytes to a client; dropped if the transport has closed by then."""
        self._answers.append((transport, data))
        self._held += len(data)
        if self._held > HELD_BYTES:
            self.flush()
        elif not self._armed:
            self._arm()

    def then(self, act: Callable[[], object]) -> None:
        """Do something behind everything that was put in before."""
        self._answers.append((None, act))
        if not self._armed:
            self._arm()

    def flush(self) -> None:
        """Send everything now, in the order in which it was put in: records, requests, answers."""
        self._held = 0
        failure = self._write_records() if self._records else None
        if self._calls:
            calls, self._calls = self._calls, []
            for connection, data in calls:
                if failure is None or self.serves_unrecorded:
                    connection.send(data)
                else:
                    connection.withdraw(failure)
        if self._answers:
            answers, self._answers = self._answers, []
            for transport, what in answers:
                if transport is None:
                    what()  # type: ignore[operator]  # without a transport it is what `then` was given
                elif not transport.is_closing():
                    transport.write(what)  # type: ignore[arg-type]  # with one it is bytes

    def _arm(self) -> None:
        self._armed = True
        self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._armed = False
        self.flush()

    def _write_records(self) -> JournalUnavailable | None:
        """Journal what waits; the reason if the disk refuses."""
        records, self._records = self._records, []
        assert self.journal is not None, "only an outbox with a journal is given records"
        try:
            self.journal.append_all([payload for payload, _, _ in records])
        except JournalUnavailable as error:
            for payload, written, lost in records:
                if lost is not None:
                    lost()
                else:
                    self.journal.append_later(payload, written)
            return error
        for _, written, _ in records:
            written()
        return None
