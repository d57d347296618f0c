"""What policies said of a request, and what they summed up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import strawberry

from api.access import Viewer
from api.graphql.types.limit_use import sees_all
from core.routing import decision
from core.routing.narrowing import narrowed


@strawberry.type(description="A figure that a policy's score was made from.")
class PolicyInput:
    """One figure."""

    name: str = strawberry.field(description="What it is.")
    value: float = strawberry.field(description="Its value.")


@strawberry.type(description="What one policy said of one model.")
class ModelScore:
    """A score, or an exclusion."""

    model: str = strawberry.field(description="The model's id.")
    score: float = strawberry.field(
        description="From 0 to 1; an excluded model scores 0. For whoever may not see all projects, that of budget-remaining is"
        " in tenths."
    )
    weighted: float = strawberry.field(description="The score times the policy's weight.")
    excluded: bool = strawberry.field(description="Whether the policy took the model out.")
    reason: str | None = strawberry.field(description="Why it was excluded.")
    inputs: list[PolicyInput] = strawberry.field(
        description="The figures that the score was made from; those that are counted over all projects only for whoever may"
        " see all projects."
    )


@strawberry.type(description="What one policy said.")
class PolicyOutcome:
    """`core.routing.decision.PolicyOutcome`."""

    kind: str = strawberry.field(description="The policy, such as cheapest.")
    weight: int = strawberry.field(description="N − i for the i-th of N policies.")
    failed: str | None = strawberry.field(description="Why it was skipped; null where it was not.")
    note: str | None = strawberry.field(description="What its scores do not say: which intent it saw, say, or why it saw none.")
    models: list[ModelScore] = strawberry.field(description="What it said of each model.")

    @classmethod
    def of(cls, outcome: decision.PolicyOutcome) -> PolicyOutcome:
        """An outcome as it was journalled."""
        models = dict.fromkeys((*outcome.scores, *outcome.excluded))
        return cls(
            kind=outcome.kind,
            weight=outcome.weight,
            failed=outcome.failed or None,
            note=outcome.note or None,
            models=[_model_score(outcome, model) for model in models],
        )


def _model_score(outcome: decision.PolicyOutcome, model: str) -> ModelScore:
    score = outcome.scores.get(model, 0.0)
    return ModelScore(
        model=model,
        score=score,
        weighted=score * outcome.weight,
        excluded=model in outcome.excluded,
        reason=outcome.excluded.get(model),
        inputs=[PolicyInput(name=name, value=value) for name, value in outcome.inputs.get(model, {}).items()],
    )


@strawberry.type(description="A model's weighted total over all policies.")
class ModelTotal:
    """One line of the ranking."""

    model: str = strawberry.field(description="The model's id.")
    total: float = strawberry.field(description="The sum of its weighted scores, as they are shown; rounded to nine decimals.")


def reasoning(
    viewer: Viewer, policies: Sequence[decision.PolicyOutcome], totals: Mapping[str, float]
) -> tuple[list[PolicyOutcome], list[ModelTotal]]:
    """Outcomes and totals, best first, without what all projects together used for whoever may not see all of them."""
    ranked = sorted(totals, key=lambda model: -totals[model])
    if not sees_all(viewer):
        policies, totals = narrowed(policies, totals)
    return [PolicyOutcome.of(outcome) for outcome in policies], [ModelTotal(model=each, total=totals[each]) for each in ranked]
