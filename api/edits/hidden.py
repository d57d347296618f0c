"""What a change may not name because it does not exist for whoever makes it: the same is said as of what is absent. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from core.config import Model, Project, Routing, Token
from core.crosscheck import missing
from core.files import ConfigError, ConfigErrors
from core.parsing import located, parse
from core.paths import kind_of, model_path, provider_path
from core.routing.policies import models_named
from core.yaml_strict import Place


def hidden_faults(
    hides: Callable[[str], bool], files: Mapping[str, bytes], changes: Mapping[str, bytes | None]
) -> list[ConfigError]:
    """An error for each provider or model that `changes` newly name and whose file is hidden; what `files` named may stay."""
    faults = []
    for path, data in changes.items():
        before = {(what, name) for _, what, name in _named(path, files.get(path))}
        for place, what, name in _named(path, data):
            cause = provider_path(name) if what == "provider" else model_path(name)
            if (what, name) not in before and hides(cause):
                faults.append(missing(path, place, what, name, cause))
    return located(faults, changes)


def _named(path: str, data: bytes | None) -> Iterator[tuple[Place, str, str]]:
    """(where, what, its name) of the providers and models that a file names."""
    try:
        file = parse(path, data) if data is not None and kind_of(path) in (Project, Model, Routing, Token) else None
    except ConfigErrors:
        return  # the check at the commit says what is wrong with it
    if isinstance(file, Model):
        yield ("provider",), "provider", file.provider
    elif isinstance(file, Project) and file.pass_through.default_provider is not None:
        yield ("pass_through", "default_provider"), "provider", file.pass_through.default_provider
    elif isinstance(file, Token):
        yield from ((("models", position, "id"), "model", entry.id) for position, entry in enumerate(file.models))
    elif isinstance(file, Routing):
        yield from ((("models", position, "id"), "model", model.id) for position, model in enumerate(file.models))
        for position, policy in enumerate(file.policies):
            yield from ((("policies", position, *place), "model", name) for place, name in models_named(policy))
