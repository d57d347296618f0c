"""What lies in `balances/`: which counts a proxy began in the middle of their window, and what was used before. Pure.

A proxy writes `<id>.pending.json` and raises `asked` whenever it asks for something else. The API writes `<id>.opened.json`
with the same number, what the database knows of each count, and the journal position that this knowledge ends at. The proxy
adds the ends of requests that its journal holds after that position: nothing is lost between the two, nothing counted twice.
"""

from __future__ import annotations

import msgspec

from core.limits import Amounts, Scope, Window

MOST_COUNTS = 200  # in one file; those that are left are asked for next


class Count(msgspec.Struct, frozen=True, order=False):
    """A scope and a window that it is counted in: a calendar's name, or a length in milliseconds."""

    scope: Scope
    window: Window


class PendingCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What one proxy asks; `asked` tells its questions apart, over its restarts too."""

    asked: int
    counts: tuple[Count, ...]


class OpeningBalance(msgspec.Struct, frozen=True, kw_only=True):
    """All use of one count up to the position: (instant of admission, amounts), of any number of requests together."""

    count: Count
    used: tuple[tuple[int, Amounts], ...]


class OpeningBalances(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the question with the same number. Events after `position` (bytes of the journal) are not in it."""

    asked: int
    position: int
    balances: tuple[OpeningBalance, ...]


def read_pending(data: bytes) -> PendingCounts:
    """What `<id>.pending.json` says. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(data, type=PendingCounts)


def read_opening(data: bytes) -> OpeningBalances:
    """What `<id>.opened.json` says. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(data, type=OpeningBalances)
