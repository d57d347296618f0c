"""What the requests of one token are held to, with everything that depends on the revision alone worked out beforehand.

`Book` belongs to one revision; `Terms` to one token in it; `ModelTerms` to that token and one model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from core.bounds import ModelBounds, model_bounds
from core.config import Model, Settings
from core.fields import Limits
from core.limits import (
    METRICS,
    NO_LIMITS,
    Effective,
    Scope,
    Window,
    WindowUsage,
    effective_per_model,
    effective_totals,
    model_scopes,
    total_scopes,
    window_of,
)
from core.limits.chains import token_entry
from core.plans import ProjectPlan, candidate
from core.routing.candidates import Candidate
from core.snapshot import TokenEntry
from proxy.ledger.accounts import Account

_ANEW_EVERY = 256  # revisions
_COUNT_OUTPUT = frozenset({"cost", "output_tokens", "total_tokens"})


class Counting(Protocol):
    """What terms ask of a ledger: an account, and to count a scope in a window from now on."""

    def account(self, scope: Scope) -> Account:
        """The account of a scope."""

    def count(self, scope: Scope, windows: Iterable[Window], generation: int, now_ms: int) -> None:
        """Count a scope in these windows from now on, where it was not before."""

    def usage(self, scope: Scope, window: Window) -> WindowUsage:
        """What a scope that is counted in a window has used in it."""


class Check(NamedTuple):
    """One limit: at most `amount` of the metric at that index may be held in `usage`."""

    usage: WindowUsage
    metric: int
    amount: int
    total: bool  # of the totals, not of the one model
    effective: Effective


class ModelTerms:
    """What a token's requests to one model are held to."""

    __slots__ = ("accounts", "bounds", "caps_output", "checks", "model", "own", "priced", "unpriced")

    def __init__(
        self, model: str, bounds: ModelBounds, unpriced_allowed: bool, totals: tuple[Check, ...], own: tuple[Check, ...],
        accounts: tuple[Account, ...],
    ) -> None:  # fmt: skip
        self.model = model
        self.bounds = bounds
        self.own = own
        self.checks = (*totals, *own)
        self.accounts = accounts  # three for the totals, three for the model
        self.priced = bounds.text is not None
        metrics = {check.effective.rule.metric for check in self.checks}
        self.caps_output = not metrics.isdisjoint(_COUNT_OUTPUT)
        costly = next((check.effective for check in self.checks if check.effective.rule.metric == "cost"), None)
        self.unpriced = None if self.priced or unpriced_allowed else costly  # the limit that keeps it out for want of a price


