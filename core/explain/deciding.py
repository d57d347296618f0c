"""One decision with everything that leads to it. Pure: the same values give the same explanation, always."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from core.config import Model, Routing
from core.dialects import unfit
from core.events import RequestFinished
from core.explain.faults import ExplainError
from core.explain.limiting import Held, budgets_left, dropped_by
from core.facts import Facts
from core.limits import Standing
from core.plans import candidate
from core.providers import ProviderKind
from core.routing.candidates import Candidate
from core.routing.decision import PolicyOutcome
from core.routing.engine import Given, decide
from core.routing.stats import Statistics


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is made from. `providers` are the kinds of those that are known: a model of another one is able."""

    routing: Routing
    models: Mapping[str, Model]
    facts: Facts
    providers: Mapping[str, ProviderKind] = {}
    now_ms: int = 0
    events: tuple[RequestFinished, ...] = ()
    limits: tuple[Held, ...] = ()
    given: Mapping[int, Given] = {}
    project: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """The decision with everything that led to it."""

    now_ms: int
    facts: dict[str, Any]  # every field of `Facts`, defaults too
    limits: tuple[Standing, ...]
    candidates: tuple[str, ...]
    unable: dict[str, str]  # they cannot be sent a request of this dialect
    dropped: dict[str, str]
    policies: tuple[PolicyOutcome, ...]
    totals: dict[str, float]
    order: tuple[str, ...]


def explain(document: Explanation) -> Explained:
    """Decide as the proxy would have, at `now_ms`, after the events before it. Raises ExplainError for an unknown model."""
    statistics = Statistics()
    for event in document.events:
        statistics.fold(event, as_of_ms=document.now_ms)
    unable = _unable(document)
    candidates = [found for found in _candidates(document) if found.id not in unable]
    decision = decide(
        document.facts,
        candidates,
        document.routing.policies,
        statistics,
        document.now_ms,
        dropped=dropped_by(document.limits, candidates, document.now_ms),
        given=document.given,
        budgets=budgets_left(document.limits, candidates),
        project=document.project,
    )
    return Explained(
        now_ms=document.now_ms,
        facts=msgspec.structs.asdict(document.facts),
        limits=tuple(held.standing(document.now_ms) for held in document.limits),
        candidates=decision.candidates,
        unable=unable,
        dropped=decision.dropped,
        policies=decision.policies,
        totals=decision.totals,
        order=decision.order,
    )


def _candidates(document: Explanation) -> list[Candidate]:
    """The enabled models of the routing, in its order."""
    unknown = [
        (f"routing.models[{position}].id", f"no model `{routed.id}` is given under `models`")
        for position, routed in enumerate(document.routing.models)
        if routed.id not in document.models
    ]
    if unknown:
        raise ExplainError(unknown)
    return [
        candidate(routed.id, document.models[routed.id], routed.guidance)
        for routed in document.routing.models
        if document.models[routed.id].enabled
    ]


def _unable(document: Explanation) -> dict[str, str]:
    dialect = document.facts.dialect
    found = {}
    for known in _candidates(document):
        reason = unfit(known.capabilities, known.provider, document.providers.get(known.provider), dialect)
        if reason is not None:
            found[known.id] = reason
    return found
