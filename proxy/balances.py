"""Opening balances: the proxy says which counts it began in the middle of their window, and takes over what was used before.

The API answers from the database, which lags behind the journal. What the journal holds after the answer's position is read
here and added in the same step of the event loop in which the count is replaced, so no end of a request falls between.

A request whose limits wait for an answer waits with them: tens of milliseconds, and not where nobody answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec

from core.balances import MOST_COUNTS, Count, OpeningBalances, PendingCounts, read_opening
from core.events import RequestFinished
from core.layout import Layout
from proxy.journal import Journal, read_records
from proxy.ledger import MemoryLedger, Terms

INTERVAL_S = 1.0
# While a request waits for the answer.
EAGER_S = 0.02
MOST_WAIT_S = 1.0
# What is left to read on the event loop itself: a fraction of a millisecond.
_AT_ONCE_BYTES = 64 * 1024
_MOST_PASSES = 8
_FINISHED = b'{"event":"finished"'

_log = logging.getLogger("waybill.balances")
_decode = msgspec.json.Decoder(RequestFinished).decode


class Openings:
    """One proxy's questions and answers. Everything but the reading of files belongs to the ledger's event loop."""

    def __init__(
        self,
        layout: Layout,
        proxy_id: str,
        ledger: MemoryLedger,
        journal: Journal,
        now_ms: Callable[[], int],
        flush: Callable[[], object] = lambda: None,
        complete: Callable[[], object] = lambda: None,
    ) -> None:
        """`flush` writes what is settled and waits for the end of this turn of the loop to be journalled; `complete` is called
        when answers were taken and none is awaited any more."""
        self._flush = flush
        self._complete = complete
        self._question = layout.pending_counts(proxy_id)
        self._answer = layout.opening_balances(proxy_id)
        self._ledger = ledger
        self._journal = journal
        self._now_ms = now_ms
        self._asked = PendingCounts(asked=0, counts=())
        self._heard = True  # whether the last one who waited was answered in time
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._taken = asyncio.Event()

    async def known(self, terms: Terms) -> None:
        """Wait until these limits know what was used before: `MOST_WAIT_S`, and not at all while nobody answers."""
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(MOST_WAIT_S):
                while self._heard and terms.pending(self._now_ms()):
                    await self._taken.wait()
        except TimeoutError:
            self._heard = False
            _log.warning("nobody says what was used before a limit was known here; it is counted from now on until then")
        finally:
            self._waiting -= 1
        terms.opening = False

    async def run(self, interval_s: float = INTERVAL_S) -> None:
        """Ask and take answers every so often, until cancelled; a folder that refuses is tried again."""
        self.begin()
        while True:
            try:
                await self.step()
            except OSError as error:
                _log.warning("opening balances cannot be asked for", extra={"error": str(error)})
            await self._pause(interval_s)

    async def _pause(self, interval_s: float) -> None:
        """Until the next step: soon where somebody waits, or begins to."""
        if self._waiting and self._heard:
            await asyncio.sleep(EAGER_S)
            return
        self._wanted.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await self._wanted.wait()

    def begin(self) -> None:
        """Withdraw what the process before may have asked: nobody waits for it any more. Raises OSError."""
        self._question.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._question.unlink(missing_ok=True)

    async def step(self) -> None:
        """Take the answer to what was asked, if it is there, then ask for what is still pending. Raises OSError."""
        if self._asked.counts:
            answer = await asyncio.to_thread(self._read)
            if answer is not None and answer.asked == self._asked.asked:
                await self._take(answer)
        self._ask()

    def _ask(self) -> None:
        counts = tuple(Count(scope, window) for scope, window in islice(self._ledger.pending(self._now_ms()), MOST_COUNTS))
        if counts == self._asked.counts:
            return
        if counts:
            # The time tells the questions of this process from those of the one before.
            self._asked = PendingCounts(asked=max(self._asked.asked + 1, self._now_ms()), counts=counts)
            _write(self._question, msgspec.json.encode(self._asked))
        else:
            self._asked = PendingCounts(asked=self._asked.asked, counts=())
            self._question.unlink(missing_ok=True)

    def _read(self) -> OpeningBalances | None:
        with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
            return read_opening(self._answer.read_bytes())
        return None

    async def _take(self, answer: OpeningBalances) -> None:
        """Replace the counts by what the answer says and what the journal holds after it."""
        journal = self._journal
        if answer.position > journal.position:
            # Of another journal than this one: what it holds after that position nobody can say.
            self._asked = PendingCounts(asked=self._asked.asked, counts=())
            return
        since: list[RequestFinished] = []
        position = answer.position
        for _ in range(_MOST_PASSES):
            if journal.position - position <= _AT_ONCE_BYTES:
                break
            position = await asyncio.to_thread(ends_after, journal.folder, position, since)
        # From here on nothing is awaited: what is settled is journalled, so the two agree.
        self._flush()
        if journal.pending:
            return  # some ends are settled and not journalled yet: the next step finds them written
        ends_after(journal.folder, position, since)
        now_ms = self._now_ms()
        for opened in answer.balances:
            self._ledger.open_balance(opened.count.scope, opened.count.window, opened.used, since, now_ms)
        self._heard = True
        self._taken.set()
        self._taken = asyncio.Event()
        if next(self._ledger.pending(now_ms), None) is None:
            self._complete()
        _log.info("opening balances taken", extra={"counts": len(answer.balances), "position": answer.position})


def ends_after(folder: Path, position: int, found: list[RequestFinished]) -> int:
    """Add the ends of requests that the journal holds after a position; returns the position read up to. Blocks."""
    for after, payload in read_records(folder, position):
        position = after
        if payload.startswith(_FINISHED):
            with contextlib.suppress(msgspec.MsgspecError):
                found.append(_decode(payload))
    return position


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    fresh.write_bytes(data)
    fresh.replace(path)
