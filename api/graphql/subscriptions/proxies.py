"""`proxyState`: every proxy with what it runs, again at each change; access checked again for each."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

import strawberry

from api.access import Rule
from api.graphql.context import Context, Info
from api.graphql.types.proxy import ProxyState

RULE: Final[Rule] = "project:read"


async def proxy_states(context: Context) -> AsyncGenerator[list[ProxyState], None]:
    """All proxies now, and again whenever one of them is another. Raises AccessError."""
    async with aclosing(context.services.proxies.follow()) as changes:
        async for reports in changes:
            await context.recheck(RULE)
            sight = context.sight
            yield [ProxyState.of(report, sight) for report in reports]


@strawberry.type
class ProxySubscriptions:
    """The part of the subscription root that follows the proxies."""

    @strawberry.subscription(description="All proxies with what they run: now, and again at each change.")
    async def proxy_state(self, info: Info) -> AsyncIterator[list[ProxyState]]:
        """See `proxy_states`."""
        async with aclosing(proxy_states(info.context)) as changes:
            async for states in changes:
                yield states
