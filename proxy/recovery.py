"""What a start takes over from the process before it: the counts of its checkpoint, and the journal behind that."""

from __future__ import annotations

import gc
from collections.abc import Iterable

import msgspec

from core.events import JournalEvent, RequestFinished
from core.routing.stats import Statistics
from core.snapshot import Snapshot
from proxy.checkpoint import Checkpoint
from proxy.journal import Journal
from proxy.ledger import MemoryLedger


def ledger(known: Checkpoint | None, journal: Journal) -> MemoryLedger:
    """The ledger as the checkpoint has it; without one it knows what came before only if nothing did."""
    state = msgspec.json.decode(known.ledger) if known else None
    if state is None:
        return MemoryLedger(new=journal.position == 0)
    gc.disable()  # hundreds of thousands of values that all stay: looking through them for rubbish would take most of the time
    try:
        return MemoryLedger.restore(state)
    finally:
        gc.enable()


def replay(events: Iterable[JournalEvent], statistics: Statistics, ledger: MemoryLedger, snapshot: Snapshot | None) -> None:
    """Fold the events since the checkpoint, in their order.

    What a limit of the present revision counts is counted from the first of them on, as it was when they happened.
    """
    book = None if snapshot is None else ledger.book(snapshot.settings, snapshot.models)
    for event in events:
        if snapshot is not None and book is not None:
            plan, entry = snapshot.plan(event.project), snapshot.token_of(event.project, event.token)
            if plan is not None and entry is not None:
                terms = book.terms(plan, entry, event.at_ms)
                if (
                    event.model and event.model in snapshot.models
                ):  # one that only a policy asks is no candidate: it is counted by being used
                    terms.model(event.model, event.at_ms)
        ledger.fold(event)
        if isinstance(event, RequestFinished):
            statistics.fold(event)
