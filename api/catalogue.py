"""One revision, indexed for answers: projects by slug, by id and by name, their models and tokens, and who uses what. Pure.

Each revision's is made from the one before it, at the cost of what changed, so that no query and no commit walks over every
file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from api.grants import Grants
from core.config import Config, Model, Project, Provider, References, Routing, Settings
from core.paths import id_of, project_path, routing_path, slug_of
from core.references import indexed, name_key


class ProjectEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A project with what lies beside its file."""

    slug: str
    project: Project
    models: tuple[str, ...] = ()
    tokens: int = 0


class Catalogue:
    """The published configuration, ready to be asked."""

    def __init__(self, config: Config, revision: str | None) -> None:
        self.config = config = indexed(config)
        self.revision = revision
        self.grants = Grants(config)
        self._index = config.index or References()
        slugs = sorted(id_of(path) for path, file in config.files.items() if isinstance(file, Project))
        self._by_slug: Mapping[str, ProjectEntry] = {slug: entry for slug in slugs if (entry := self._entry(slug)) is not None}

    def updated(self, config: Config, revision: str | None, touched: Iterable[str]) -> Catalogue:
        """The catalogue of `config`, which differs from this one's in no path but those `touched`."""
        if config.index is None:
            return Catalogue(config, revision)
        fresh = Catalogue(_NOTHING, revision)
        fresh.config, fresh._index = config, config.index
        fresh.grants = self.grants.updated(config, touched)
        by_slug = dict(self._by_slug)
        for slug in {slug for path in touched if (slug := slug_of(path)) is not None}:
            entry = fresh._entry(slug)
            if entry is not None:
                by_slug[slug] = entry
            else:
                by_slug.pop(slug, None)
        fresh._by_slug = by_slug if by_slug.keys() <= self._by_slug.keys() else dict(sorted(by_slug.items()))
        return fresh

    def __iter__(self) -> Iterator[ProjectEntry]:
        """Every project, by slug."""
        return iter(self._by_slug.values())

    def project(self, slug: str) -> ProjectEntry | None:
        """The project with this slug."""
        return self._by_slug.get(slug)

    def project_by_id(self, project_id: str) -> ProjectEntry | None:
        """The project whose file holds this id."""
        return self._claimed(f"id {project_id}")

    def project_by_name(self, name: str) -> ProjectEntry | None:
        """The project with this name, upper and lower case alike."""
        return self._claimed(name_key(name))

    def token_by_sha256(self, sha256: str) -> str | None:
        """The path of the token file that holds this SHA-256, as its own or as its former value."""
        return self._index.claims.get(f"sha256 {sha256}")

    def tokens(self, slug: str) -> list[str]:
        """The paths of a project's token files, in order."""
        return sorted(path for path in self.users(project_path(slug)) if "/tokens/" in path and slug_of(path) == slug)

    def users(self, path: str) -> frozenset[str]:
        """The files that name the file at `path`: the routings and tokens of a model, the models of a provider."""
        return self._index.users.get(path, frozenset())

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Every model, by id, in order."""
        found = {id_of(path): file for path, file in self.config.files.items() if isinstance(file, Model)}
        return {model_id: found[model_id] for model_id in sorted(found)}

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """Every provider, by id, in order."""
        found = {id_of(path): file for path, file in self.config.files.items() if isinstance(file, Provider)}
        return {provider_id: found[provider_id] for provider_id in sorted(found)}

    @cached_property
    def most_models(self) -> int:
        """How many models the provider with the most of them has."""
        return max(Counter(model.provider for model in self.models.values()).values(), default=0)

    @property
    def settings(self) -> Settings:
        """`waybill.yaml`."""
        return self.config.settings

    def _claimed(self, key: str) -> ProjectEntry | None:
        path = self._index.claims.get(key)
        return self._by_slug.get(id_of(path)) if path is not None else None

    def _entry(self, slug: str) -> ProjectEntry | None:
        project, routing = self.config.files.get(project_path(slug)), self.config.files.get(routing_path(slug))
        if not isinstance(project, Project):
            return None
        models = tuple(model.id for model in routing.models) if isinstance(routing, Routing) else ()
        return ProjectEntry(slug=slug, project=project, models=models, tokens=len(self.tokens(slug)))


_NOTHING = Config(index=References())
