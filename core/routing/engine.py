"""From candidates to an order: every enabled policy scores, exclusions are united, weighted totals decide, ties keep the
project's order. Pure: the same facts, candidates, statistics and instant give the same decision, always.

A `Ranking` is what a project's candidates and policies come to before any request: compiled once a revision. Inside, scores
are lists by position; names come in where the reasoning is written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from core.facts import Facts
from core.routing.candidates import Candidate, Pool, Score, Scores
from core.routing.decision import Decision as Decision
from core.routing.decision import PolicyOutcome as PolicyOutcome
from core.routing.policies import ASKED, KINDS, SCORERS, SCORES_WHEN_FAILED, Policy
from core.routing.situation import NO_BUDGETS, Situation
from core.routing.stats import Statistics

LEFT_OUT_SCORE = 0.5
_BILLION = 1e9
_TO_WHOLE = 6755399441055744.0  # 1.5 × 2^52: adding it to a float and taking it away again leaves a whole number


class Given(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a policy said that was asked beforehand, because asking it takes a call. A model left out scores 0.5."""

    points: dict[str, float] = {}
    excludes: dict[str, str] = {}  # model -> reason
    failed: str = ""  # why there is no answer
    note: str = ""  # what the points do not say of themselves


_NOTHING_GIVEN: Mapping[int, Given] = {}
_NOTHING_DROPPED: Mapping[str, str] = {}
_NOTHING_SAID: dict[str, str] = {}


class PolicyFailed(Exception):
    """A policy that was asked beforehand has no answer."""


class Step(NamedTuple):
    """One enabled policy in its place."""

    at: int  # among the enabled ones
    position: int  # among all policies, disabled ones too
    policy: Policy
    kind: str
    weight: int


class Moment:
    """What one ranking's policies made of the statistics alone: it holds for all decisions of a millisecond."""

    __slots__ = ("excluded", "outcomes", "parts", "steps")

    def __init__(self, steps: list[Step], pool: Pool) -> None:
        self.steps = steps  # those still to be asked
        self.outcomes: list[Any] = [None] * len(steps)  # PolicyOutcome, None for those still to be asked
        self.parts = pool.nothing  # Σ score × weight of those that are known, by position
        self.excluded: list[str] = []


class Ranking:
    """A project's candidates and policies, ready to decide."""

    __slots__ = ("_steps", "asked", "policies", "pool", "weighs_budgets")
    __hash__ = None  # type: ignore[assignment]  # equal by value, and nobody's key

    def __init__(self, candidates: Sequence[Candidate], policies: Sequence[Policy]) -> None:
        self.pool = Pool(candidates)
        self.policies = tuple(policies)
        enabled = [(position, policy) for position, policy in enumerate(policies) if policy.enabled]
        self._steps = [
            Step(at, position, policy, KINDS[type(policy)], len(enabled) - at) for at, (position, policy) in enumerate(enabled)
        ]
        # Those whose answer takes a call, by their position: the caller asks them and gives it.
        self.asked = tuple((step.position, step.policy) for step in self._steps if step.kind in ASKED)
        self.weighs_budgets = any(step.kind == "budget-remaining" for step in self._steps)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ranking):
            return NotImplemented
        return (self.pool.candidates, self.policies) == (other.pool.candidates, other.policies)

    def decide(
        self,
        facts: Facts,
        stats: Statistics,
        now_ms: int,
        *,
        dropped: Mapping[str, str] = _NOTHING_DROPPED,
        given: Mapping[int, Given] = _NOTHING_GIVEN,
        budgets: Mapping[str, float] = NO_BUDGETS,
        project: str = "",
    ) -> Decision:
        """The order in which to try the candidates, with the whole reasoning; see the function `decide`."""
        pool = self.pool
        moment: Moment | None = None
        if dropped:
            pool = Pool([candidate for candidate in pool.candidates if candidate.id not in dropped])
        else:
            moment = stats.remembered(pool, now_ms)
        if not pool.ids:
            return Decision(candidates=self.pool.ids, dropped=dict(dropped))
        if moment is None:
            moment = Moment(self._steps, pool)
            if not dropped:
                stats.remember(pool, moment)
        outcomes, sums, excluded = _judged(moment, Situation(facts, stats, now_ms, project, budgets), pool, given)
        totals = dict(zip(pool.ids, sums))  # noqa: B905  # as long as the pool, both
        for model in excluded:
            totals.pop(model, None)
        return Decision(
            candidates=self.pool.ids,
            dropped=dict(dropped) if dropped else _NOTHING_SAID,
            policies=tuple(outcomes),
            totals=totals,
            # Sorting is stable, also when reversed: equal totals keep the project's order.
            order=tuple(sorted(totals, key=totals.__getitem__, reverse=True)),
        )


