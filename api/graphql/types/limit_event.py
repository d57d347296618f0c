"""What limits had to say: alerts, as the query and the subscription show them."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from enum import Enum
from typing import Final, cast

import strawberry

from api.alerts.posts import alert_id, window_title
from api.database.alerts import Alert, AlertKind
from api.graphql.errors import BadInput
from api.graphql.scalars import Instant, NanoUsd
from api.graphql.types.limit_words import LimitMetric
from api.graphql.types.nodes import PageInfo
from core.limits import Scope

NANO: Final = 10**9
MAX_VALUES: Final = 100


@strawberry.enum(description="What a limit had to say.")
class LimitEventKind(Enum):
    """`api.database.alerts.AlertKind`."""

    SHARE = strawberry.enum_value("share", description="Four fifths of the limit are used.")
    EXHAUSTED = strawberry.enum_value("exhausted", description="All of it is used: it refuses from now on.")
    RESET = strawberry.enum_value(
        "reset", description="The window is over; a rolling limit: its use is below four fifths again."
    )
    OVERRUN = strawberry.enum_value(
        "overrun",
        description="A request cost more than was reserved for it. It is booked in full; said once an hour for a model.",
    )


@strawberry.enum(description="Whose use a limit counts.")
class LimitScope(Enum):
    """`core.limits.chains.Kind`."""

    PLATFORM = strawberry.enum_value("platform", description="Everything.")
    PROJECT = strawberry.enum_value("project", description="A project.")
    TOKEN = strawberry.enum_value("token", description="A token.")
    MODEL = strawberry.enum_value("model", description="A model, over all projects.")
    PROJECT_MODEL = strawberry.enum_value("project_model", description="A model in a project.")
    TOKEN_MODEL = strawberry.enum_value("token_model", description="A model with a token.")


@strawberry.type(description="One thing that a limit had to say.")
class LimitEvent:
    """An alert."""

    id: strawberry.ID = strawberry.field(description="Never given twice; webhooks send it as `x-waybill-alert-id`.")
    cursor: str = strawberry.field(description="Its place; the query and the subscription take it as `after`.")
    kind: LimitEventKind = strawberry.field(description="What it says.")
    at: Instant = strawberry.field(description="When that was: the admission that led to it, or the end of the window.")
    scope: LimitScope = strawberry.field(description="Whose use the limit counts.")
    project: str | None = strawberry.field(description="The scope's project, by slug.")
    token: str | None = strawberry.field(description="The scope's token, by id.")
    model: str | None = strawberry.field(description="The scope's model, by id.")
    metric: LimitMetric = strawberry.field(description="What the limit counts.")
    window: str | None = strawberry.field(description="The window, such as `daily` or `2-hour`; null for an overrun.")
    window_start: Instant = strawberry.field(
        description="When the window began; a rolling limit: when its use rose to four fifths; an overrun: its admission."
    )
    resets_at: Instant | None = strawberry.field(description="When the window is over; null for one that rolls.")
    limit: NanoUsd = strawberry.field(description="The limit, USD for cost, else a count; for an overrun what was reserved.")
    used: NanoUsd = strawberry.field(description="What was used then, in the same unit; for an overrun what it cost.")
    trace_id: str | None = strawberry.field(description="The request that led to it; null where time or an edit did.")
    revision: str | None = strawberry.field(description="The configuration that it was raised under.")

    @classmethod
    def of(cls, alert: Alert) -> LimitEvent:
        """A recorded alert."""
        unit = 1 if alert.metric == "cost" else NANO
        return cls(
            id=strawberry.ID(alert_id(alert)),
            cursor=str(alert.id),
            kind=LimitEventKind(alert.kind),
            at=Instant(alert.at_ms),
            scope=LimitScope(Scope(alert.project, alert.token, alert.model).kind),
            project=alert.project or None,
            token=alert.token or None,
            model=alert.model or None,
            metric=LimitMetric(alert.metric),
            window=window_title(alert.window),
            window_start=Instant(alert.start_ms),
            resets_at=None if alert.reset_ms is None else Instant(alert.reset_ms),
            limit=NanoUsd(alert.value * unit),
            used=NanoUsd(alert.used * unit),
            trace_id=alert.request_id,
            revision=alert.revision,
        )


@strawberry.type(description="A limit event in its list.")
class LimitEventEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="Its place.")
    node: LimitEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of limit events.")
class LimitEventConnection:
    """Relay's connection."""

    edges: list[LimitEventEdge] = strawberry.field(description="The events with their cursors.")
    nodes: list[LimitEvent] = strawberry.field(description="The events alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


@strawberry.input(
    description="Which limit events are meant: what is left out is not asked about, a list means any of its values."
)
class LimitEventFilter:
    """Filters of the query and of the subscription."""

    project: list[str] | None = strawberry.field(default=None, description="Slugs of projects.")
    kind: list[LimitEventKind] | None = strawberry.field(default=None, description="What they say.")

    def kinds(self) -> list[AlertKind] | None:
        """What is to be said; None for anything."""
        return None if self.kind is None else [cast("AlertKind", kind.name.lower()) for kind in self.kind]

    def projects(self, visible: frozenset[str] | None) -> tuple[str, ...] | None:
        """The projects that are asked about, of those that may be seen; None for all, and what is of no project. BadInput."""
        if self.project is not None and len(self.project) > MAX_VALUES:
            raise BadInput(f"`filter.project` has {len(self.project)} values, at most {MAX_VALUES}")
        if self.project is None:
            return None if visible is None else tuple(sorted(visible))
        return tuple(sorted({slug for slug in self.project if slug and (visible is None or slug in visible)}))
