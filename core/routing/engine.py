"""From candidates to an order: every enabled policy scores, exclusions are united, weighted totals decide, ties keep the
project's order. Pure: the same facts, candidates, statistics and instant give the same decision, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from core.facts import Facts
from core.routing.candidates import Candidate, Scores
from core.routing.decision import Decision as Decision
from core.routing.decision import PolicyOutcome as PolicyOutcome
from core.routing.policies import KINDS, SCORERS, Policy
from core.routing.stats import Statistics

LEFT_OUT_SCORE = 0.5
_BILLION = 1e9


class Given(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a policy said that was asked beforehand, because asking it takes a call. A model left out scores 0.5."""

    points: dict[str, float] = {}
    excludes: dict[str, str] = {}  # model -> reason
    failed: str = ""  # why there is no answer; the policy is skipped then


_NOTHING_GIVEN: Mapping[int, Given] = {}
_NOTHING_DROPPED: Mapping[str, str] = {}


def decide(
    facts: Facts,
    candidates: Sequence[Candidate],
    policies: Sequence[Policy],
    stats: Statistics,
    now_ms: int,
    *,
    dropped: Mapping[str, str] = _NOTHING_DROPPED,
    given: Mapping[int, Given] = _NOTHING_GIVEN,
) -> Decision:
    """The order in which to try the candidates, with the whole reasoning.

    `dropped` are the models that limits rule out, with the reason; `given` the answers of policies asked beforehand, by
    position in `policies`. Never raises: a policy that fails is skipped and says why, and the weights of the others stay.
    """
    remaining = [candidate for candidate in candidates if candidate.id not in dropped] if dropped else candidates
    outcomes = _outcomes(facts, remaining, policies, stats, now_ms, given) if remaining else []
    totals = _totals(remaining, outcomes)
    return Decision(
        candidates=tuple([candidate.id for candidate in candidates]),
        dropped=dict(dropped),
        policies=tuple(outcomes),
        totals=totals,
        # Sorting is stable, also when reversed: equal totals keep the project's order.
        order=tuple(sorted(totals, key=totals.__getitem__, reverse=True)),
    )


def _outcomes(
    facts: Facts,
    candidates: Sequence[Candidate],
    policies: Sequence[Policy],
    stats: Statistics,
    now_ms: int,
    given: Mapping[int, Given],
) -> list[PolicyOutcome]:
    """What each enabled policy says; policy i of N weighs N − i, whether or not others fail."""
    weight = sum([policy.enabled for policy in policies])
    remembered = stats.remembered(candidates, now_ms)
    outcomes: list[PolicyOutcome] = []
    for position, policy in enumerate(policies):
        if not policy.enabled:
            continue
        kind = KINDS[policy.__class__]
        known = remembered.get(id(policy))
        if known is not None and known[0] is policy and known[1].weight == weight:
            outcomes.append(known[1])
            weight -= 1
            continue
        try:
            if position in given:
                answer = _given_scores(given[position], candidates)
            else:
                answer = SCORERS[kind](facts, candidates, stats, policy, now_ms)
            outcome = _outcome(kind, weight, answer)
            outcomes.append(outcome)
            if answer.lasting:
                remembered[id(policy)] = (policy, outcome)
        except Exception as error:
            # Whatever goes wrong inside one policy must not take the request with it; the trace shows what it was.
            outcomes.append(PolicyOutcome(kind=kind, weight=weight, failed=str(error) or type(error).__name__))
        weight -= 1
    return outcomes


def _outcome(kind: str, weight: int, answer: Scores) -> PolicyOutcome:
    """A policy's answer with its scores held to 0..1; not a number is 0, and so is an excluded model."""
    scores = answer.scores
    for model, score in scores.items():
        if not 0.0 <= score <= 1.0:
            scores[model] = 1.0 if score > 1.0 else 0.0
    for model in answer.excluded:
        scores[model] = 0.0
    return PolicyOutcome(kind=kind, weight=weight, scores=scores, excluded=answer.excluded, inputs=answer.inputs)


class PolicyFailed(Exception):
    """A policy that was asked beforehand has no answer."""


def _given_scores(given: Given, candidates: Sequence[Candidate]) -> Scores:
    """An answer that was obtained beforehand, over the candidates that are left."""
    if given.failed:
        raise PolicyFailed(given.failed)
    models = [candidate.id for candidate in candidates]
    return Scores(
        scores={model: given.points.get(model, LEFT_OUT_SCORE) for model in models},
        excluded={model: given.excludes[model] for model in models if model in given.excludes},
    )


def _totals(candidates: Sequence[Candidate], outcomes: Sequence[PolicyOutcome]) -> dict[str, float]:
    """Σ score × weight of each model that no policy excluded, in the project's order, rounded to 9 decimals."""
    weighed = [(outcome.scores, outcome.weight) for outcome in outcomes if not outcome.failed]
    excluded = {model for outcome in outcomes for model in outcome.excluded} if outcomes else ()
    totals: dict[str, float] = {}
    for candidate in candidates:
        model = candidate.id
        if model in excluded:
            continue
        total = 0.0
        for scores, weight in weighed:
            total += scores[model] * weight
        scaled = total * _BILLION
        whole = int(scaled + 0.5)
        # Three times as fast as round(total, 9), which has to decide by decimal digits only beside a half.
        totals[model] = whole / _BILLION if -0.499 < scaled - whole < 0.499 else round(total, 9)
    return totals
