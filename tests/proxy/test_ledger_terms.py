"""Which terms go over to the next revision: those that nothing has changed for, and no others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.facts import Facts
from core.fields import Limits
from core.limits import NO_LIMITS
from core.snapshot import TokenEntry
from proxy.ledger.terms import Book, Terms
from tests.proxy.ledgers import NOW_MS, World, attempt, finished, limits, rule, used

ONE = Facts(input_tokens_bound=1)
TEN_CALLS = limits(rule("calls", "daily", 10))


class Revisions:
    """One project and one token, under one revision after the other."""

    def __init__(self, project: Limits) -> None:
        self.world = World(project=project)
        self.plan = self.world.plan()
        self.entry = TokenEntry("t", "p", self.world._token)

    def next(self, **settings: Any) -> Book:
        """The next revision, with the very same models."""
        world = self.world
        return world.ledger.book(msgspec.structs.replace(world._settings, **settings), world._models)

    def terms(self, book: Book) -> Terms:
        return book.terms(self.plan, self.entry, NOW_MS)


def test_terms_go_over_to_a_revision_that_changes_nothing_for_them() -> None:
    revisions = Revisions(TEN_CALLS)
    first = revisions.terms(revisions.world.book)
    assert revisions.terms(revisions.next(journal_failure="serve")) is first
    assert revisions.terms(revisions.next()) is first


@pytest.mark.parametrize("changed", ["plan", "entry", "models", "limits"])
def test_whatever_they_are_made_of_makes_them_anew(changed: str) -> None:
    revisions = Revisions(TEN_CALLS)
    world, first = revisions.world, revisions.terms(revisions.world.book)
    book = revisions.next()
    if changed == "plan":
        revisions.plan = world.plan()
    elif changed == "entry":
        revisions.entry = TokenEntry("t", "p", world._token)
    elif changed == "models":
        book = world.ledger.book(world._settings, dict(world._models))
    else:
        book = revisions.next(limits=limits(rule("calls", "daily", 5)))
    assert revisions.terms(book) is not first


def test_limits_that_changed_hold_at_once_over_the_use_that_was() -> None:
    revisions = Revisions(NO_LIMITS)
    world = revisions.world
    world.reload(platform=TEN_CALLS)
    revisions.plan, before = world.plan(), world.book
    assert revisions.terms(before).limited
    world.ledger.reserve("1", revisions.terms(before), "a", ONE, NOW_MS)
    world.ledger.settle(finished("1", attempt("a", usage=used(1))))
    after = revisions.terms(revisions.next(limits=limits(rule("calls", "daily", 1))))
    assert world.ledger.exhausted(after, revisions.plan.candidates, NOW_MS).keys() == {"a", "b", "c"}


def test_terms_whose_count_the_ledger_may_let_go_of_begin_it_again() -> None:
    revisions = Revisions(TEN_CALLS)
    ledger, first = revisions.world.ledger, revisions.terms(revisions.world.book)
    for _ in range(1_000):  # many checkpoints under newer revisions that nobody asks under
        revisions.next()
        ledger.sweep(NOW_MS)
    later = revisions.terms(revisions.next())
    assert later is not first
    assert ledger.reserve("1", later, "a", ONE, NOW_MS)
    ((_, metric, used_calls, reserved),) = [
        (standing.scope, standing.metric, standing.used, standing.reserved) for standing in ledger.standings(later, NOW_MS)
    ]
    assert (metric, used_calls, reserved) == ("calls", 0, 1)
