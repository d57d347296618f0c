"""Which limits of a configuration hold for anybody at all, whose use they count, and which of them share a count. Pure.

A rule that every token replaces or switches off holds for nobody, and has nothing to say. Most tokens have no limits of their
own: those of a project are looked at once, so the cost is that of projects and models, and of the tokens that differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.config import Config, Model, Project, Routing, Token
from core.limits import NO_LIMITS, Effective, Scope, effective_per_model, effective_totals
from core.limits.chains import PLATFORM, model_scopes, total_scopes
from core.paths import id_of, slug_of

_ANY_TOKEN = Token(name="any", sha256="0" * 64, prefix="")


def limits_in_force(config: Config) -> tuple[Effective, ...]:
    """Every limit that holds for a token, or would for one without limits of its own; each once, in a fixed order."""
    index = _Index(config)
    found: dict[Effective, None] = dict.fromkeys(effective_totals(config.settings.limits, NO_LIMITS, NO_LIMITS, _PLATFORM_ONLY))
    for model_id, model in index.models.items():
        # A model's own limits hold for any project that has it without an entry; who has none may still get it tomorrow.
        scopes = (Scope("", "", model_id),) * 3
        found |= dict.fromkeys(effective_per_model(model.limits, NO_LIMITS, _ANY_TOKEN, model_id, scopes))
    for slug, project in index.projects.items():
        for effective in _of_project(config, index, slug, project):
            found[effective] = None
    return tuple(found)


_PLATFORM_ONLY = (PLATFORM, PLATFORM, PLATFORM)


class _Index:
    """A configuration by what is looked for: one walk over its files."""

    def __init__(self, config: Config) -> None:
        self.projects: dict[str, Project] = {}
        self.models: dict[str, Model] = {}
        self.entries: dict[str, Mapping[str, object]] = {}
        self.routings: dict[str, Routing] = {}
        self.tokens: dict[str, list[tuple[str, Token]]] = {}
        for path, file in config.files.items():
            if isinstance(file, Token):
                if file.limits != NO_LIMITS or file.models:
                    self.tokens.setdefault(slug_of(path) or "", []).append((id_of(path), file))
            elif isinstance(file, Model):
                self.models[id_of(path)] = file
            elif isinstance(file, Project):
                self.projects[slug_of(path) or ""] = file
            elif isinstance(file, Routing):
                self.routings[slug_of(path) or ""] = file


def _of_project(config: Config, index: _Index, slug: str, project: Project) -> Iterator[Effective]:
    routing = index.routings.get(slug, Routing())
    entries = {routed.id: routed.limits for routed in routing.models}
    limited = [name for name, limits in entries.items() if limits != NO_LIMITS]
    yield from effective_totals(config.settings.limits, project.limits, NO_LIMITS, total_scopes(slug, ""))
    for model_id in limited:
        scopes = model_scopes(slug, "", model_id)
        model = index.models.get(model_id)
        yield from effective_per_model(model.limits if model else NO_LIMITS, entries[model_id], _ANY_TOKEN, model_id, scopes)
    for token_id, token in index.tokens.get(slug, ()):
        yield from effective_totals(config.settings.limits, project.limits, token.limits, total_scopes(slug, token_id))
        for entry in token.models:
            scopes = model_scopes(slug, token_id, entry.id)
            model = index.models.get(entry.id)
            own = model.limits if model else NO_LIMITS
            yield from effective_per_model(own, entries.get(entry.id, NO_LIMITS), token, entry.id, scopes)
