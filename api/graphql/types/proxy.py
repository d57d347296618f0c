"""What the proxies run, and what of the configuration is in use at all."""

from __future__ import annotations

import strawberry

from api.graphql.scalars import BigInt, Instant
from api.graphql.types.failures import ValidationProblem
from api.graphql.types.revision import Revision
from api.history import Sight
from api.proxies import ProxyReport


@strawberry.type(description="A revision that a proxy could not run.")
class ProxyRefusal:
    """The last NACK."""

    revision: str = strawberry.field(description="The commit that it refused; it goes on with the last one that it could run.")
    errors: list[str] = strawberry.field(description="Why; empty for whoever may not see the whole configuration.")


@strawberry.type(description="A proxy of this installation, and the revision that it runs.")
class ProxyState:
    """What a proxy says of itself, beside what is published."""

    id: strawberry.ID = strawberry.field(description="The proxy's id.")
    pid: int = strawberry.field(description="Its process.")
    connected: bool = strawberry.field(description="Whether that process is there.")
    revision: str | None = strawberry.field(description="The commit that it runs; null before the first.")
    sequence: BigInt = strawberry.field(description="The number of the publication that it runs.")
    behind: int = strawberry.field(description="How many publications it is behind; 0 when it runs the newest.")
    lag_ms: BigInt = strawberry.field(description="How long the oldest of these has been there, in milliseconds.")
    refused: ProxyRefusal | None = strawberry.field(description="What it refused since the one that it runs; null for nothing.")
    reported_at: Instant = strawberry.field(description="When it last said what it runs.")
    last_seen_at: Instant = strawberry.field(description="Now while it is connected, else when it last spoke.")

    @classmethod
    def of(cls, report: ProxyReport, sight: Sight) -> ProxyState:
        """A report; its refusals quote files of any project."""
        state = report.state
        refused = None
        if state.refused is not None:
            errors = [state.refused.error] if sight.everything else []
            refused = ProxyRefusal(revision=state.refused.revision, errors=errors)
        return cls(
            id=strawberry.ID(state.proxy_id),
            pid=state.pid,
            connected=report.connected,
            revision=state.revision,
            sequence=BigInt(state.sequence),
            behind=report.behind,
            lag_ms=BigInt(report.lag_ms),
            refused=refused,
            reported_at=Instant(state.at_ms),
            last_seen_at=Instant(report.seen_at_ms),
        )


@strawberry.type(description="A file whose content at the published revision is wrong, and so not in use.")
class DegradedFile:
    """A file that was left out."""

    path: str = strawberry.field(description="The file's path in the repository.")
    reason: str = strawberry.field(description="What is wrong, with the line and the field; or what it is held back with.")


@strawberry.type(
    description="The configuration as it is in use: a wrong project keeps its last good version, a wrong token is disabled, and"
    " a wrong global file refuses the whole revision."
)
class ConfigurationState:
    """What is published, what is not, and why."""

    head: str | None = strawberry.field(
        description="The commit that the branch stands at; null before the first. What mends a refused one is changed at it."
    )
    revision: Revision | None = strawberry.field(description="The published revision; null before the first.")
    sequence: BigInt = strawberry.field(description="The number of the publication.")
    degraded: list[DegradedFile] = strawberry.field(description="Files that are not in use, of those that the viewer may see.")
    refused: list[ValidationProblem] = strawberry.field(
        description="Why the head is not published, of the files that the viewer may see; empty when it is."
    )
