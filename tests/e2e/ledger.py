"""What clients know of the requests that they sent, held against the rows that the product kept. Pure.

Each request names a model of its own, `request-<number>`, which its row's trace repeats: so a row tells which request it
belongs to. A row without facts (its process died) tells it by the trace id, or else by when it arrived, where and how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# What a request that its client gave up may take to be read by a busy proxy.
ARRIVES_WITHIN_MS = 5_000


def marker(number: int) -> str:
    """The model that request `number` names."""
    return f"request-{number}"


@dataclass
class Sent:
    """One request as its client saw it. Instants are Unix milliseconds."""

    number: int
    project: str
    stream: bool
    began_ms: int
    over_ms: int = 0
    trace_id: str | None = None
    status: int | None = None
    ended: bool = False  # the whole answer was read, to its proper end
    false_end: bool = False  # it ended properly, but is not a whole answer
    gave_up: bool = False
    refused: bool = False  # no connection: nothing was sent
    lost: str = ""  # what else went wrong


@dataclass(frozen=True)
class Row:
    """One row of the product's, with the model that its trace says the client named."""

    request_id: str
    at_ms: int
    project: str
    stream: bool
    status: str
    error_code: str
    revision: str
    named: str | None

    @property
    def crashed(self) -> bool:
        """Whether the proxy died before the request ended."""
        return self.error_code == "crashed"


@dataclass
class Comparison:
    """What was found: `mismatches` in words, none when all is well; and the figures."""

    mismatches: list[str] = field(default_factory=list)
    crashed: int = 0
    by_arrival: int = 0  # rows that only their arrival tied to a request

    def note(self, problem: str, thing: object) -> None:
        """Something is wrong."""
        self.mismatches.append(f"{problem}: {thing}")


def compare(sent: Sequence[Sent], rows: Sequence[Row], downs: Sequence[tuple[int, int]]) -> Comparison:
    """Hold the requests against the rows; `downs` are the times from a kill of the proxy until it was ready again."""
    found = Comparison(crashed=sum(row.crashed for row in rows))
    for request_id, count in Counter(row.request_id for row in rows).items():
        if count > 1:
            found.note("a request has several rows", request_id)
    owners = {marker(each.number): each for each in sent} | {each.trace_id: each for each in sent if each.trace_id is not None}
    taken: dict[int, Row] = {}
    left = []
    for row in rows:
        owner = owners.get(row.named or row.request_id)
        if owner is None:
            left.append(row)
        else:
            _claim(row, owner, taken, found)
    _claim_by_arrival(left, [each for each in sent if each.number not in taken], taken, found)
    for each in sent:
        _judge(each, taken.get(each.number), downs, found)
    return found


def _claim(row: Row, owner: Sent, taken: dict[int, Row], found: Comparison) -> None:
    """Tie the row to the request that its marker or its trace id names."""
    if owner.number in taken:
        found.note("two rows belong to one request", (owner, taken[owner.number], row))
    if owner.trace_id not in (None, row.request_id):
        found.note("the row of a request has another trace id than its client saw", (owner, row))
    taken[owner.number] = row


def _claim_by_arrival(rows: Iterable[Row], sent: Iterable[Sent], taken: dict[int, Row], found: Comparison) -> None:
    """Tie each row left to a request of its kind that was on its way then; the request that was over first goes first."""
    waiting = sorted((each for each in sent if not each.refused and each.trace_id is None), key=lambda each: each.over_ms)
    for row in sorted(rows, key=lambda row: row.at_ms):
        owner = next((each for each in waiting if _could_be(each, row)), None)
        if owner is None:
            found.note("a row belongs to no request that was sent", row)
            continue
        waiting.remove(owner)
        taken[owner.number] = row
        found.by_arrival += 1


def _could_be(each: Sent, row: Row) -> bool:
    latest = each.over_ms + (ARRIVES_WITHIN_MS if each.gave_up else 1)
    # Whether it is a stream is known only once the body was read.
    same = each.project == row.project and (each.stream == row.stream or not row.crashed)
    return same and each.began_ms <= row.at_ms <= latest


def _judge(each: Sent, row: Row | None, downs: Sequence[tuple[int, int]], found: Comparison) -> None:
    """What must be so of every request."""
    if each.false_end:
        found.note("an answer ended properly and is not whole", each)
    if each.ended and row is None:
        found.note("an answer ended for its client and has no row", each)
    if each.trace_id is not None and row is None and not each.ended:
        found.note("a request whose answer began has no row", each)
    if row is not None and each.ended and (row.crashed or row.status == "cancelled"):
        found.note("an answer ended for its client and its row denies it", (each, row))
    if row is not None and each.ended and (row.status == "success") != (each.status == 200):
        found.note("an answer and its row disagree", (each, row))
    if row is not None and row.error_code == "internal_error":
        found.note("the proxy failed inside", row)
    hit = any(each.began_ms <= until and each.over_ms >= since for since, until in downs)
    if not each.ended and not each.gave_up and not hit:
        found.note("a request failed with the proxy up", each)
    if row is not None and row.crashed and not any(row.at_ms <= until for _, until in downs):
        found.note("a row says that the proxy died, and it did not", row)
