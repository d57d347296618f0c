"""Whatever a client sends, GraphQL answers like GraphQL: no 5xx, no internal error, no word of our insides, in good time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.product import Product
from tests.soak import report
from tests.soak.fuzzing import Account, Fuzzer

SECONDS = 600
A_MINUTE = 60
SEED = 4


def test_two_fuzzed_documents_of_each_operation_break_nothing(tmp_path: Path) -> None:
    account = fuzzed(tmp_path / "data", A_MINUTE, examples=2, rounds=1)
    assert account.problems == {}
    assert len(account.operations) > 60


@pytest.mark.soak
def test_ten_minutes_of_fuzzed_documents_break_nothing(tmp_path: Path) -> None:
    account = fuzzed(tmp_path / "data", SECONDS, examples=20)
    report.write("graphql-fuzz", "schemathesis against /graphql of the whole product, as its admin", lines(account))
    assert account.problems == {}


def fuzzed(data: Path, seconds: float, examples: int, rounds: int = 1_000) -> Account:
    """The account of a run against an instance of its own."""
    product = Product(data)
    try:
        product.start()
        for _ in range(3):
            product.ask()
        return Fuzzer(product, SEED).run(seconds, examples, rounds)
    finally:
        product.close()


def lines(account: Account) -> list[str]:
    """The account for people."""
    never = sorted(account.operations.keys() - account.reached)
    return [
        f"{account.operations.total()} documents for {len(account.operations)} operations in {account.seconds:.0f} s,"
        f" seed {SEED}",
        f"slowest answer: {account.slowest[0]:.2f} s, {account.slowest[1]}",
        "answers by their error codes:",
        *(f"  {count:6}  {codes}" for codes, count in account.outcomes.most_common()),
        f"operations that never answered without errors: {', '.join(never) or 'none'}",
        f"problems: {len(account.problems) or 'none'}",
        *(f"{what}\n    {first}" for what, first in account.problems.items()),
    ]
