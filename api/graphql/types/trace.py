"""The whole reasoning of one request, typed: facts, candidates, policies, totals, order, attempts."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import strawberry

from api.access import Viewer, signed_in
from api.graphql.context import Info
from api.graphql.scalars import BigInt, Json, NanoUsd
from api.graphql.types.limit_use import words_for
from api.graphql.types.policy_outcome import ModelTotal, PolicyOutcome, reasoning
from api.graphql.types.request_log import Usage
from core import events, money
from core.facts import Facts
from core.routing import engine


@strawberry.enum(description="How an upstream call ended.")
class AttemptStatus(Enum):
    """A request's statuses, and one more."""

    SUCCESS = strawberry.enum_value("success", name="success", description="It answered.")
    BUDGET_EXCEEDED = strawberry.enum_value("budget_exceeded", name="budget_exceeded", description="A limit stopped it.")
    TIMEOUT = strawberry.enum_value("timeout", name="timeout", description="It took too long.")
    REJECTED = strawberry.enum_value("rejected", name="rejected", description="The provider refused the request itself.")
    CANCELLED = strawberry.enum_value("cancelled", name="cancelled", description="The client left.")
    ERROR = strawberry.enum_value("error", name="error", description="Any other failure.")
    SKIPPED = strawberry.enum_value("skipped", name="skipped", description="Not tried: there was no room left to reserve in.")


@strawberry.type(description="What the request's body said that policies read.")
class RequestFacts:
    """`core.facts.Facts`."""

    dialect: str = strawberry.field(description="The dialect that the client spoke.")
    model_named: str | None = strawberry.field(description="The model that the client asked for.")
    stream: bool = strawberry.field(description="Whether it asked for a stream.")
    input_tokens_estimate: BigInt = strawberry.field(description="Estimated input tokens.")
    input_tokens_bound: BigInt = strawberry.field(description="The bound that was reserved for.")
    output_tokens_cap: BigInt | None = strawberry.field(description="The client's own cap on the output.")
    answers: int = strawberry.field(description="How many answers it asked for.")
    needs: list[str] = strawberry.field(description="What a model must be able to do, such as vision.")

    @classmethod
    def of(cls, facts: Facts) -> RequestFacts:
        """Facts as they were journalled."""
        cap = BigInt(facts.output_tokens_cap) if facts.output_tokens_cap is not None else None
        return cls(
            dialect=facts.dialect,
            model_named=facts.model_named,
            stream=facts.stream,
            input_tokens_estimate=BigInt(facts.input_tokens_estimate),
            input_tokens_bound=BigInt(facts.input_tokens_bound),
            output_tokens_cap=cap,
            answers=facts.answers,
            needs=list(facts.needs),
        )


@strawberry.type(description="A model that was left out before any policy ran.")
class CandidateDrop:
    """A model and why it was out."""

    said: strawberry.Private[str]

    model: str = strawberry.field(description="The model's id.")

    @strawberry.field(description="Which limit, and until when; or what it or its provider cannot do.")
    def reason(self, info: Info) -> str:
        """Without what other projects used."""
        return words_for(signed_in(info.context.viewer), self.said) or ""


