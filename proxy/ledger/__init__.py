"""Reserve, settle, usage: what keeps a project inside its limits."""

from __future__ import annotations

from proxy.ledger.memory import MemoryLedger as MemoryLedger
from proxy.ledger.reservations import Grant as Grant
from proxy.ledger.reservations import Overrun as Overrun
from proxy.ledger.terms import Book as Book
from proxy.ledger.terms import Terms as Terms
