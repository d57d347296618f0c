"""The ledger of one proxy process: what is used, what is reserved, and whether one more request fits.

Everything happens in one step of the event loop, so a check and its reservation cannot be parted. Nothing here asks a clock.
A request is reserved for before it is journalled, moved when it falls back, and settled by the very event that the journal
keeps: replaying the journal over a checkpoint gives the same figures, because it runs the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.config import Model, Settings
from core.events import AttemptFinished, JournalEvent, RequestAdmitted, RequestFinished
from core.facts import Facts
from core.limits import Amounts, Block, Scope, Standing, Window, WindowUsage, booked, model_scopes, standing, total_scopes
from core.limits.amounts import COST, NOTHING, added, amounts, taken
from core.routing.candidates import Candidate
from proxy.ledger.accounts import Account, Accounts
from proxy.ledger.fitting import exhausted_by, fit, least_left
from proxy.ledger.reservations import Grant, Overrun, Reservation, granted
from proxy.ledger.terms import Book, ModelTerms, Terms

_NOT_BLOCKED: Mapping[str, tuple[Block, ...]] = {}
_ONE_CALL: Amounts = (0, 1, 0, 0, 0)


class MemoryLedger:
    """Usage and reservations of all scopes. Not safe between threads: it belongs to one event loop.

    `new` is a ledger before the first request ever: nothing can have been used that it does not know.
    """

    def __init__(self, *, new: bool = False) -> None:
        self._accounts = Accounts()
        self._open: dict[str, Reservation] = {}
        self._generation = 0
        self._book_in_use: Book | None = None
        self._untouched = new

    # --- what holds ---

    def book(self, settings: Settings, models: Mapping[str, Model]) -> Book:
        """The limits of a revision that comes into use, the newest so far."""
        self._generation += 1
        self._book_in_use = Book(self, self._generation, settings, models, self._book_in_use)
        return self._book_in_use

    def account(self, scope: Scope) -> Account:
        """The account of a scope."""
        return self._accounts.account(scope)

    def count(self, scope: Scope, windows: Iterable[Window], generation: int, now_ms: int) -> None:
        """Count a scope in these windows: from now on, and with what is in flight, where it was not counted before."""
        # Whoever is in flight holds the accounts of its scopes.
        in_flight = self._open.values() if self._accounts.is_held(scope) else ()
        for window in windows:
            usage = self._accounts.find(scope, window)
            if usage is None:
                usage = self._accounts.begin(scope, window, now_ms, complete=self._untouched)
                for reservation in in_flight:
                    if (part := reservation.share(scope)) is not None:
                        usage.add(reservation.at_ms, part, part)
            usage.generation = max(usage.generation, generation)

    def usage(self, scope: Scope, window: Window) -> WindowUsage:
        """What a scope that is counted in a window has used in it."""
        usage = self._accounts.find(scope, window)
        assert usage is not None  # every rule is counted before it is held to
        return usage

    # --- asking ---

    def exhausted(self, terms: Terms, candidates: Sequence[Candidate], now_ms: int) -> Mapping[str, tuple[Block, ...]]:
        """The candidates that a used-up limit rules out, or the want of a price, with every limit that does."""
        if not terms.limited:
            return _NOT_BLOCKED
        totals = exhausted_by(terms.totals, now_ms)
        blocked: dict[str, tuple[Block, ...]] = {}
        known = terms.models
        for candidate in candidates:
            held = known.get(candidate.id) or terms.model(candidate.id, now_ms)
            own = exhausted_by(held.own, now_ms) if held.own else ()
            if held.unpriced is not None:
                own = (*own, _unpriced(held))
            if own or totals:
                blocked[candidate.id] = (*totals, *own)
        return blocked or _NOT_BLOCKED

    def remaining(self, terms: Terms, candidates: Sequence[Candidate], now_ms: int) -> dict[str, float]:
        """For each candidate the smallest share that is left of a limit it would reserve in, 0..1; 1.0 without limits."""
        totals = least_left(terms.totals, now_ms)
        shares: dict[str, float] = {}
        known = terms.models
        for candidate in candidates:
            held = known.get(candidate.id) or terms.model(candidate.id, now_ms)
            if held.priced:
                shares[candidate.id] = least_left(held.own, now_ms, totals) if held.own else totals
            else:
                shares[candidate.id] = least_left([check for check in held.checks if check.metric != COST], now_ms)
        return shares

    def standings(self, terms: Terms, now_ms: int, model_id: str | None = None) -> tuple[Standing, ...]:
        """How each effective limit of the totals stands; with a model those on it too."""
        checks = terms.totals if model_id is None else terms.model(model_id, now_ms).checks
        found = []
        for usage, metric, _, _, effective in checks:
            used = usage.used(now_ms, metric)
            reserved = usage.held(now_ms, metric) - used
            found.append(standing(effective, now_ms, used, reserved, pending=usage.pending(now_ms)))
        return tuple(found)

    def reserved_cost(self, request_id: str) -> int | None:
        """Nano-USD that are reserved for a request in flight, with what its earlier attempts cost."""
        reservation = self._open.get(request_id)
        return None if reservation is None else reservation.total[COST]

    # --- a request's way ---

    def reserve(
        self, request_id: str, terms: Terms, model_id: str, facts: Facts, now_ms: int, *, exact_input: int | None = None
    ) -> Grant | tuple[Block, ...]:
        """Admit a request for its first model, at this instant, or say every limit that stands in its way."""
        held = terms.model(model_id, now_ms)
        found = _unpriced(held) if held.unpriced is not None else fit(held, terms, facts, now_ms, exact_input)
        if isinstance(found, Block):
            return (found,)
        if isinstance(found, tuple):
            return found
        need = found.amounts
        for account in held.accounts:
            for usage in account.windows:
                usage.add(now_ms, need, need)
        self._open[request_id] = Reservation(terms.project, terms.token, now_ms, held.accounts, model_id, need, terms, facts)
        self._untouched = False
        return granted(held, found, None)

    def move(
        self, request_id: str, model_id: str, now_ms: int, failed: AttemptFinished | None, *, exact_input: int | None = None
    ) -> Grant | tuple[Block, ...]:
        """Fall back, in the windows of the admission: release the failed attempt, less what it cost, and reserve for the next.

        Where there is no room nothing is reserved any more but what was spent; the next move has no `failed`.
        """
        reservation = self._open[request_id]
        terms, facts = reservation.terms, reservation.facts
        assert terms is not None
        assert facts is not None
        self._give_up(reservation, failed)
        held = terms.model(model_id, now_ms)
        if held.unpriced is not None:
            return (_unpriced(held),)
        found = fit(held, terms, facts, reservation.at_ms, exact_input, moving=True)
        if isinstance(found, tuple):
            return found
        need = found.amounts
        self._change(held.accounts[:3], reservation.at_ms, taken(need, _ONE_CALL), taken(need, _ONE_CALL))
        self._change(held.accounts[3:], reservation.at_ms, need, need)
        reservation.accounts, reservation.model, reservation.amounts = held.accounts, model_id, need
        return granted(held, found, reservation.spent)

    def release(self, request_id: str) -> None:
        """Give back all that is reserved for a request that was not admitted after all."""
        reservation = self._open.pop(request_id, None)
        if reservation is not None:
            self._unreserve(reservation)

    def settle(self, event: RequestFinished) -> Overrun | None:
        """Book what a request really used, in full, in the windows of its admission; say so where it is above the reserve."""
        reservation = self._open.pop(event.id, None)
        if reservation is None:
            self._book(event)
            return None
        total, models = booked(event)
        reserved = reservation.total
        own = models.get(reservation.model, NOTHING)
        self._change(reservation.accounts[:3], reservation.at_ms, taken(total, reserved), taken(NOTHING, reserved))
        kept = reservation.amounts
        self._change(reservation.accounts[3:], reservation.at_ms, taken(own, kept), taken(NOTHING, kept))
        if reservation.spent or len(models) > 1 or (models and own is NOTHING):
            self._settle_others(reservation, models)
        return Overrun(event.id, reserved, total) if _above(total, reserved) else None

    def _settle_others(self, reservation: Reservation, models: dict[str, Amounts]) -> None:
        """The models that were given up on the way, and what they cost."""
        spent = reservation.spent or {}
        for model in {**spent, **models}:
            if model == reservation.model:
                real, kept = NOTHING, spent.get(model, NOTHING)
            else:
                real, kept = models.get(model, NOTHING), spent.get(model, NOTHING)
            accounts = self._model_accounts(reservation.project, reservation.token, model)
            self._change(accounts, reservation.at_ms, taken(real, kept), taken(NOTHING, kept))

    def _give_up(self, reservation: Reservation, failed: AttemptFinished | None) -> None:
        """Release the present attempt but for what it cost; its call stays reserved in the totals."""
        if not reservation.model:
            return
        usage = None if failed is None else failed.usage
        cost = 0 if failed is None else failed.cost_nano_usd or 0
        spent = NOTHING if usage is None else amounts(cost, 0, usage.input_tokens, usage.output_tokens)
        change = taken(spent, reservation.amounts)
        self._change(reservation.accounts[:3], reservation.at_ms, added(change, _ONE_CALL), added(change, _ONE_CALL))
        self._change(reservation.accounts[3:], reservation.at_ms, change, change)
        reservation.spend(spent)

    def _unreserve(self, reservation: Reservation) -> None:
        total = taken(NOTHING, reservation.total)
        self._change(reservation.accounts[:3], reservation.at_ms, total, total)
        for model, kept in reservation.models:
            back = taken(NOTHING, kept)
            self._change(self._model_accounts(reservation.project, reservation.token, model), reservation.at_ms, back, back)

    def _book(self, event: RequestFinished) -> None:
        """Book a request that was never reserved for here."""
        total, models = booked(event)
        if total == NOTHING and not models:
            return
        at_ms = event.at_ms + event.admitted_ms
        self._untouched = False
        self._change(self._total_accounts(event.project, event.token), at_ms, total, NOTHING)
        for model, used in models.items():
            self._change(self._model_accounts(event.project, event.token, model), at_ms, used, NOTHING)

    @staticmethod
    def _change(accounts: Iterable[Account], at_ms: int, held: Amounts, reserved: Amounts) -> None:
        for account in accounts:
            for usage in account.windows:
                usage.add(at_ms, held, reserved)

    def _total_accounts(self, project: str, token: str) -> tuple[Account, ...]:
        return tuple([self._accounts.account(scope) for scope in total_scopes(project, token)])

    def _model_accounts(self, project: str, token: str, model: str) -> tuple[Account, ...]:
        return tuple([self._accounts.account(scope) for scope in model_scopes(project, token, model)])

    # --- checkpoint, replay, opening balances ---

    def fold(self, event: JournalEvent) -> None:
        """Replay a record of the journal after the checkpoint: what it says was reserved or used is, without asking limits."""
        if isinstance(event, RequestFinished):
            self.settle(event)
            return
        if isinstance(event, RequestAdmitted) and event.reserved:
            self.release(event.id)  # written again when it fell back: the newer reserve takes the older one's place
            self._reserve_again(event.id, Reservation.of(event, self._total_accounts(event.project, event.token)))

    def _reserve_again(self, request_id: str, reservation: Reservation) -> None:
        own = self._model_accounts(reservation.project, reservation.token, reservation.model)
        reservation.accounts = (*reservation.accounts[:3], *own)
        total = reservation.total
        self._change(reservation.accounts[:3], reservation.at_ms, total, total)
        for model, kept in reservation.models:
            self._change(self._model_accounts(reservation.project, reservation.token, model), reservation.at_ms, kept, kept)
        self._open[request_id] = reservation
        self._untouched = False

    def state(self) -> dict[str, Any]:
        """For a checkpoint, to be encoded at once: not everything is copied. Costs what has changed since the last one."""
        return {
            "accounts": self._accounts.state(),
            "open": {request: reservation.state() for request, reservation in self._open.items()},
            "untouched": self._untouched,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> MemoryLedger:
        """What `state` described, after a round trip through JSON too."""
        ledger = cls(new=state["untouched"])
        ledger._accounts.restore(state["accounts"])
        for request, kept in state["open"].items():
            reservation = Reservation.restore(kept, ())
            reservation.accounts = (
                *ledger._total_accounts(reservation.project, reservation.token),
                *ledger._model_accounts(reservation.project, reservation.token, reservation.model),
            )
            ledger._open[request] = reservation
        return ledger

    def sweep(self, now_ms: int) -> None:
        """Let go of what is over; to be called with every checkpoint."""
        self._accounts.sweep(now_ms, self._generation)

    def pending(self, now_ms: int) -> Iterator[tuple[Scope, Window]]:
        """The counts that began in the middle of their window: what was used before awaits its opening balance."""
        return self._accounts.pending(now_ms)

    def open_balance(
        self,
        scope: Scope,
        window: Window,
        balance: Iterable[tuple[int, Amounts]],
        since: Iterable[RequestFinished],
        now_ms: int,
    ) -> bool:
        """Take over what was used before this count began. False where it is not counted any more.

        `balance` is all use of the scope up to some event: (instant of admission, amounts), of any number of requests together
        for a calendar window; `since` are all the journal's ends of requests after that event.
        """
        usage = self._accounts.find(scope, window)
        if usage is None:
            return False
        used = [(at_ms, (cost, calls, into, out, total)) for at_ms, (cost, calls, into, out, total) in balance]
        for event in since:
            if scope.project in ("", event.project) and scope.token in ("", event.token):
                total_amounts, models = booked(event)
                own = models.get(scope.model, NOTHING) if scope.model else total_amounts
                used.append((event.at_ms + event.admitted_ms, own))
        usage.replace_used(now_ms, used)
        return True


def _unpriced(held: ModelTerms) -> Block:
    assert held.unpriced is not None
    return Block(cause="unpriced", effective=held.unpriced, model=held.model, used=0, reserved=0, needed=0, ends_ms=None)


def _above(real: Amounts, reserved: Amounts) -> bool:
    a, b, c, d, e = real
    v, w, x, y, z = reserved
    return a > v or b > w or c > x or d > y or e > z
