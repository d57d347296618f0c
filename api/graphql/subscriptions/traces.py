"""`requestProgress`: what happens inside a project's requests while they run; access checked again for each batch."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

import strawberry

from api.access import Rule, signed_in
from api.graphql.context import Context, Info
from api.graphql.types.progress import RequestProgress

RULE: Final[Rule] = "report:read"


async def steps(context: Context, project: str, trace_id: str | None) -> AsyncGenerator[list[RequestProgress], None]:
    """Steps that came together, of all requests of a project or of one. Raises AccessError."""
    async with aclosing(context.services.progress.follow(project)) as batches:
        async for batch in batches:
            await context.recheck(RULE, project)
            viewer = signed_in(context.viewer)
            if found := [RequestProgress.of(step, viewer) for step in batch if trace_id in (None, step.id, step.cause)]:
                yield found


@strawberry.type
class TraceSubscriptions:
    """The part of the subscription root that follows requests while they run."""

    @strawberry.subscription(
        description="What happens inside a project's requests while they run: routed, each attempt, its first byte, the end. "
        "Sent while somebody listens and kept nowhere, so there is no cursor; the finished trace is in `requestLogFeed`."
    )
    async def request_progress(
        self,
        info: Info,
        project: Annotated[str, strawberry.argument(description="The project's slug.")],
        trace_id: Annotated[
            str | None, strawberry.argument(description="Only this request, and the calls that its policies make.")
        ] = None,
    ) -> AsyncIterator[list[RequestProgress]]:
        """See `steps`."""
        async with aclosing(steps(info.context, project, trace_id)) as batches:
            async for batch in batches:
                yield batch
