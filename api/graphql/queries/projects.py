"""`projects` and `project(slug)`: the published configuration, never a second copy of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from api.catalogue import Catalogue, ProjectEntry
from api.graphql.types.nodes import PageInfo
from api.graphql.types.project import Project, ProjectConnection, ProjectEdge


def matching(entries: Iterable[ProjectEntry], search: str | None, visible: Collection[str] | None) -> list[ProjectEntry]:
    """Projects whose slug or name contains `search`, ignoring case, by slug; of those in `visible` where it is not None."""
    wanted = (search or "").strip().casefold()
    return [
        entry
        for entry in entries
        if (wanted in entry.slug or wanted in entry.project.name.casefold()) and (visible is None or entry.slug in visible)
    ]


def page(catalogue: Catalogue, entries: list[ProjectEntry], first: int, after: str | None) -> ProjectConnection:
    """The page of `entries` that follows the slug `after`: a cursor stays right when projects come and go."""
    rest = [entry for entry in entries if after is None or entry.slug > after]
    shown = [Project.of(entry, catalogue) for entry in rest[:first]]
    return ProjectConnection(
        edges=[ProjectEdge(cursor=project.slug, node=project) for project in shown],
        nodes=shown,
        page_info=PageInfo(
            has_next_page=len(rest) > first,
            has_previous_page=after is not None,
            start_cursor=shown[0].slug if shown else None,
            end_cursor=shown[-1].slug if shown else None,
        ),
        total_count=len(entries),
    )
