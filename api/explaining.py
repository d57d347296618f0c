"""Decisions explained from what is recorded: `explain` for a request that nobody sent, `explainRequest` for one that was.

The deciding is `core.explain`, the same as offline. Here its inputs are gathered: a revision's configuration, the events that
statistics are folded from, and what is used of limits. An old request under its own revision decides as it did, from its own
trace; under another revision its statistics are made anew from the events before it, which is said: `reconstructed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from api.catalogue import Catalogue
from api.database import request_logs
from api.database.request_logs import LogFilter
from api.database.windows import Run, rolling_use, with_run
from core.config import Model, Project, Routing, Token
from core.events import RequestFinished
from core.explain import Explained, Explanation, Held, Levels, explain, held_by
from core.facts import Facts
from core.limits import METRICS, NO_LIMITS, Effective, window_of
from core.limits.windows import start_ms
from core.paths import project_path, routing_path, token_path
from core.plans import usable
from core.routing.decision import Decision
from core.routing.engine import Given
from core.routing.parameters import milliseconds

T = TypeVar("T")

MOST_EVENTS = 5_000
_CHUNK = 500
_NOT_ASKED = "nothing is called to explain"
_decode = msgspec.json.Decoder(RequestFinished).decode


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whose request, what it says, when; `routing` takes the place of the project's own, `given` of asking models."""

    slug: str
    facts: Facts
    now_ms: int
    at_ms: int
    token: str = ""
    routing: Routing | None = None
    said: tuple[tuple[str, Given], ...] = ()  # what policies that ask had said, by their kind


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and what it rests on."""

    explained: Explained
    revision: str | None
    reconstructed: bool = False  # statistics were made anew from what is recorded, and with them the decision
    limits_reconstructed: bool = False  # so was the use of limits
    events: int = 0  # how many requests the statistics were folded from


async def decided(engine: AsyncEngine, catalogue: Catalogue, question: Question) -> Answer:
    """What this configuration makes of a request at an instant. Raises ExplainError."""
    files = catalogue.config.files
    routing = question.routing or _file(files.get(routing_path(question.slug)), Routing) or Routing()
    events = await _events(engine, routing, question.at_ms)
    document = Explanation(
        routing=routing,
        models=_models(catalogue, routing, question.slug),
        facts=question.facts,
        providers={id: provider.kind for id, provider in catalogue.providers.items()},
        now_ms=question.at_ms,
        events=events,
        limits=await _held(engine, catalogue, routing, question),
        given=_given(routing, question.said),
        project=question.slug,
    )
    return Answer(
        explained=explain(document),
        revision=catalogue.revision,
        reconstructed=True,
        limits_reconstructed=True,
        events=len(events),
    )


def _models(catalogue: Catalogue, routing: Routing, slug: str) -> dict[str, Model]:
    """All models; those of a routing whose provider is disabled, or another project's, are as if they were disabled."""
    models = dict(catalogue.models)
    for routed in routing.models:
        model = models.get(routed.id)
        if model is not None and not usable(catalogue.providers.get(model.provider), slug):
            models[routed.id] = replace(model, enabled=False)
    return models


def as_it_was(event: RequestFinished) -> Answer:
    """A recorded request under its own revision: what each policy said then gives the same order again."""
    decision = event.decision or Decision()
    explained = Explained(
        now_ms=event.at_ms,
        facts=msgspec.structs.asdict(event.facts or Facts()),
        limits=(),
        candidates=decision.candidates,
        unable=decision.unable,
        dropped=decision.dropped,
        policies=decision.policies,
        totals=decision.totals,
        order=decision.order,
    )
    return Answer(explained=explained, revision=event.revision)


