"""`explain` and `explainRequest`: decisions without sending anything, by the proxy's own engine."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import msgspec
import strawberry

from api import explaining
from api.access import Forbidden, NotVisible, Rule, require, signed_in
from api.catalogue import Catalogue
from api.database import request_logs
from api.explaining import Answer, Question
from api.graphql.arguments import catalogue_at
from api.graphql.context import Context, Info
from api.graphql.errors import BadInput
from api.graphql.scalars import Json
from api.graphql.types.explanation import Explanation
from api.repository.errors import UnknownRevision
from core.config import Routing
from core.conversion import Misfit, convert, written
from core.events import RequestFinished
from core.explain import ExplainError
from core.explain.reading import facts_of
from core.facts import Facts

MAX_BODY_BYTES = 1_000_000
RULE: Final[Rule] = "report:read"
_decode = msgspec.json.Decoder(RequestFinished).decode


@strawberry.input(description="A request as an application would send it.")
class RequestInput:
    """A path and a body."""

    path: str = strawberry.field(
        default="/v1/chat/completions",
        description="/v1/chat/completions, /v1/messages or /v1/embeddings.",
    )
    body: Json = strawberry.field(description="The request's body.")


@strawberry.type
class ExplainQueries:
    """The part of the query root that decides without acting."""

    @strawberry.field(
        description="What the project's routing would make of a request now, without sending anything. Policies that ask a"
        " model are not asked: they count as failed."
    )
    async def explain(
        self,
        info: Info,
        project: Annotated[str, strawberry.argument(description="The slug of a project.")],
        request: Annotated[RequestInput, strawberry.argument(description="The request.")],
        token: Annotated[
            str | None, strawberry.argument(description="A token of the project, by its id: its limits hold then too.")
        ] = None,
        at: Annotated[
            str | None, strawberry.argument(description="The commit to decide under; the published one else.")
        ] = None,
        routing: Annotated[
            Json | None,
            strawberry.argument(description="A routing that is not saved: models and policies as in routing.yaml."),
        ] = None,
    ) -> Explanation | None:
        """Null for a project that is not there, or not to be seen."""
        context = info.context
        catalogue = await catalogue_at(context, at)
        if catalogue.project(project) is None:
            return None
        now_ms = time.time_ns() // 1_000_000
        question = Question(
            slug=project,
            facts=_facts(request),
            now_ms=now_ms,
            at_ms=now_ms,
            token=token or "",
            routing=None if routing is None else _routing(routing),
        )
        return Explanation.of(project, await _decided(context, catalogue, question), signed_in(context.viewer))

    @strawberry.field(
        description="A recorded request decided again: under its own revision as it was, under another with statistics made"
        " anew from what is recorded. Null where there is no such request, or no trace of it any more."
    )
    async def explain_request(
        self,
        info: Info,
        id: Annotated[str, strawberry.argument(description="The request's trace id.")],
        at: Annotated[str | None, strawberry.argument(description="The commit to decide under; its own when left out.")] = None,
    ) -> Explanation | None:
        """What was decided then, or would have been."""
        context = info.context
        body = await request_logs.trace(context.services.engine, id)
        if body is None:
            return None
        event = _decode(body)
        if not _may_see(context, event.project):
            return None
        if at is None or at == event.revision:
            return Explanation.of(event.project, await _as_it_was(context, event), signed_in(context.viewer))
        if event.facts is None:
            raise BadInput("the request's body was never read, so there is nothing to decide anew")
        question = Question(
            slug=event.project,
            facts=event.facts,
            now_ms=time.time_ns() // 1_000_000,
            at_ms=event.at_ms,
            token=event.token,
            said=explaining.said_then(event),
        )
        answer = await _decided(context, await catalogue_at(context, at), question)
        return Explanation.of(event.project, answer, signed_in(context.viewer))


def _may_see(context: Context, project: str) -> bool:
    """Whether there is such a request for the viewer: asked before anything is said of it or of what else was asked. Raises
    Forbidden."""
    try:
        require(context.viewer, RULE, project)
    except (Forbidden, NotVisible) as error:
        context.deny("Query.explainRequest", RULE, error)
        if isinstance(error, Forbidden):
            raise
        return False
    return True


async def _as_it_was(context: Context, event: RequestFinished) -> Answer:
    """With the limits of its revision, where the repository still has it."""
    try:
        catalogue = await context.services.history.catalogue(event.revision)
    except UnknownRevision:
        return explaining.as_it_was(event)
    now_ms = time.time_ns() // 1_000_000
    return await explaining.as_it_was_with_limits(context.services.engine, catalogue, event, now_ms)


async def _decided(context: Context, catalogue: Catalogue, question: Question) -> Answer:
    try:
        return await explaining.decided(context.services.engine, catalogue, question)
    except ExplainError as error:
        raise BadInput(str(error)) from error


def _facts(request: RequestInput) -> Facts:
    body = msgspec.json.encode(request.body)
    if len(body) > MAX_BODY_BYTES:
        raise BadInput(f"`request.body` must be at most {MAX_BODY_BYTES} bytes")
    try:
        return facts_of(request.path, body)
    except ExplainError as error:
        raise BadInput(f"`request`: {error}") from error


def _routing(value: Any) -> Routing:
    try:
        return convert(value, Routing)
    except Misfit as misfit:
        said = "; ".join(f"{written(('routing', *fault.place))}: {fault.reason}" for fault in misfit.faults)
        raise BadInput(said) from None
