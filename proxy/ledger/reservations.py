"""What is reserved for one request, from its admission to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from core.bounds import Demand
from core.events import RequestAdmitted
from core.facts import Facts
from core.limits import METRICS, Amounts, Scope
from core.limits.amounts import NOTHING, added, amounts
from proxy.ledger.accounts import Account
from proxy.ledger.terms import ModelTerms, Terms

_ONE_CALL: Amounts = (0, 1, 0, 0, 0)


class Grant(msgspec.Struct, frozen=True):
    """A request is reserved for. What `RequestAdmitted` says of it, and the cap that its output bound rests on."""

    model: str
    reserved: dict[str, int]
    spent: dict[str, dict[str, int]]
    cap: int | None  # to be sent upstream as the cap on each answer; None: the client's or the model's own binds


class Overrun(NamedTuple):
    """A request used more than was reserved for it; it is booked in full."""

    request_id: str
    reserved: Amounts
    real: Amounts


class Reservation:
    """One request in flight: the model that it is reserved for now, and what earlier attempts cost."""

    __slots__ = ("accounts", "amounts", "at_ms", "facts", "model", "project", "spent", "terms", "token")

    def __init__(
        self, project: str, token: str, at_ms: int, accounts: tuple[Account, ...], model: str, reserved: Amounts,
        terms: Terms | None = None, facts: Facts | None = None,
    ) -> None:  # fmt: skip
        self.project = project
        self.token = token
        self.at_ms = at_ms
        self.accounts = accounts  # three of the totals, three of the model
        self.model = model  # "" between two attempts
        self.amounts = reserved
        self.spent: dict[str, Amounts] | None = None
        self.terms = terms
        self.facts = facts

    @property
    def total(self) -> Amounts:
        """What is reserved in the totals: one call, whatever the number of attempts."""
        if not self.spent:
            return self.amounts if self.model else _ONE_CALL
        total = self.amounts if self.model else _ONE_CALL
        for spent in self.spent.values():
            total = added(total, spent)
        return total

    @property
    def models(self) -> Iterator[tuple[str, Amounts]]:
        """What is reserved for each model."""
        kept = dict(self.spent or {})
        if self.model:
            kept[self.model] = added(kept.get(self.model, NOTHING), self.amounts)
        yield from kept.items()

    def share(self, scope: Scope) -> Amounts | None:
        """What of it is reserved in a scope; None: nothing, it is not of that scope."""
        if scope.project not in ("", self.project) or scope.token not in ("", self.token):
            return None
        return dict(self.models).get(scope.model) if scope.model else self.total

    def spend(self, spent: Amounts) -> None:
        """The present attempt is over; that is what it cost."""
        if spent != NOTHING:
            known = self.spent or {}
            self.spent = {**known, self.model: added(known.get(self.model, NOTHING), spent)}
        self.model, self.amounts = "", NOTHING

    def state(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "project": self.project,
            "token": self.token,
            "at_ms": self.at_ms,
            "model": self.model,
            "amounts": self.amounts,
            "spent": self.spent,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], accounts: tuple[Account, ...]) -> Reservation:
        """What `state` gave."""
        reserved = _five(state["amounts"])
        reservation = cls(state["project"], state["token"], state["at_ms"], accounts, state["model"], reserved)
        if state["spent"]:
            reservation.spent = {model: _five(spent) for model, spent in state["spent"].items()}
        return reservation

    @classmethod
    def of(cls, event: RequestAdmitted, accounts: tuple[Account, ...]) -> Reservation:
        """What an admission says is reserved."""
        at_ms = event.at_ms + event.admitted_ms
        reservation = cls(event.project, event.token, at_ms, accounts, event.model, _read(event.reserved))
        if event.spent:
            reservation.spent = {model: _read(spent) for model, spent in event.spent.items()}
        return reservation


def granted(held: ModelTerms, found: Demand, spent: Mapping[str, Amounts] | None) -> Grant:
    """What is said to the one who asked."""
    return Grant(
        held.model,
        {
            "cost": found.cost_nano_usd or 0,
            "calls": 1,
            "input_tokens": found.input_tokens,
            "output_tokens": found.output_tokens,
        }
        if found.cost_nano_usd is not None
        else {"calls": 1, "input_tokens": found.input_tokens, "output_tokens": found.output_tokens},
        {model: dict(zip(METRICS[:4], kept[:4], strict=True)) for model, kept in spent.items()} if spent else {},
        found.sent_cap if found.own_cap and held.caps_output else None,
    )


def _read(written: Mapping[str, int]) -> Amounts:
    get = written.get
    return amounts(get("cost", 0), get("calls", 0), get("input_tokens", 0), get("output_tokens", 0))


def _five(values: Any) -> Amounts:
    cost, calls, into, out, total = values
    return (cost, calls, into, out, total)