class Terms:
    """What the requests of one token are held to under one revision."""

    __slots__ = (
        "_book", "_entry", "_named", "_plan", "default_cap", "limited", "models", "opening", "project", "token", "totals",
        "totals_accounts",
    )  # fmt: skip

    def __init__(self, book: Book, plan: ProjectPlan, entry: TokenEntry, now_ms: int) -> None:
        self._book = book
        self._plan = plan
        self._entry = entry
        self._named: list[WindowUsage] = []  # the counts that its limits name, whether or not they hold
        self.models: dict[str, ModelTerms] = {}  # of the project's candidates, and of others that were asked for
        self.project = entry.project
        self.token = entry.id
        self.default_cap = plan.project.default_max_output_tokens
        scopes = total_scopes(entry.project, entry.id)
        levels = (book.settings.limits, plan.project.limits, entry.token.limits)
        self._named += book.count_all(zip(scopes, levels, strict=True), now_ms)
        self.totals = book.checks(effective_totals(*levels, scopes), total=True)
        self.totals_accounts = tuple([book.ledger.account(scope) for scope in scopes])
        self.limited = bool(self.totals)  # whether any limit holds, on whatever model
        for known in plan.candidates:
            self._compile(known, now_ms)
        self.opening = self.pending(now_ms)  # false once somebody has waited for what was used before

    def hold_in(self, book: Book, plan: ProjectPlan, entry: TokenEntry) -> bool:
        """Whether these are the terms under `book` too, because nothing that they were worked out from has changed.

        Then they belong to it from now on. A count that the ledger is about to let go of has to be begun again.
        """
        if book is self._book:
            return True
        if plan is not self._plan or entry is not self._entry or any(usage.idle for usage in self._named):
            return False
        self._book = book
        for usage in self._named:
            usage.generation = max(usage.generation, book.generation)
        return True

    def pending(self, now_ms: int) -> bool:
        """Whether a limit that holds counts something without knowing yet what was used of it before."""
        checks = (*self.totals, *(check for known in self.models.values() for check in known.own))
        return any(check.usage.pending(now_ms) for check in checks)

    def model(self, model_id: str, now_ms: int) -> ModelTerms:
        """The terms of a model: a candidate of the project, or any other that the revision has. Raises KeyError."""
        return self.models.get(model_id) or self._compile(candidate(model_id, self._book.models[model_id]), now_ms)

    def _compile(self, known: Candidate, now_ms: int) -> ModelTerms:
        book, token = self._book, self._entry.token
        scopes = model_scopes(self.project, self.token, known.id)
        model = book.models.get(known.id)
        own_limits = NO_LIMITS if model is None else model.limits
        entry_limits = self._plan.entry_limits.get(known.id, NO_LIMITS)
        levels = (own_limits, entry_limits, token_entry(token.models, known.id))
        self._named += book.count_all(zip(scopes, levels, strict=True), now_ms)
        effective = effective_per_model(own_limits, entry_limits, token, known.id, scopes)
        terms = self.models[known.id] = ModelTerms(
            known.id,
            model_bounds(known),
            known.unpriced_allowed,
            self.totals,
            book.checks(effective, total=False),
            (*self.totals_accounts, *[book.ledger.account(scope) for scope in scopes]),
        )
        self.limited = self.limited or bool(terms.checks)
        return terms


class Book:
    """The limits of one revision over a ledger's counts. `generation` rises with each revision that comes into use.

    Terms go over from the revision `before` where limits and models are the same: a commit to one project leaves the tokens of
    a thousand others as they are. Now and then they are worked out anew, so that those of deleted tokens are forgotten.
    """

    def __init__(
        self, ledger: Counting, generation: int, settings: Settings, models: Mapping[str, Model], before: Book | None = None
    ) -> None:
        self.ledger = ledger
        self.generation = generation
        self.settings = settings
        self.models = models
        same = before is not None and before.models is models and before.settings.limits == settings.limits
        self._terms: dict[tuple[str, str], Terms] = before._terms if before and same and generation % _ANEW_EVERY else {}

    def terms(self, plan: ProjectPlan, entry: TokenEntry, now_ms: int) -> Terms:
        """What a token's requests are held to; worked out at its first request under this revision, or an earlier one."""
        terms = self._terms.get((entry.project, entry.id))
        if terms is None or not terms.hold_in(self, plan, entry):
            terms = self._terms[entry.project, entry.id] = Terms(self, plan, entry, now_ms)
        return terms

    def count_all(self, levels: Iterable[tuple[Scope, Limits]], now_ms: int) -> list[WindowUsage]:
        """Count what the rules of these levels name, whether or not they hold for the one who asks."""
        named: list[WindowUsage] = []
        for scope, limits in levels:
            if limits.rules:
                windows = {window_of(rule.window) for rule in limits.rules}
                self.ledger.count(scope, windows, self.generation, now_ms)
                named += [self.ledger.usage(scope, window) for window in windows]
        return named

    def checks(self, effective: tuple[Effective, ...], *, total: bool) -> tuple[Check, ...]:
        """The limits that hold, each with its count."""
        return tuple([self._check(held, total) for held in effective])

    def _check(self, held: Effective, total: bool) -> Check:
        usage = self.ledger.usage(held.scope, window_of(held.rule.window))
        return Check(usage, METRICS.index(held.rule.metric), held.amount, total, held)
