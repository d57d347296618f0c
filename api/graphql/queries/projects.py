"""`projects` and `project(slug)`: the published configuration, never a second copy of it; in an order that people ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

from api.access import signed_in
from api.catalogue import Catalogue, ProjectEntry
from api.clock import now_ms
from api.database import usage
from api.graphql.context import Context, Info
from api.graphql.errors import BadInput
from api.graphql.lookahead import selected
from api.graphql.types.nodes import PageInfo
from api.graphql.types.project import (
    TREND_DAYS,
    Project,
    ProjectConnection,
    ProjectEdge,
    ProjectMeasure,
    ProjectOrder,
    SortDirection,
)
from core.fields import SLUG_PATTERN

_SLUG = re.compile(SLUG_PATTERN)
Key: TypeAlias = tuple[str | int, str]  # what projects are ordered by, and the slug: no two are the same


async def page(info: Info, search: str | None, first: int, after: str | None, order: ProjectOrder) -> ProjectConnection:
    """The projects that the viewer may see, in this order, after this cursor. Raises BadInput."""
    context = info.context
    catalogue, viewer = context.services.catalogue(), signed_in(context.viewer)
    key = await _keys(context, order)
    reverse = order.direction is SortDirection.DESC
    entries = sorted(matching(catalogue, search, viewer.visible_projects()), key=key, reverse=reverse)
    begin = _read_cursor(after, order) if after is not None else None
    rest = [entry for entry in entries if begin is None or (key(entry) < begin if reverse else key(entry) > begin)]
    found = _connection(catalogue, rest, first, len(entries), order, key, has_previous=after is not None)
    await _look_up_use(info, found.nodes)
    return found


async def _look_up_use(info: Info, projects: list[Project]) -> None:
    """Give the projects of a page the figures that are asked for, where the viewer may see them."""
    asked, viewer = selected(info), signed_in(info.context.viewer)
    seen = {project.slug: project for project in projects if viewer.may("report:read", project.slug)}
    engine, moment = info.context.services.engine, now_ms()
    if "today" in asked:
        for slug, figures in (await usage.today(engine, list(seen), moment)).items():
            seen[slug].used_today = figures
    if "trend" in asked:
        for slug, days in (await usage.by_day(engine, list(seen), moment, TREND_DAYS)).items():
            seen[slug].used_by_day = days


def matching(entries: Iterable[ProjectEntry], search: str | None, visible: Collection[str] | None) -> list[ProjectEntry]:
    """Projects whose slug or name contains `search`, ignoring case; of those in `visible` where it is not None."""
    wanted = (search or "").strip().casefold()
    return [
        entry
        for entry in entries
        if (wanted in entry.slug or wanted in entry.project.name.casefold()) and (visible is None or entry.slug in visible)
    ]


async def _keys(context: Context, order: ProjectOrder) -> Callable[[ProjectEntry], Key]:
    if order.field is ProjectMeasure.NAME:
        return lambda entry: (entry.project.name.casefold(), entry.slug)
    if order.field is ProjectMeasure.TOKENS:
        return lambda entry: (entry.tokens, entry.slug)
    if order.field is ProjectMeasure.SLUG:
        return lambda entry: ("", entry.slug)
    figure: Mapping[str, int] = await usage.today_of_all(
        context.services.engine, "cost_nano_usd" if order.field is ProjectMeasure.COST else "calls", now_ms()
    )
    # Whose figures one may not see are in no order that would tell them.
    shown = signed_in(context.viewer).projects("report:read")
    return lambda entry: (figure.get(entry.slug, 0) if shown is None or entry.slug in shown else 0, entry.slug)


def _connection(
    catalogue: Catalogue,
    rest: list[ProjectEntry],
    first: int,
    count: int,
    order: ProjectOrder,
    key: Callable[[ProjectEntry], Key],
    *,
    has_previous: bool,
) -> ProjectConnection:
    nodes = [Project.of(entry, catalogue) for entry in rest[:first]]
    cursors = [_cursor(key(entry), order) for entry in rest[:first]]
    return ProjectConnection(
        edges=[ProjectEdge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=len(rest) > first,
            has_previous_page=has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
        total_count=count,
    )


def _cursor(key: Key, order: ProjectOrder) -> str:
    """The slug, behind what it is ordered by: a cursor stays right when projects come and go."""
    return key[1] if order.field is ProjectMeasure.SLUG else f"{key[0]}/{key[1]}"


def _read_cursor(text: str, order: ProjectOrder) -> Key:
    value, slash, slug = text.rpartition("/")
    if not _SLUG.fullmatch(slug) or bool(slash) == (order.field is ProjectMeasure.SLUG):
        raise BadInput("`after` is no cursor of this order")
    if order.field is ProjectMeasure.SLUG:
        return "", text
    if order.field is ProjectMeasure.NAME:
        return value, slug
    if not value.lstrip("-").isdecimal() or len(value) > 20:
        raise BadInput("`after` is no cursor of this order")
    return int(value), slug
