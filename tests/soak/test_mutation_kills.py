"""`kill -9` in the middle of mutations and pushes: each is wholly there or not at all, and a retry does it once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.mutation_kills import WRITERS, Account, killed_under_mutations
from tests.soak import report

KILLS = 200
SEED = 8


async def test_a_few_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    account = await killed_under_mutations(tmp_path / "data", 5, SEED)
    assert account.problems == []
    assert account.kills.total() == 5


@pytest.mark.soak
async def test_two_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    account = await killed_under_mutations(tmp_path / "data", KILLS, SEED)
    report.write(
        "mutation-kills",
        "kill -9 in the middle of mutations and pushes: each is wholly there or not at all, and a retry does it once",
        lines(account),
    )
    assert account.problems == []
    assert account.kills.total() == KILLS


def lines(account: Account) -> list[str]:
    """The account for people."""
    retried = [done for done in account.done if done.sent > 1]
    replayed = sum(done.replayed for done in retried)
    kills = account.kills
    return [
        f"{kills.total()} kills in {account.seconds:.0f} s: the API {kills['api']} times,"
        f" a `git push` with what it pushes to and the hook {kills['git push']} times",
        f"{len(account.done)} mutations by {WRITERS} writers, {account.pushes} pushes of four files, {account.commits} commits",
        f"{len(retried)} mutations were sent again after a kill with the same idempotency key;"
        f" {replayed} of them had been carried out before it, and were not done again",
        "git fsck --strict --full passes; no lock is left; the configuration is sound; every key is in exactly one commit,"
        " whose files are those of the answer; every push is there once, with all its files",
        f"problems: {account.problems or 'none'}",
    ]
