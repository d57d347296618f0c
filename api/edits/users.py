"""Who uses a model, a provider or a role: what stands in the way of deleting it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from core.config import Config, Model, Project, Routing, Token
from core.paths import id_of, kind_of, slug_of
from core.references import indexed

UNSEEN = "projects that you may not see"
_NAMED = 10


class Users(msgspec.Struct, frozen=True):
    """Slugs of projects, and ids of models, in order."""

    projects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def told(self, visible: Collection[str] | None) -> str:
        """In words: `project demo and models a, b`; projects that are not `visible` (None: all are) without their names."""
        seen = tuple(slug for slug in self.projects if visible is None or slug in visible)
        named = [_named(what, names) for what, names in (("project", seen), ("model", self.models)) if names]
        return " and ".join(named + ([UNSEEN] if len(seen) < len(self.projects) else []))


def users_of(config: Config, path: str) -> Users:
    """The projects and models whose files name the file at `path`; by the index of the configuration, never by a walk."""
    index = indexed(config).index
    found = index.users.get(path, frozenset()) if index is not None else frozenset()
    projects = {slug for user in found if kind_of(user) in (Project, Routing, Token) and (slug := slug_of(user)) is not None}
    models = {id_of(user) for user in found if kind_of(user) is Model}
    return Users(tuple(sorted(projects)), tuple(sorted(models)))


def named_of(slugs: Sequence[str], visible: Collection[str] | None) -> str:
    """Slugs in words, without those that are not `visible` (None: all are)."""
    seen = [slug for slug in slugs if visible is None or slug in visible]
    return " and ".join([", ".join(seen)] * bool(seen) + [UNSEEN] * (len(seen) < len(slugs)))


def _named(what: str, names: Iterable[str]) -> str:
    listed = tuple(names)
    shown = ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
    return f"{what}{'s' if len(listed) > 1 else ''} {shown}"
