"""What a change may not name because it does not exist for whoever makes it: the same is said as of what is absent. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from api.edits import EditRejected
from api.edits.documents import Document, loaded
from core.config import Model, Project
from core.crosscheck import missing
from core.files import ConfigError
from core.parsing import located
from core.paths import kind_of, provider_path
from core.yaml_strict import Place


def hidden_faults(
    hides: Callable[[str], bool], files: Mapping[str, bytes], changes: Mapping[str, bytes | None]
) -> list[ConfigError]:
    """An error for each provider that `changes` newly name and whose file is hidden; what `files` named before may stay."""
    faults = []
    for path, data in changes.items():
        if data is None or kind_of(path) not in (Project, Model):
            continue
        before = dict(_providers(_document(path, files.get(path))))
        for place, name in _providers(_document(path, data)):
            if before.get(place) != name and hides(provider_path(name)):
                faults.append(missing(path, place, "provider", name, provider_path(name)))
    return located(faults, changes)


def _providers(document: Document) -> Iterator[tuple[Place, str]]:
    """The providers that a project or a model names, and where."""
    passing = document.get("pass_through")
    found: list[tuple[Place, object]] = [(("provider",), document.get("provider"))]
    if isinstance(passing, dict):
        found.append((("pass_through", "default_provider"), passing.get("default_provider")))
    for place, name in found:
        if isinstance(name, str):
            yield place, name


def _document(path: str, data: bytes | None) -> Document:
    try:
        return loaded(path, data) if data is not None else {}
    except EditRejected:
        return {}  # the check at the commit says what is wrong with it
