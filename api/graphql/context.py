"""What resolvers get: who asks, the services of the process, and loaders that live as long as the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import strawberry

from api.access import Rule, Unauthenticated, Viewer, require
from api.people import Credential

if TYPE_CHECKING:
    from api.graphql.loaders import Loaders
    from api.services import Services


@dataclass
class Context:
    """One request, or one websocket connection."""

    services: Services
    loaders: Loaders
    request_id: str
    address: str
    viewer: Viewer | None = None
    credential: Credential | None = None
    secure: bool = False
    # Where `login` leaves its cookie; None where an answer cannot carry one (websocket, event stream).
    cookies: list[str] | None = field(default_factory=list)

    async def recheck(self, rule: Rule) -> None:
        """Look the viewer up again and raise unless they still meet `rule`: a stream outlives a logout."""
        if self.credential is None:
            raise Unauthenticated("log in again")
        self.viewer = await self.services.people.viewer(self.credential)
        require(self.viewer, rule)


Info: TypeAlias = strawberry.Info[Context, None]