@strawberry.type(description="One upstream call, or a candidate that was skipped.")
class Attempt:
    """`core.events.AttemptFinished`."""

    model: str = strawberry.field(description="The model that was called.")
    provider: str = strawberry.field(description="Its provider.")
    status: AttemptStatus = strawberry.field(description="How it ended.")
    started_ms: float = strawberry.field(description="Milliseconds after the request's arrival.")
    first_byte_ms: float | None = strawberry.field(description="Its first byte, milliseconds after the arrival.")
    first_content_ms: float | None = strawberry.field(description="Its first content, milliseconds after the arrival.")
    ended_ms: float = strawberry.field(description="Its end, milliseconds after the arrival.")
    http_status: int | None = strawberry.field(description="The upstream's HTTP status.")
    said: strawberry.Private[str]  # what went wrong
    usage: Usage | None = strawberry.field(description="What it used.")
    cost: NanoUsd | None = strawberry.field(description="USD; null where the model has no price.")

    @strawberry.field(description="What went wrong.")
    def error(self, info: Info) -> str | None:
        """Without what other projects used."""
        return words_for(signed_in(info.context.viewer), self.said)

    @classmethod
    def of(cls, attempt: events.AttemptFinished) -> Attempt:
        """An attempt as it was journalled."""
        return cls(
            model=attempt.model,
            provider=attempt.provider,
            status=AttemptStatus(attempt.status),
            started_ms=attempt.started_ms,
            first_byte_ms=attempt.first_byte_ms,
            first_content_ms=attempt.first_content_ms,
            ended_ms=attempt.ended_ms,
            http_status=attempt.http_status,
            said=attempt.error,
            usage=usage(attempt.usage),
            cost=nano_usd(attempt.cost_nano_usd),
        )


@strawberry.type(description="The whole reasoning of one request and everything that was tried.")
class RequestTrace:
    """A request's trace, as it was decided then."""

    project_slug: strawberry.Private[str]  # where `content:read` is asked

    facts: RequestFacts | None = strawberry.field(description="What the body said; null where it was not read.")
    candidates: list[str] = strawberry.field(
        description="The project's enabled models that can be sent such a request, in its order."
    )
    unable: list[CandidateDrop] = strawberry.field(
        description="Its enabled models that cannot be sent a request of this dialect."
    )
    dropped: list[CandidateDrop] = strawberry.field(description="What limits dropped.")
    policies: list[PolicyOutcome] = strawberry.field(description="What each policy said, in the project's order.")
    totals: list[ModelTotal] = strawberry.field(description="Weighted totals, best first.")
    order: list[str] = strawberry.field(description="The order in which models were to be tried.")
    attempts: list[Attempt] = strawberry.field(description="Every upstream call, in order.")
    usage: Usage | None = strawberry.field(description="What the request used.")
    cost: NanoUsd | None = strawberry.field(description="USD; null where the model has no price.")
    revision: str = strawberry.field(description="The commit of the configuration that decided.")
    content: Json | None = strawberry.field(
        description="Message content, where the project keeps it; needs the permission content:read."
    )

    @classmethod
    def of(cls, event: events.RequestFinished, viewer: Viewer) -> RequestTrace:
        """The trace inside a finished request's event, as far as the viewer may see it."""
        decision = event.decision or engine.Decision()
        policies, totals = reasoning(viewer, decision.policies, decision.totals)
        return cls(
            project_slug=event.project,
            facts=RequestFacts.of(event.facts) if event.facts else None,
            candidates=list(decision.candidates),
            unable=[CandidateDrop(model=model, said=reason) for model, reason in decision.unable.items()],
            dropped=[CandidateDrop(model=model, said=reason) for model, reason in decision.dropped.items()],
            policies=policies,
            totals=totals,
            order=list(decision.order),
            attempts=[Attempt.of(attempt) for attempt in event.attempts],
            usage=usage(event.usage),
            cost=nano_usd(event.cost_nano_usd),
            revision=event.revision,
            content=_content(event.content),
        )


def _content(found: Mapping[str, object] | None) -> Json | None:
    return Json(found) if found is not None else None


def nano_usd(amount: int | None) -> NanoUsd | None:
    """An amount that may be unknown."""
    return NanoUsd(amount) if amount is not None else None


def usage(found: money.Usage | None) -> Usage | None:
    """Usage as GraphQL shows it."""
    if found is None:
        return None
    return Usage(
        input_tokens=BigInt(found.input_tokens),
        output_tokens=BigInt(found.output_tokens),
        total_tokens=BigInt(found.input_tokens + found.output_tokens),
        cached_input_tokens=BigInt(found.cached_input_tokens),
        cache_write_tokens=BigInt(found.cache_write_5m_tokens + found.cache_write_1h_tokens),
        reasoning_tokens=BigInt(found.reasoning_tokens),
        estimated=found.estimated,
    )
