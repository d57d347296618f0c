"""What resolvers get: who asks, the services of the process, and loaders that live as long as the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import strawberry

from api.access import Rule, Unauthenticated, Viewer, require, require_somewhere
from api.people import Credential

if TYPE_CHECKING:
    from api.graphql.loaders import Loaders
    from api.services import Services


MAX_DENIED: Final = 20


class Denied(NamedTuple):
    """A field that was refused, for want of this permission, in this project."""

    field: str
    permission: str
    project: str | None


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

    # What the guard refused: field, permission and project, once each, for the audit.
    denied: dict[Denied, None] = field(default_factory=dict)

    async def refresh(self) -> Viewer:
        """Look the viewer up again, with what they may do now: a stream outlives a logout and a removed membership.

        Raises Unauthenticated.
        """
        if self.credential is None:
            raise Unauthenticated("log in again")
        self.viewer = await self.services.people.viewer(self.credential)
        return self.viewer

    async def recheck(self, rule: Rule, project: str | None = None) -> None:
        """Look the viewer up again and raise unless they still meet `rule`: in `project`, or somewhere where none is named."""
        viewer = await self.refresh()
        if project is None:
            require_somewhere(viewer, rule)
        else:
            require(viewer, rule, project)

    def deny(self, field: str, rule: Rule, error: Exception) -> None:
        """Remember a refusal for the audit; a page of equal ones is one."""
        if len(self.denied) < MAX_DENIED:
            self.denied.setdefault(Denied(field, rule, getattr(error, "project", None)))


Info: TypeAlias = strawberry.Info[Context, None]
