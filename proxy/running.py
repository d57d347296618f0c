"""What the proxy runs on right now: a snapshot and, made once for it, the way to each model's upstream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from core.config import Model, Provider, Simulation
from core.facts import Dialect
from core.origins import origin_of
from core.plans import candidate
from core.routing.candidates import Candidate
from core.snapshot import Snapshot
from proxy.credentials import Credentials, CredentialUnavailable
from proxy.ledger import Book
from proxy.providers import Endpoint, endpoint
from proxy.providers.simulated import SimulatedExchange, Simulator
from proxy.upstream import Exchange

AnyExchange: TypeAlias = Exchange | SimulatedExchange
Open: TypeAlias = Callable[..., Awaitable[AnyExchange]]


class WayUnavailable(Exception):
    """A model cannot be reached from here; the message says why and how to mend it, never a key."""


class Way(NamedTuple):
    """How a model is reached in one dialect: what builds its requests and reads its answers, and what opens its calls."""

    endpoint: Endpoint
    open: Open


class Running:
    """One revision with its ways. Replaced as a whole by a reload; a request keeps the one that it began with."""

    def __init__(self, snapshot: Snapshot, book: Book, credentials: Credentials, open_upstream: Open) -> None:
        self.snapshot = snapshot
        self.book = book  # the limits of this revision
        self._credentials = credentials
        self._open_upstream = open_upstream
        self._ways: dict[tuple[str, Dialect], Way] = {}
        self._candidates: dict[str, Candidate] = {}

    def way(self, model_id: str, dialect: Dialect) -> Way:
        """The way to a model, made at its first use in this revision. Raises WayUnavailable."""
        way = self._ways.get((model_id, dialect))
        if way is None:
            model = self.snapshot.models[model_id]
            try:
                way = self._make(model_id, model, self.snapshot.providers[model.provider], dialect)
            except (CredentialUnavailable, ValueError) as error:
                raise WayUnavailable(str(error)) from None
            self._ways[model_id, dialect] = way
        return way

    def candidate(self, model_id: str) -> Candidate:
        """A model as an attempt knows it, whether or not a project lists it."""
        known = self._candidates.get(model_id)
        if known is None:
            known = self._candidates[model_id] = candidate(model_id, self.snapshot.models[model_id])
        return known

    def _make(self, model_id: str, model: Model, provider: Provider, dialect: Dialect) -> Way:
        if provider.kind == "simulated":
            simulator = Simulator(model_id, model.simulation or provider.simulation or Simulation())
            return Way(endpoint(model_id, model, model.provider, provider, None, dialect), simulator.open)
        key = self._credentials.key(model.provider, provider, origin_of(provider.address))
        return Way(endpoint(model_id, model, model.provider, provider, key, dialect), self._open_upstream)
