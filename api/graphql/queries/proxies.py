"""`proxies` and `configuration`: which revision runs where, and what of it is not in use."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import asyncio

import strawberry

from api.graphql.context import Context, Info
from api.graphql.queries.history import revision_of
from api.graphql.scalars import BigInt
from api.graphql.types.failures import ValidationProblem
from api.graphql.types.proxy import ConfigurationState, DegradedFile, ProxyState


@strawberry.type
class ProxyQueries:
    """The part of the query root that says what runs."""

    @strawberry.field(description="The proxies of this installation, and which revision each runs.")
    async def proxies(self, info: Info) -> list[ProxyState]:
        """What each said last."""
        sight = info.context.sight
        return [ProxyState.of(report, sight) for report in await info.context.services.proxies.now()]

    @strawberry.field(description="The configuration as it is in use.")
    async def configuration(self, info: Info) -> ConfigurationState:
        """What is published, what is degraded, what is refused."""
        return await _state(info.context)


async def _state(context: Context) -> ConfigurationState:
    publisher, sight = context.services.publisher, context.sight
    published, sequence, degraded, refused = publisher.revision, publisher.sequence, publisher.degraded, publisher.refused
    return ConfigurationState(
        head=await asyncio.to_thread(context.services.repository.head),
        revision=await revision_of(context, published) if published is not None else None,
        sequence=BigInt(sequence),
        degraded=[DegradedFile(path=path, reason=sight.words(degraded[path])) for path in sorted(degraded) if sight.sees(path)],
        refused=[
            ValidationProblem(file=error.file, line=error.line, field=error.field or None, reason=sight.words(error.reason))
            for error in refused
            if sight.sees(error.file)
        ],
    )
