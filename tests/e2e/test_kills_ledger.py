"""The comparison that the kills are judged by finds what it is meant to find: a sentence a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.ledger import Row, Sent, compare

ENDED = Sent(0, "demo", False, began_ms=1_000, over_ms=1_100, trace_id="a", status=200, ended=True)
LOST = Sent(0, "demo", True, began_ms=1_000, over_ms=1_100, lost="reset")
ROW = Row("a", 1_001, "demo", False, "success", "", "r", "request-0")
CRASHED = Row("b", 1_001, "demo", True, "error", "crashed", "r", None)
KILL = [(1_050, 2_000)]


@pytest.mark.parametrize(
    ("sent", "rows", "downs", "problem"),
    [
        ([ENDED], [ROW], [], ""),
        ([ENDED], [], [], "an answer ended for its client and has no row"),
        ([ENDED], [ROW, ROW], [], "a request has several rows"),
        ([ENDED], [ROW, replace(ROW, request_id="c")], [], "two rows belong to one request"),
        ([ENDED], [ROW, replace(ROW, request_id="c", named="other")], [], "a row belongs to no request that was sent"),
        ([ENDED], [ROW, CRASHED], KILL, "a row belongs to no request that was sent"),
        ([ENDED], [replace(ROW, request_id="c")], [], "the row of a request has another trace id"),
        ([ENDED], [replace(ROW, status="cancelled")], [], "an answer ended for its client and its row denies it"),
        ([ENDED], [replace(ROW, status="error")], [], "an answer and its row disagree"),
        ([replace(ENDED, false_end=True)], [ROW], [], "an answer ended properly and is not whole"),
        ([LOST], [CRASHED], KILL, ""),
        ([LOST], [], KILL, ""),
        ([LOST], [replace(CRASHED, at_ms=1_900)], KILL, "a row belongs to no request that was sent"),
        ([LOST], [replace(CRASHED, project="other")], KILL, "a row belongs to no request that was sent"),
        ([LOST], [CRASHED, replace(CRASHED, request_id="c")], KILL, "a row belongs to no request that was sent"),
        ([LOST], [CRASHED], [(1_200, 2_000)], "a request failed with the proxy up"),
        ([replace(LOST, trace_id="b")], [], KILL, "a request whose answer began has no row"),
        ([replace(LOST, gave_up=True)], [replace(CRASHED, status="cancelled", error_code="client_gone")], [], ""),
        ([replace(LOST, gave_up=True)], [CRASHED], [], "a row says that the proxy died, and it did not"),
        ([replace(LOST, refused=True)], [CRASHED], KILL, "a row belongs to no request that was sent"),
    ],
)
def test_what_the_comparison_finds(sent: list[Sent], rows: list[Row], downs: list[tuple[int, int]], problem: str) -> None:
    found = compare(sent, rows, downs).mismatches
    assert any(each.startswith(problem) for each in found) if problem else found == []