def decide(
    facts: Facts,
    candidates: Sequence[Candidate],
    policies: Sequence[Policy],
    stats: Statistics,
    now_ms: int,
    *,
    dropped: Mapping[str, str] = _NOTHING_DROPPED,
    given: Mapping[int, Given] = _NOTHING_GIVEN,
    budgets: Mapping[str, float] = NO_BUDGETS,
    project: str = "",
) -> Decision:
    """The order in which to try the candidates, with the whole reasoning. A `Ranking` that is kept does it faster.

    `dropped` are the models that limits rule out, with the reason; `given` the answers of policies asked beforehand, by
    position in `policies`; `budgets` the smallest remaining share of a limit by model (at least 0; left out: 1.0); `project`
    the one whose request it is. Never raises: a policy that fails is skipped and says why, and the weights of the others stay.
    """
    ranking = Ranking(candidates, policies)
    return ranking.decide(facts, stats, now_ms, dropped=dropped, given=given, budgets=budgets, project=project)


def _judged(
    moment: Moment, situation: Situation, pool: Pool, given: Mapping[int, Given]
) -> tuple[list[PolicyOutcome], list[float], list[str]]:
    """(what each policy says, rounded totals by position, who is excluded). Notes in `moment` what holds for its while."""
    outcomes = moment.outcomes.copy()
    weighed: list[tuple[int, list[Score]]] = []
    excluded: list[str] = []
    learnt: list[Step] = []
    for step in moment.steps:
        at, position, policy, kind, weight = step
        try:
            if given and position in given:
                answer = _given_scores(given[position], kind, pool)
            else:
                answer = SCORERS[kind](situation, pool, policy)
        except Exception as error:
            # Whatever goes wrong inside one policy must not take the request with it; the trace shows what it was. It keeps
            # its rank, so that the weights of the others stay.
            outcomes[at] = PolicyOutcome(kind=kind, weight=weight, failed=str(error) or type(error).__name__)
            continue
        scores = answer.scores
        if answer.excluded:
            scores = [0.0 if model in answer.excluded else score for model, score in zip(pool.ids, scores, strict=True)]
            excluded += answer.excluded
        outcomes[at] = PolicyOutcome(
            kind=kind,
            weight=weight,
            scores=pool.all_one_by_id if scores is pool.all_one else dict(zip(pool.ids, scores)),  # noqa: B905  # as long, both
            excluded=answer.excluded,
            inputs=answer.inputs,
            note=answer.note,
        )
        if answer.lasting:
            moment.parts = [part + score * weight for part, score in zip(moment.parts, scores)]  # noqa: B905  # as above
            learnt.append(step)
        else:
            weighed.append((weight, scores))
    excluded += moment.excluded
    if learnt:
        _learn(moment, learnt, outcomes)
    # Those that last come first in every sum, so that it does not depend on who was asked when, to the last bit.
    sums = moment.parts
    for weight, scores in weighed:
        sums = [total + score * weight for total, score in zip(sums, scores)]  # noqa: B905  # as above
    return outcomes, _rounded(sums), excluded


def _learn(moment: Moment, learnt: list[Step], outcomes: list[PolicyOutcome]) -> None:
    """Keep what some policies said for the decisions that follow."""
    for step in learnt:
        moment.outcomes[step.at] = outcomes[step.at]
        moment.excluded = [*moment.excluded, *outcomes[step.at].excluded]
    moment.steps = [step for step in moment.steps if step not in learnt]


def _given_scores(given: Given, kind: str, pool: Pool) -> Scores:
    """An answer that was obtained beforehand, over the candidates that are left."""
    if given.failed:
        substitute = SCORES_WHEN_FAILED.get(kind)
        if substitute is None:
            raise PolicyFailed(given.failed)
        return Scores([substitute] * len(pool.ids), note=given.failed)
    excluded = {model: given.excludes[model] for model in pool.ids if model in given.excludes}
    points = [given.points.get(model, LEFT_OUT_SCORE) for model in pool.ids]
    # Held to 0..1, which the policies in here promise; what is not a number is 0.
    scores = [min(1.0, max(0.0, point)) for point in points]
    return Scores(scores, excluded, note=given.note)


def _rounded(sums: list[float]) -> list[float]:
    """Each rounded to 9 decimals as `round` does, which is slower by far, and needed only beside a half."""
    return [
        whole / _BILLION
        if -0.499 < (scaled := total * _BILLION) - (whole := scaled + _TO_WHOLE - _TO_WHOLE) < 0.499
        else round(total, 9)
        for total in sums
    ]
