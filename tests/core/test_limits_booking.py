"""What is booked of a finished request, and what is said of limits that stand in the way: rows with their rule."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.events import AttemptFinished, RequestFinished
from core.fields import LimitRule, RollingWindow
from core.limits import booked, deciding, reasons
from core.limits.chains import Effective, Scope
from core.limits.verdicts import Block, Record, standing, used_by, written_usd
from core.money import Usage

ROWS = yaml.load((Path(__file__).parent / "cases/booking.yaml").read_text(), Loader=yaml.CSafeLoader)["rows"]
NOON_MS = 1_795_435_200_000  # 2026-11-23 12:00 UTC
MIDNIGHT_MS = NOON_MS + 12 * 3_600_000


def usage(row: dict[str, Any]) -> Usage | None:
    return Usage(input_tokens=row["in"], output_tokens=row["out"]) if "in" in row else None


def attempt(row: dict[str, Any]) -> AttemptFinished:
    return AttemptFinished(
        model=row["model"], provider="p", status=row["status"], usage=usage(row), cost_nano_usd=row.get("cost")
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["rule"])
def test_what_is_booked(row: dict[str, Any]) -> None:
    reserve = row.get("reserve", {})
    event = RequestFinished(
        id="r", at_ms=0, project="p", token="t", revision="", status=row["status"], http_status=200,
        attempts=tuple(map(attempt, row["attempts"])),
        model=reserve.get("model"), usage=usage(reserve), cost_nano_usd=reserve.get("cost"),
    )  # fmt: skip
    totals, models = booked(event)
    assert list(totals) == [eval(str(figure), {"__builtins__": {}}) for figure in row["totals"]]
    assert {model: list(amounts) for model, amounts in models.items()} == row["models"]


def effective(metric: Any = "calls", window: Any = "daily", value: object = 10, scope: Scope = Scope("shop")) -> Effective:  # noqa: B008  # a frozen value
    return Effective(scope, LimitRule(metric=metric, window=window, value=Decimal(str(value))))


def block(cause: Any = "exhausted", ends_ms: int | None = MIDNIGHT_MS, **figures: Any) -> Block:
    known = {"effective": effective(), "model": "m", "used": 10, "reserved": 2, "needed": 1}
    return Block(cause=cause, ends_ms=ends_ms, **{**known, **figures})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (block(), "the daily call limit of project shop is used up: 10 of 10 used, until 2026-11-24T00:00:00Z"),
        (
            block("too_little", used=9, needed=2),
            "the daily call limit of project shop has too little left: "
            "9 of 10 used, this request may need 2, until 2026-11-24T00:00:00Z",
        ),
        (
            block("reserved", used=9),
            "the daily call limit of project shop is taken by requests in flight: "
            "9 of 10 used, 2 reserved, this request may need 1",
        ),
        (
            block("unpriced", effective=effective("cost", value=1)),
            "the model m has no price, and the daily cost limit of project shop holds",
        ),
        (
            block(effective=effective("cost", value="1.5"), used=1_500_000_000),
            "the daily cost limit of project shop is used up: 1.5 USD of 1.5 USD used, until 2026-11-24T00:00:00Z",
        ),
        (
            block(effective=effective("total_tokens", RollingWindow(rolling=2, unit="hours"), 0), used=0, ends_ms=None),
            "the 2-hour token limit of project shop is used up: 0 of 0 used, whenever it is asked",
        ),
    ],
)
def test_a_block_says_what_whose_the_figure_and_when_it_ends(made: Block, words: str) -> None:
    assert str(made) == words


@pytest.mark.parametrize(
    ("cause", "ends_in_ms", "seconds"),
    [
        ("exhausted", 1, 1),
        ("exhausted", 1_000, 1),
        ("exhausted", 1_001, 2),
        ("exhausted", 2_000, 2),
        ("exhausted", 2_001, 3),
        ("exhausted", 0, 1),
        ("exhausted", -5_000, 1),
        ("exhausted", None, None),
        ("unpriced", None, None),
        ("reserved", 90_000, 1),
    ],
)
def test_how_long_to_wait_in_whole_seconds(cause: Any, ends_in_ms: int | None, seconds: int | None) -> None:
    ends_ms = None if ends_in_ms is None else NOON_MS + ends_in_ms
    assert block(cause, ends_ms).retry_after_s(NOON_MS) == seconds


LATE, EARLY, NEVER = block(ends_ms=200), block("too_little", ends_ms=100), block(ends_ms=None)
HELD, UNPRICED = block("reserved", ends_ms=50), block("unpriced", ends_ms=None)


@pytest.mark.parametrize(
    ("blocks", "found"),
    [
        ({"a": (LATE,), "b": (EARLY,)}, EARLY),
        ({"a": (EARLY,), "b": (LATE,)}, EARLY),
        ({"a": (NEVER,), "b": (LATE,)}, LATE),
        ({"a": (NEVER,)}, NEVER),
        ({"a": (LATE,), "b": (HELD,)}, HELD),
        ({"a": (LATE, HELD)}, LATE),  # without the requests in flight it still would not fit
        ({"a": (UNPRICED, HELD), "b": (LATE,)}, LATE),
        ({"a": (UNPRICED,)}, None),
        ({"a": (block(ends_ms=0),), "b": (LATE,)}, block(ends_ms=0)),
    ],
)
def test_which_limit_a_refusal_speaks_of(blocks: dict[str, tuple[Block, ...]], found: Block | None) -> None:
    assert deciding(blocks) == found


def test_the_reasons_of_a_model_are_one_sentence_each() -> None:
    assert reasons({"a": (LATE, UNPRICED)}) == {"a": f"{LATE}; {UNPRICED}"}


@pytest.mark.parametrize(
    ("used", "reserved", "remaining", "allowed"),
    [(0, 0, 10, True), (9, 1, 0, True), (10, 0, 0, False), (9, 3, -2, True), (12, 1, -3, False)],
)
def test_how_a_limit_stands(used: int, reserved: int, remaining: int, allowed: bool) -> None:
    seen = standing(effective(), NOON_MS, used, reserved)
    assert (seen.remaining, seen.allowed, seen.value, seen.pending) == (remaining, allowed, 10, False)
    assert (seen.start_ms, seen.reset_ms) == (MIDNIGHT_MS - 86_400_000, MIDNIGHT_MS)
    assert standing(effective(), NOON_MS, 0, 0, pending=True).pending


RECORDS = [
    Record(at_ms=NOON_MS - 3_600_000, project="shop", token="t", model="m", cost=5, input_tokens=3, output_tokens=4),
    Record(at_ms=NOON_MS, project="shop", token="u", model="m", cost=7, calls=2, input_tokens=10),
    Record(at_ms=NOON_MS, project="other", token="t", model="n", cost=9, output_tokens=20),
    Record(at_ms=NOON_MS + 1, project="shop", token="t", model="m", cost=100),
    Record(at_ms=MIDNIGHT_MS - 86_400_001, project="shop", token="t", model="m", cost=200),
]


@pytest.mark.parametrize(
    ("metric", "window", "scope", "used"),
    [
        ("cost", "daily", Scope(), 5 + 7 + 9),
        ("calls", "daily", Scope(), 1 + 2 + 1),
        ("total_tokens", "daily", Scope(), 7 + 10 + 20),
        ("input_tokens", "daily", Scope(), 3 + 10),
        ("output_tokens", "daily", Scope(), 4 + 20),
        ("cost", "daily", Scope("shop"), 5 + 7),
        ("cost", "daily", Scope("shop", "t"), 5),
        ("cost", "daily", Scope("", "", "m"), 5 + 7),
        ("cost", "daily", Scope("other", "", "m"), 0),
        # A start is inside: an hour ago is in the hour that rolls, a millisecond more than that is not.
        ("cost", RollingWindow(rolling=1, unit="hours"), Scope("shop"), 5 + 7),
        ("cost", RollingWindow(rolling=3_599, unit="seconds"), Scope("shop"), 7),
        ("cost", "monthly", Scope("shop"), 5 + 7 + 200),
    ],
)
def test_what_records_used_of_a_limit(metric: Any, window: Any, scope: Scope, used: int) -> None:
    assert used_by(RECORDS, effective(metric, window, scope=scope), NOON_MS) == used


def test_a_record_is_a_call_and_nothing_else_unless_it_says_so() -> None:
    record = Record(at_ms=0)
    assert (record.cost, record.calls, record.input_tokens, record.output_tokens) == (0, 1, 0, 0)


@pytest.mark.parametrize(
    ("nano", "written"),
    [(0, "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (20_000_000_000, "20"), (-1_000_000, "-0.001")],
)
def test_money_is_written_without_needless_zeros(nano: int, written: str) -> None:
    assert written_usd(nano) == written