async def as_it_was_with_limits(engine: AsyncEngine, catalogue: Catalogue, event: RequestFinished, now_ms: int) -> Answer:
    """The same with the limits that held: a trace keeps what they dropped, and how they stood is made anew. `catalogue` is that
    of the request's own revision."""
    was = as_it_was(event)
    routing = _file(catalogue.config.files.get(routing_path(event.project)), Routing) or Routing()
    question = Question(slug=event.project, facts=event.facts or Facts(), now_ms=now_ms, at_ms=event.at_ms, token=event.token)
    held = await _held(engine, catalogue, routing, question)
    limits = tuple(limit.standing(event.at_ms) for limit in held)
    return replace(was, explained=replace(was.explained, limits=limits), limits_reconstructed=True)


def said_then(event: RequestFinished) -> tuple[tuple[str, Given], ...]:
    """What the policies that ask said of a recorded request, by their kind."""
    outcomes = event.decision.policies if event.decision is not None else ()
    return tuple(
        (outcome.kind, Given(points=dict(outcome.scores), excludes=dict(outcome.excluded), failed=outcome.failed))
        for outcome in outcomes
    )


def _given(routing: Routing, said: Sequence[tuple[str, Given]]) -> dict[int, Given]:
    """An answer for each policy that would ask: what it said then, the first of its kind for the first, or that it did not."""
    left = list(said)
    given: dict[int, Given] = {}
    for position, policy in enumerate(routing.policies):
        kind = str(policy.__struct_config__.tag)
        if policy.enabled and kind in ("llm", "semantic-intent"):
            known = next((item for item in left if item[0] == kind), None)
            if known is not None:
                left.remove(known)
            given[position] = Given(failed=_NOT_ASKED) if known is None else known[1]
    return given


async def _events(engine: AsyncEngine, routing: Routing, at_ms: int) -> tuple[RequestFinished, ...]:
    """The requests that the policies' windows reach back to, oldest first; the newest `MOST_EVENTS` of them."""
    windows = [getattr(policy, "window_minutes", 0) for policy in routing.policies if policy.enabled]
    reach_ms = milliseconds(max(windows, default=0))
    if not reach_ms:
        return ()
    meant = LogFilter(since_ms=at_ms - reach_ms, until_ms=at_ms)
    page = await request_logs.page(engine, meant, first=MOST_EVENTS, after=None, newest_first=True)
    ids = [row.request_id for row in reversed(page.rows)]
    bodies: dict[str, bytes] = {}
    for begin in range(0, len(ids), _CHUNK):
        bodies |= await request_logs.traces_of(engine, ids[begin : begin + _CHUNK])
    return tuple(_decode(bodies[id]) for id in ids if id in bodies)


async def _held(engine: AsyncEngine, catalogue: Catalogue, routing: Routing, question: Question) -> tuple[Held, ...]:
    """Each limit that would hold, with what was used of it before the instant."""
    files = catalogue.config.files
    project = _file(files.get(project_path(question.slug)), Project)
    token = _file(files.get(token_path(question.slug, question.token)), Token) if question.token else None
    levels = Levels(
        platform=catalogue.settings.limits,
        project=project.limits if project else NO_LIMITS,
        token=token.limits if token else NO_LIMITS,
        token_models={entry.id: entry.limits for entry in token.models} if token else {},
    )
    token_id = question.token or "-"
    held = held_by(levels, routing, catalogue.models, question.slug, token_id, lambda effective: (0, 0))
    if not held:
        return ()
    used = await with_run(engine, lambda run: [_used(run, limit.effective, question) for limit in held])
    return tuple(replace(limit, used=amount) for limit, amount in zip(held, used, strict=True))


def _used(run: Run, effective: Effective, question: Question) -> int:
    """What was used of a limit in its window up to the instant: all since its start, less what came after the instant."""
    window = window_of(effective.rule.window)
    index = METRICS.index(effective.rule.metric)
    since = rolling_use(run, effective.scope, question.now_ms - start_ms(window, question.at_ms), question.now_ms)[index]
    if question.at_ms >= question.now_ms:
        return since
    return since - rolling_use(run, effective.scope, question.now_ms - question.at_ms, question.now_ms)[index]


def _file(file: object, kind: type[T]) -> T | None:
    return file if isinstance(file, kind) else None
