"""What is booked of a call on its way: what is reserved for it, each attempt, its end; in ledger, statistics, metrics, journal.

Each method is one step of the event loop: what is counted and what is journalled never part.
"""

from __future__ import annotations

from functools import partial

import msgspec

from core.events import AttemptFinished, RequestAdmitted, Status
from core.limits import Block
from core.routing.stats import Statistics
from proxy.attempts import Attempt
from proxy.call import Call
from proxy.journal import Journal, JournalUnavailable
from proxy.ledger import Grant, MemoryLedger
from proxy.metrics import Metrics
from proxy.outbox import Outbox
from proxy.progress import Progress

_encode = msgspec.json.Encoder().encode


class Booking:
    """The books of one proxy process. `open_admissions` are the requests that are let in and have no end in the journal yet."""

    def __init__(
        self, *, outbox: Outbox, journal: Journal, ledger: MemoryLedger, statistics: Statistics, metrics: Metrics
    ) -> None:
        self.ledger = ledger
        self.statistics = statistics
        self.metrics = metrics
        self.progress = Progress()
        self.open_admissions: dict[str, RequestAdmitted] = {}
        self._outbox = outbox
        self._journal = journal

    def reserve(
        self, call: Call, model_id: str, failed: AttemptFinished | None = None, *, exact_input: int | None = None
    ) -> Grant | tuple[Block, ...]:
        """Reserve for a model and journal that: not even the death of the process loses what is in flight.

        The first time this admits the call; later it moves what is reserved on from the attempt that failed. Returns the limits
        in the way, where there is no room. Raises JournalUnavailable where nothing can be recorded, unless the settings say
        `serve`.
        """
        terms, facts = call.terms, call.facts
        assert terms is not None
        assert facts is not None
        now_ms = call.now_ms()
        if call.admitted:
            grant = self.ledger.move(call.id, model_id, now_ms, failed, exact_input=exact_input)
        else:
            self._require_journal(call)
            grant = self.ledger.reserve(call.id, terms, model_id, facts, now_ms, exact_input=exact_input)
        if isinstance(grant, tuple):
            call.blocks[model_id] = grant
            return grant
        lost = None if call.admitted else call.unadmit
        if not call.admitted:
            call.admitted = True
            call.admitted_ms = now_ms - call.at_ms
        self.open_admissions[call.id] = admission = call.admission(grant)
        self._outbox.record(_encode(admission), _nothing, lost)
        return grant

    def unadmit(self, call: Call) -> None:
        """Forget a call whose admission the disk refused: no row, for a row of each refusal is what there is no room for."""
        if call.unadmitted:
            call.entry = None
            self.ledger.release(call.id)
            self.open_admissions.pop(call.id, None)

    def begin(self, attempt: Attempt) -> None:
        """An attempt is in flight from now on."""
        call = attempt.call
        attempt.handle = self.statistics.begin(attempt.candidate.id, call.at_ms + int(attempt.started_ms))
        if self.progress.wanted is not None:
            self.progress.attempt(call, attempt.candidate.id)

    def end_attempt(
        self,
        attempt: Attempt,
        status: Status,
        error: str = "",
        http_status: int | None = None,
        retry_after_s: int | None = None,
    ) -> AttemptFinished | None:
        """Note an attempt's end, once: a failure after the end changes nothing any more."""
        if attempt.handle is None:
            return None
        call = attempt.call
        finished = attempt.finished(status, error, http_status, retry_after_s)
        call.attempts.append(finished)
        self.statistics.end(attempt.handle, call.id, call.at_ms, call.known_plan.slug, finished)
        attempt.handle = None
        if self.progress.wanted is not None:
            self.progress.attempt_ended(call, finished)
        return finished

    def end(self, call: Call, status: Status, http_status: int, code: str = "", error: str = "") -> None:
        """Settle and journal a call's end, once; a call of nobody known has none."""
        if call.entry is None or call.recorded:
            return
        call.recorded = True
        latency_ms = call.elapsed_ms()
        reserved = self.ledger.reserved_cost(call.id)
        event = call.finished(status, http_status, latency_ms, error_code=code, error=error, reserved_cost_nano_usd=reserved)
        # Only once the end is written may a checkpoint forget the admission.
        self._outbox.record(_encode(event), partial(self.open_admissions.pop, call.id, None))
        self.ledger.settle(event)
        self.statistics.fold(event)
        self.metrics.record(event)
        if self.progress.wanted is not None:
            self.progress.ended(call, status, http_status, error)

    def _require_journal(self, call: Call) -> None:
        if not self._journal.writable and not self._outbox.serves_unrecorded:
            call.unadmit()
            raise JournalUnavailable("its folder has no room")


def _nothing() -> None:
    """What follows a written admission: the call upstream, which waits in the outbox behind it."""
