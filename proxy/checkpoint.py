"""The proxy's checkpoint: what it had folded up to a journal position, so that a start reads seconds of journal, not days.

Start = checkpoint + replay of the journal after it. A request that was admitted and has no end by then died with the process:
it is ended here, at its reserve.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from core.events import JournalEvent, RequestAdmitted, RequestFinished
from core.money import Usage
from proxy.journal import Journal

INTERVAL_S = 5.0
# Without a checkpoint only this much of the journal's end is folded: a start must not read a day of traffic.
REPLAY_BYTES = 64 * 1024 * 1024

_saving = threading.Lock()
_decode_event = msgspec.json.Decoder(JournalEvent).decode


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The journal is folded up to `position`; `open` holds the admissions before it that have no end yet, by request id."""

    position: int = 0
    open: dict[str, RequestAdmitted] = {}
    statistics: msgspec.Raw = msgspec.Raw(b"{}")
    ledger: msgspec.Raw = msgspec.Raw(b"null")


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a start knows: admissions without an end, the position read up to, and the events since the checkpoint to fold."""

    open: dict[str, RequestAdmitted]
    position: int
    events: tuple[JournalEvent, ...]


def read(path: Path) -> Checkpoint | None:
    """The checkpoint on the disk; None where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Checkpoint)
    except (OSError, msgspec.MsgspecError):
        return None


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint: a crash leaves the old one or the new one, whole. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(checkpoint))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def open_journal(folder: Path, checkpoint: Checkpoint | None) -> Journal:
    """The journal, never shorter than the checkpoint says: a position that was given out is not given out again."""
    return Journal.open(folder, floor=checkpoint.position if checkpoint else 0)


def recover(journal: Journal, checkpoint: Checkpoint | None) -> Recovered:
    """Replay what the checkpoint has not seen."""
    known = checkpoint or Checkpoint(position=max(0, journal.position - REPLAY_BYTES))
    position = journal.position
    return fold(known, position, (payload for _, payload in journal.replay(known.position)))


def fold(checkpoint: Checkpoint, position: int, payloads: Iterable[bytes]) -> Recovered:
    """The checkpoint with these records after it. Pure; a record of an unknown kind is left out."""
    still_open = dict(checkpoint.open)
    events = []
    for event in _events(payloads):
        events.append(event)
        if isinstance(event, RequestAdmitted):
            still_open[event.id] = event
        else:
            still_open.pop(event.id, None)
    return Recovered(open=still_open, position=position, events=tuple(events))


def crashed(admitted: RequestAdmitted) -> RequestFinished:
    """The end of a request whose process died: an error at its reserve and what it spent before, marked estimated. Pure."""
    booked = [admitted.reserved, *admitted.spent.values()]
    usage = Usage(
        input_tokens=sum(part.get("input_tokens", 0) for part in booked),
        output_tokens=sum(part.get("output_tokens", 0) for part in booked),
        estimated=True,
    )
    priced = "cost" in admitted.reserved
    cost = sum(part.get("cost", 0) for part in booked) if priced else None
    return RequestFinished(
        id=admitted.id,
        at_ms=admitted.at_ms,
        project=admitted.project,
        token=admitted.token,
        revision=admitted.revision,
        status="error",
        http_status=0,
        call_type=admitted.call_type,
        cause=admitted.cause,
        dialect=admitted.dialect,
        path=admitted.path,
        stream=admitted.stream,
        model=admitted.model or None,
        error_code="crashed",
        error="the proxy died before this request ended; it is booked at its reserve",
        admitted_ms=admitted.admitted_ms,
        usage=usage,
        cost_nano_usd=cost,
        reserved_cost_nano_usd=cost,
    )


async def keep(
    path: Path,
    journal: Journal,
    take: Callable[[], Checkpoint],
    interval_s: float = INTERVAL_S,
    due: asyncio.Event | None = None,
) -> None:
    """Write what `take` gives every `interval_s`, and whenever `due` is set, until cancelled; a disk that refuses is tried
    again the next time.

    `take` runs on the event loop, so it sees position, open requests and statistics of one and the same instant;
    what it gives must not change afterwards, for it is written in a thread.
    """
    due = due or asyncio.Event()
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await due.wait()
        due.clear()
        saving = asyncio.ensure_future(asyncio.to_thread(save, path, journal, take()))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await saving  # a thread cannot be stopped: whoever cancels may close the journal, and write the last checkpoint
            raise


def save(path: Path, journal: Journal, checkpoint: Checkpoint) -> bool:
    """Write a checkpoint after what it counts on; false where the disk refused. Blocks; not for the event loop."""
    # The journal first: a checkpoint must never know of a position that the death of the machine takes back.
    if not journal.sync():
        return False
    # The last one, at the stop, may meet the thread that still writes the one before it.
    with _saving:
        try:
            write(path, checkpoint)
        except OSError:
            return False
    return True


def _events(payloads: Iterable[bytes]) -> Iterator[JournalEvent]:
    for payload in payloads:
        try:
            yield _decode_event(payload)
        except msgspec.MsgspecError:
            continue
