"""Limits with their present use."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from api.access import Viewer
from api.alerts.posts import window_title
from api.graphql.scalars import Instant, NanoUsd
from api.graphql.types.limit_event import NANO, LimitScope
from api.graphql.types.limit_words import LimitMetric
from api.limit_usage import LimitUse as Standing
from core.limits import Scope, without_shared_figures

# Of fields whose rule is `OrNull("report:read")`.
NO_REPORTS = "null for whoever may not read reports there"


@strawberry.type(description="A limit that requests here are held to, and how much of it is used.")
class LimitUse:
    """`api.limit_usage.LimitUse`."""

    scope: LimitScope = strawberry.field(description="Whose use it counts.")
    project: str | None = strawberry.field(description="The scope's project, by slug.")
    token: str | None = strawberry.field(description="The scope's token, by id.")
    model: str | None = strawberry.field(description="The scope's model, by id.")
    metric: LimitMetric = strawberry.field(description="What it counts.")
    window: str | None = strawberry.field(description="Its window, such as `daily` or `2-hour`.")
    window_start: Instant = strawberry.field(description="The first instant of the window at present.")
    resets_at: Instant | None = strawberry.field(description="When the window is over; null for one that rolls.")
    limit: NanoUsd = strawberry.field(description="The limit: USD for cost, else a count.")
    used: NanoUsd = strawberry.field(description="What is used, in the same unit; without what is reserved in flight.")
    remaining: NanoUsd = strawberry.field(description="What is left; negative where a bill came out above its bound.")
    share: float = strawberry.field(description="How much of it is used: 1 is all of it.")
    exhausted: bool = strawberry.field(description="Whether it refuses everything.")

    @classmethod
    def of(cls, found: Standing) -> LimitUse:
        """A limit as it stands."""
        unit = 1 if found.metric == "cost" else NANO
        return cls(
            scope=LimitScope(found.scope.kind),
            project=found.scope.project or None,
            token=found.scope.token or None,
            model=found.scope.model or None,
            metric=LimitMetric(found.metric),
            window=window_title(found.window_name),
            window_start=Instant(found.start_ms),
            resets_at=None if found.reset_ms is None else Instant(found.reset_ms),
            limit=NanoUsd(found.value * unit),
            used=NanoUsd(found.used * unit),
            remaining=NanoUsd(found.remaining * unit),
            share=found.share,
            exhausted=found.exhausted,
        )


def seen(viewer: Viewer, uses: Iterable[Standing]) -> list[LimitUse]:
    """Those whose use the viewer may see: what is counted over all projects shows something of all of them."""
    return [LimitUse.of(use) for use in uses if _may_see(viewer, use.scope)]


def words_for(viewer: Viewer, text: str | None) -> str | None:
    """What was said of limits, as far as the viewer may know it; None for nothing."""
    if not text:
        return None
    return text if sees_all(viewer) else without_shared_figures(text)


def sees_all(viewer: Viewer) -> bool:
    """Whether the viewer may know what all projects together used."""
    return viewer.projects("report:read") is None


def _may_see(viewer: Viewer, scope: Scope) -> bool:
    return viewer.may("report:read", scope.project) if scope.project else sees_all(viewer)
