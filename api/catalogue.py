"""One revision, indexed for answers: projects by slug and by id, their models, how many tokens each has. Pure; made once a
revision, so that no query walks over every token file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from api.grants import Grants
from core.config import Config, Project, Routing, Settings, Token


class ProjectEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A project with what lies beside its file."""

    slug: str
    project: Project
    models: tuple[str, ...] = ()
    tokens: int = 0


class Catalogue:
    """The published configuration, ready to be asked."""

    def __init__(self, config: Config, revision: str | None) -> None:
        self.config = config
        self.revision = revision
        self.grants = Grants(config)
        tokens: Counter[str] = Counter()
        routings: dict[str, Routing] = {}
        projects: dict[str, Project] = {}
        for path, file in config.files.items():
            if isinstance(file, Token):
                tokens[_slug(path)] += 1
            elif isinstance(file, Routing):
                routings[_slug(path)] = file
            elif isinstance(file, Project):
                projects[_slug(path)] = file
        self._by_slug = {
            slug: ProjectEntry(slug=slug, project=project, models=_models(routings.get(slug)), tokens=tokens[slug])
            for slug, project in sorted(projects.items())
        }
        self._by_id = {entry.project.id: entry for entry in self._by_slug.values()}

    def __iter__(self) -> Iterator[ProjectEntry]:
        """Every project, by slug."""
        return iter(self._by_slug.values())

    def project(self, slug: str) -> ProjectEntry | None:
        """The project with this slug."""
        return self._by_slug.get(slug)

    def project_by_id(self, project_id: str) -> ProjectEntry | None:
        """The project whose file holds this id."""
        return self._by_id.get(project_id)

    @property
    def settings(self) -> Settings:
        """`waybill.yaml`."""
        return self.config.settings


def _slug(path: str) -> str:
    """The project that a path below `projects/` belongs to."""
    return path.split("/", 2)[1]


def _models(routing: Routing | None) -> tuple[str, ...]:
    return tuple(model.id for model in routing.models) if routing is not None else ()
