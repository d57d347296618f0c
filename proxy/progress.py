"""Progress inside requests, for whoever listens at this proxy's socket. While nobody does, it costs one comparison a step.

Nothing here may hold a request up: a listener that reads slowly is left out, and whatever fails ends its connection alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from core.events import AttemptFinished, Status
from core.progress import Step, StepKind, Wanted
from proxy.call import Call

MOST_LISTENERS = 16
MOST_UNREAD_BYTES = 1 << 20
_MOST_LINE_BYTES = 1 << 20

_log = logging.getLogger("waybill.proxy")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Wanted).decode


class Progress:
    """One a proxy process. `wanted` is the projects that anybody listens to; None while nobody does."""

    def __init__(self) -> None:
        self.wanted: frozenset[str] | None = None
        self._listeners: dict[asyncio.StreamWriter, frozenset[str]] = {}

    # --- what the pipeline and the books tell, each behind `if progress.wanted is not None` ---

    def routed(self, call: Call) -> None:
        """The request has its decision."""
        self._tell(call, "routed", decision=call.decision)

    def attempt(self, call: Call, model: str) -> None:
        """A model is being asked."""
        self._tell(call, "attempt", model=model)

    def first_byte(self, call: Call, model: str, http_status: int) -> None:
        """Its answer begins."""
        self._tell(call, "first_byte", model=model, http_status=http_status)

    def attempt_ended(self, call: Call, attempt: AttemptFinished) -> None:
        """Its answer is over, or there was none."""
        status, error = attempt.status, attempt.error
        self._tell(call, "attempt_ended", model=attempt.model, status=status, error=error, http_status=attempt.http_status or 0)

    def ended(self, call: Call, status: Status, http_status: int, error: str) -> None:
        """The request is over."""
        self._tell(call, "ended", status=status, http_status=http_status, error=error)

    def _tell(self, call: Call, kind: StepKind, **facts: Any) -> None:
        project = call.known_plan.slug
        if self.wanted is None or project not in self.wanted:
            return
        step = Step(
            id=call.id,
            kind=kind,
            project=project,
            token=call.known_entry.id,
            at_ms=call.at_ms,
            elapsed_ms=call.elapsed_ms(),
            cause=call.cause,
            **facts,
        )
        line = _encode(step) + b"\n"
        for writer, wanted in self._listeners.items():
            if project in wanted and writer.transport.get_write_buffer_size() < MOST_UNREAD_BYTES:
                writer.write(line)

    # --- who listens ---

    @asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[None]:
        """Listeners are heard at `path` for as long as the block runs. Where there can be no socket, nobody is."""
        try:
            server = await asyncio.start_unix_server(self._listen, sock=_bound(path), limit=_MOST_LINE_BYTES)
        except OSError as error:
            _log.warning("progress inside requests cannot be told", extra={"path": str(path), "error": str(error)})
            yield
            return
        try:
            yield
        finally:
            server.close()
            for writer in list(self._listeners):
                writer.transport.abort()
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._listeners) >= MOST_LISTENERS:
            writer.transport.abort()
            return
        try:
            # A line that is too long is a ValueError.
            with contextlib.suppress(ValueError, msgspec.DecodeError, OSError):
                while line := await reader.readline():
                    self._listeners[writer] = frozenset(_decode(line).projects)
                    self._want()
        finally:
            self._listeners.pop(writer, None)
            self._want()
            writer.transport.abort()

    def _want(self) -> None:
        projects = frozenset().union(*self._listeners.values())
        self.wanted = projects or None


def _bound(path: Path) -> socket.socket:
    """A listening place at a path of any length: sockets' own are short, so it is named by its open folder."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of a proxy of this id that was killed: two never run on one data folder
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found.bind(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        found.close()
        raise
    finally:
        os.close(folder)
    return found
