"""Who uses a model, a provider or a role: what stands in the way of deleting it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from core.config import Config, File, Model, Project, Routing, Token
from core.paths import id_of, kind_of, model_path, slug_of
from core.references import indexed
from core.routing.policies import KINDS, models_named

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
    found = _found(config, path)
    projects = {slug for user in found if kind_of(user) in (Project, Routing, Token) and (slug := slug_of(user)) is not None}
    models = {id_of(user) for user in found if kind_of(user) is Model}
    return Users(tuple(sorted(projects)), tuple(sorted(models)))


def uses_of_model(config: Config, model: str, visible: Collection[str] | None) -> str:
    """Where a model stands, in words, for whoever wants to take it out: `the routing of projects a, b and token "CI" of project
    c`; those of projects that are not `visible` (None: all are) without names. Empty where nothing names it."""
    places: dict[str, list[str]] = {}
    hidden = False
    for path in sorted(_found(config, model_path(model))):
        slug, file = slug_of(path), config.files.get(path)
        if slug is None or file is None:
            continue
        hidden |= visible is not None and slug not in visible
        for place in _places(file, model) if visible is None or slug in visible else ():
            places.setdefault(place, []).append(slug)
    told = [f"{place} of {_named('project', slugs)}" for place, slugs in places.items()]
    more = [f"{len(told) - _NAMED} other places"] if len(told) > _NAMED else []
    return _joined([*told[:_NAMED], *more, *([UNSEEN] if hidden else [])])


def _places(file: File, model: str) -> Iterator[str]:
    """Where in a file of a project a model stands, each once."""
    if isinstance(file, Token):
        yield f'the models of token "{file.name}"'
    elif isinstance(file, Routing):
        if any(entry.id == model for entry in file.models):
            yield "the routing"
        yield from dict.fromkeys(
            f"policy `{KINDS[type(policy)]}`" for policy in file.policies for _, name in models_named(policy) if name == model
        )


def _found(config: Config, path: str) -> frozenset[str]:
    index = indexed(config).index
    return index.users.get(path, frozenset()) if index is not None else frozenset()


def _joined(parts: Sequence[str]) -> str:
    *others, last = parts or ("",)
    return f"{', '.join(others)} and {last}" if others else last


def named_of(slugs: Sequence[str], visible: Collection[str] | None) -> str:
    """Slugs in words, without those that are not `visible` (None: all are)."""
    seen = [slug for slug in slugs if visible is None or slug in visible]
    return " and ".join([", ".join(seen)] * bool(seen) + [UNSEEN] * (len(seen) < len(slugs)))


def _named(what: str, names: Iterable[str]) -> str:
    listed = tuple(names)
    shown = ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
    return f"{what}{'s' if len(listed) > 1 else ''} {shown}"
