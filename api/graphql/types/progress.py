"""What happens inside a request, step by step, while it runs."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from enum import Enum

import strawberry

from api.access import Viewer, signed_in
from api.graphql.context import Info
from api.graphql.scalars import Instant
from api.graphql.types.limit_use import words_for
from api.graphql.types.policy_outcome import ModelTotal, PolicyOutcome, reasoning
from api.graphql.types.trace import CandidateDrop
from core.progress import Step
from core.routing.decision import Decision


@strawberry.enum(description="What just happened inside a request.")
class ProgressKind(Enum):
    """`core.progress.StepKind`."""

    ROUTED = strawberry.enum_value("routed", description="It was decided which models are tried, and in which order.")
    ATTEMPT = strawberry.enum_value("attempt", description="A model is asked.")
    FIRST_BYTE = strawberry.enum_value("first_byte", description="The model's answer begins.")
    ATTEMPT_ENDED = strawberry.enum_value("attempt_ended", description="The model's answer is over, or there was none.")
    ENDED = strawberry.enum_value("ended", description="The request is over; its row and its trace follow in `requestLogFeed`.")


@strawberry.type(description="A decision at the moment it was taken.")
class ProgressDecision:
    """The part of `core.routing.decision.Decision` that a person watches."""

    order: list[str] = strawberry.field(description="The models in the order in which they are to be tried.")
    totals: list[ModelTotal] = strawberry.field(description="Weighted totals, best first.")
    dropped: list[CandidateDrop] = strawberry.field(description="What limits dropped.")
    policies: list[PolicyOutcome] = strawberry.field(description="What each policy said, in the project's order.")

    @classmethod
    def of(cls, decision: Decision, viewer: Viewer) -> ProgressDecision:
        """A decision that a proxy told of, as far as the viewer may see it."""
        policies, totals = reasoning(viewer, decision.policies, decision.totals)
        return cls(
            order=list(decision.order),
            totals=totals,
            dropped=[CandidateDrop(model=model, said=reason) for model, reason in decision.dropped.items()],
            policies=policies,
        )


@strawberry.type(description="A step inside a request, told while it runs and kept nowhere.")
class RequestProgress:
    """`core.progress.Step`."""

    trace_id: str = strawberry.field(description="The id that the client gets as `x-waybill-trace-id`.")
    kind: ProgressKind = strawberry.field(description="What happened.")
    project: str = strawberry.field(description="The project's slug.")
    token: str = strawberry.field(description="The id of the token that the request came with.")
    at: Instant = strawberry.field(description="When the request arrived.")
    elapsed_ms: float = strawberry.field(description="How long after its arrival this happened, in milliseconds.")
    cause: str | None = strawberry.field(
        description="Of a call that a routing policy makes: the `traceId` of the request that it is made for."
    )
    model: str | None = strawberry.field(description="The model that is asked; null where it is about the whole request.")
    status: str | None = strawberry.field(description="How the attempt or the request ended, such as success.")
    http_status: int | None = strawberry.field(description="The model's HTTP status; at the end the client's.")
    said: strawberry.Private[str]  # what went wrong
    decision: ProgressDecision | None = strawberry.field(description="With ROUTED: what was decided, and why.")

    @strawberry.field(description="What went wrong.")
    def error(self, info: Info) -> str | None:
        """Without what other projects used."""
        return words_for(signed_in(info.context.viewer), self.said)

    @classmethod
    def of(cls, step: Step, viewer: Viewer) -> RequestProgress:
        """A step that a proxy told of, as far as the viewer may see it."""
        return cls(
            trace_id=step.id,
            kind=ProgressKind(step.kind),
            project=step.project,
            token=step.token,
            at=Instant(step.at_ms),
            elapsed_ms=step.elapsed_ms,
            cause=step.cause or None,
            model=step.model or None,
            status=step.status or None,
            http_status=step.http_status or None,
            said=step.error,
            decision=ProgressDecision.of(step.decision, viewer) if step.decision is not None else None,
        )
