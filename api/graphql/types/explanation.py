"""A decision explained: what `explain` and `explainRequest` answer with."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import strawberry

from api.access import Viewer
from api.explaining import Answer
from api.graphql.scalars import BigInt, Instant, NanoUsd
from api.graphql.types.limit_use import sees_all
from api.graphql.types.limits import exact
from api.graphql.types.policy_outcome import ModelTotal, PolicyOutcome, reasoning
from api.graphql.types.trace import CandidateDrop, RequestFacts
from core.facts import Facts
from core.limits import Standing


@strawberry.type(description="An effective limit as it stood when the decision was made.")
class LimitStanding:
    """`core.limits.Standing`."""

    scope: str = strawberry.field(
        description="Whose use it counts: platform, project, token, model, project_model, token_model."
    )
    owner: str = strawberry.field(description="The same in words.")
    metric: str = strawberry.field(description="What it counts: cost, calls, input_tokens, output_tokens, total_tokens.")
    window: str = strawberry.field(description="Its window, such as daily.")
    started_at: Instant = strawberry.field(description="The first instant of the window.")
    resets_at: Instant | None = strawberry.field(description="When the window ends; null where it rolls.")
    value: NanoUsd = strawberry.field(description="The limit: USD for cost, else a count.")
    used: NanoUsd = strawberry.field(description="What was used in the window.")
    reserved: NanoUsd = strawberry.field(description="What requests in flight held; only the proxy knows, so 0 for the past.")
    remaining: NanoUsd = strawberry.field(description="What was left; may be negative.")
    allowed: bool = strawberry.field(description="Whether it let anything through.")

    @classmethod
    def of(cls, found: Standing) -> LimitStanding:
        """A standing in the units that people write limits in."""
        value, used, reserved, remaining = (
            NanoUsd(amount) if found.metric == "cost" else exact(Decimal(amount))
            for amount in (found.value, found.used, found.reserved, found.remaining)
        )
        return cls(
            scope=found.scope,
            owner=found.owner,
            metric=found.metric,
            window=found.window,
            started_at=Instant(found.start_ms),
            resets_at=None if found.reset_ms is None else Instant(found.reset_ms),
            value=value,
            used=used,
            reserved=reserved,
            remaining=remaining,
            allowed=found.allowed,
        )


@strawberry.type(description="A decision that was not carried out, with everything that led to it.")
class Explanation:
    """`core.explain.Explained`, typed as the trace is."""

    project_slug: strawberry.Private[str]

    at: Instant = strawberry.field(description="The instant that it was decided for.")
    revision: str | None = strawberry.field(description="The commit of the configuration that decided.")
    reconstructed: bool = strawberry.field(
        description="Whether statistics were made anew from what is recorded, and the decision with them; else it is the"
        " proxy's own."
    )
    limits_reconstructed: bool = strawberry.field(
        description="Whether `limits` were made anew from the configuration and from what is recorded. False, without limits,"
        " for a recorded request whose revision the repository no longer has."
    )
    events: BigInt | None = strawberry.field(
        description="How many recorded requests of all projects the statistics were made from; null for whoever may not see all"
        " projects."
    )
    facts: RequestFacts = strawberry.field(description="What the request says that policies read.")
    limits: list[LimitStanding] = strawberry.field(
        description="Each limit that held, as it stood; those of all projects together only for whoever may see all projects."
        " `dropped` is what they led to: of a recorded request as its trace has it."
    )
    candidates: list[str] = strawberry.field(description="The enabled models that can be sent such a request, in order.")
    unable: list[CandidateDrop] = strawberry.field(description="Models that cannot be sent a request of this dialect.")
    dropped: list[CandidateDrop] = strawberry.field(description="What limits dropped.")
    policies: list[PolicyOutcome] = strawberry.field(description="What each policy said.")
    totals: list[ModelTotal] = strawberry.field(description="Weighted totals, best first.")
    order: list[str] = strawberry.field(description="The order in which models would be tried.")

    @classmethod
    def of(cls, slug: str, answer: Answer, viewer: Viewer) -> Explanation:
        """An answer, typed, as far as the viewer may see it."""
        found = answer.explained
        policies, totals = reasoning(viewer, found.policies, found.totals)
        whole = sees_all(viewer)
        return cls(
            project_slug=slug,
            at=Instant(found.now_ms),
            revision=answer.revision,
            reconstructed=answer.reconstructed,
            limits_reconstructed=answer.limits_reconstructed,
            events=BigInt(answer.events) if whole else None,
            facts=RequestFacts.of(msgspec.convert(found.facts, Facts)),
            limits=[
                LimitStanding.of(standing) for standing in found.limits if whole or standing.scope not in ("platform", "model")
            ],
            candidates=list(found.candidates),
            unable=[CandidateDrop(model=model, said=reason) for model, reason in found.unable.items()],
            dropped=[CandidateDrop(model=model, said=reason) for model, reason in found.dropped.items()],
            policies=policies,
            totals=totals,
            order=list(found.order),
        )
