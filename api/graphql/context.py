"""What resolvers get: who asks, the services of the process, and loaders that live as long as the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import strawberry

from api.access import Rule, Unauthenticated, Viewer, require, require_somewhere, signed_in
from api.audit import Deed, Entry, write_deed
from api.catalogue import Catalogue
from api.database.engine import writing
from api.history.sight import Sight
from api.history.texts import Room
from api.people import Credential, GrantsMore

if TYPE_CHECKING:
    from api.graphql.loaders import Loaders
    from api.services import Services


MAX_DENIED: Final = 20


class Denied(NamedTuple):
    """A field that was refused, for want of this permission, on this project or user."""

    field: str
    permission: str
    subject: str | None


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
    agent: str = ""  # what the client calls itself
    foreign: bool = False  # a browser said that another site's page asks
    # Where `login` leaves its cookie; None where an answer cannot carry one (websocket, event stream).
    cookies: list[str] | None = field(default_factory=list)

    login_tried: bool = False  # one guess a request: more would be many for the price of one

    # What the guard refused: field, permission and project, once each, for the audit.
    denied: dict[Denied, None] = field(default_factory=dict)

    # What is left for contents of files; of a subscription, for those of one event.
    room: Room = field(default_factory=Room)

    _sight: tuple[Viewer | None, Catalogue, Sight] | None = None

    @property
    def sight(self) -> Sight:
        """Which files the viewer may see, by the published configuration."""
        catalogue = self.services.catalogue()
        if self._sight is None or self._sight[0] is not self.viewer or self._sight[1] is not catalogue:
            self._sight = self.viewer, catalogue, Sight.of(self.viewer, catalogue.providers, catalogue.models)
        return self._sight[2]

    async def refresh(self) -> Viewer:
        """Look the viewer up again, with what they may do now: a stream outlives a logout and a removed membership.

        Raises Unauthenticated.
        """
        if self.viewer is None or self.credential is None:
            raise Unauthenticated("log in again")
        self.viewer = await self.services.people.identities.again(self.viewer)
        return self.viewer

    async def recheck(self, rule: Rule, project: str | None = None) -> None:
        """Look the viewer up again and raise unless they still meet `rule`: in `project`, or somewhere where none is named."""
        viewer = await self.refresh()
        if project is None:
            require_somewhere(viewer, rule)
        else:
            require(viewer, rule, project)

    async def note(self, action: str, subject: str, **detail: Any) -> None:
        """Write an audit row of something that this request did and no commit tells of, such as a secret that it shows."""
        viewer = signed_in(self.viewer)
        deed = Deed(viewer=viewer, action=action, client=self.address, request_id=self.request_id)
        async with writing(self.services.engine) as connection:
            await write_deed(connection, deed, subject, **detail)

    async def note_denied(self) -> None:
        """Write the audit rows of what the guard refused to this request."""
        if self.viewer is None or not self.denied:
            return
        viewer, denied = self.viewer, list(self.denied)
        self.denied.clear()
        rows = [
            Entry(
                action=each.field,
                outcome="denied",
                subject=each.subject or "",
                user_id=viewer.user_id,
                client=self.address,
                detail={"permission": each.permission, "requestId": self.request_id, "credential": viewer.credential_id},
            )
            for each in denied
        ]
        await self.services.people.audit.note_denied(viewer.user_id, *rows)

    def deny(self, field: str, rule: Rule, error: Exception) -> None:
        """Remember a refusal for the audit; a page of equal ones is one."""
        subject = error.subject if isinstance(error, GrantsMore) else getattr(error, "project", None)
        if len(self.denied) < MAX_DENIED:
            self.denied.setdefault(Denied(field, rule, subject))


Info: TypeAlias = strawberry.Info[Context, None]
