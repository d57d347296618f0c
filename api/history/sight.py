"""Which files of the configuration somebody may see, now and at any revision. Pure.

A project's files take `project:read` in it, models and providers `model:read`; a provider that is a project's own is seen, with
its models, by whoever may read models there. Whose it is says the published configuration, at any revision; a version that
names another owner, whom the viewer may not know, is not read all the same. What holds for the whole installation
(`waybill.yaml`, `roles.yaml`, whatever else lies there) takes both, and no restriction to some projects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from api.access import Viewer
from api.repository.checks import path_fault
from api.repository.log import Content
from core import yaml_strict
from core.config import Model, Provider
from core.paths import SETTINGS_PATH, model_path, provider_path, slug_of

NOT_SHOWN = b"https://not-shown.invalid"
_ADDRESS = re.compile(rb"(?i)\bhttps?:[^\s\"'#,}\]]+")
LISTED = ("models/", "providers/")  # whose files can be of a project that is not seen

_NAMED = re.compile(
    r"\b(?:projects|providers|models)/[a-z0-9][a-z0-9._/-]*\.yaml(?! would be its file)|\b(?:roles|waybill)\.yaml"
)


class Sight(msgspec.Struct, frozen=True):
    """`projects`: the slugs that are seen, None for all; `models`: whether models and providers are; `listed`: the files of
    those, None for all; `addresses`: whether those of webhooks are, which let in whoever knows them."""

    projects: frozenset[str] | None
    models: bool
    listed: frozenset[str] | None = None
    addresses: bool = True

    @classmethod
    def of(cls, viewer: Viewer | None, providers: Mapping[str, Provider], models: Mapping[str, Model]) -> Sight:
        """What this viewer sees, where these are the providers and models that there are, by id."""
        if viewer is None:
            return cls(frozenset(), False, frozenset(), False)
        seen = None
        if viewer.projects("model:read") is not None:
            own = {id for id, found in providers.items() if viewer.may("model:read", found.project)}
            theirs = (model_path(id) for id, found in models.items() if found.provider in own)
            seen = frozenset((*map(provider_path, own), *theirs))
        return cls(viewer.visible_projects(), viewer.may("model:read"), seen, viewer.may("settings:write"))

    @property
    def everything(self) -> bool:
        """Whether there is no file that is not seen."""
        return self.projects is None and self.models

    def sees(self, path: str) -> bool:
        """Whether the file at `path` is seen; what cannot be a path in a repository never is."""
        if not is_path(path):
            return False
        slug = slug_of(path)
        if slug is not None:
            return self.projects is None or slug in self.projects
        if self.hides(path):
            return False
        return self.models if path.startswith(LISTED) else self.everything

    def hides(self, path: str) -> bool:
        """Whether the file at `path` is, or would be, of a provider or a model that is not there for the viewer."""
        return self.listed is not None and path.startswith(LISTED) and path not in self.listed

    def reads(self, path: str, version: object) -> bool:
        """Whether this version (bytes, or none) of a file that is seen may be: it may name what is not there for the viewer."""
        if self.listed is None or not isinstance(version, bytes) or not path.startswith(LISTED):
            return True
        named = _document(version)
        if path.startswith("models/"):
            return provider_path(str(named.get("provider"))) in self.listed
        owner = named.get("project")
        return owner is None or self.projects is None or owner in self.projects

    def shown(self, path: str, version: Content) -> Content:
        """A version of a file without the addresses that are not seen; as many lines, and still YAML."""
        if self.addresses or path != SETTINGS_PATH or not isinstance(version, bytes):
            return version
        shown = _ADDRESS.sub(NOT_SHOWN, version)
        webhooks = _document(shown).get("alert_webhooks")
        urls = [each.get("url") for each in webhooks if isinstance(each, dict)] if isinstance(webhooks, list) else []
        # Written in pieces, or with escapes, one is not found; then nothing is shown.
        return shown if all(url == NOT_SHOWN.decode() for url in urls) else b""

    def words(self, text: str) -> str:
        """What was said of files, without the names of those that are not seen."""
        return _NAMED.sub(lambda found: found[0] if self.sees(found[0]) else "a file that you may not see", text)

    def narrowed(self, topic: str | None) -> tuple[str, ...] | None:
        """The files and folders of `topic` (a file or a folder; None: the whole repository) that are seen: () is all of the
        repository, None nothing."""
        if topic is not None and not is_path(topic):
            return None
        if self.everything:
            return (topic,) if topic else ()
        roots = tuple(self._roots())
        if topic:
            if any(_within(topic, root) for root in roots):
                return (topic,)
            roots = tuple(root for root in roots if _within(root, topic))
        return roots or None

    def _roots(self) -> Iterable[str]:
        if self.projects is None:
            yield "projects"
        else:
            yield from (f"projects/{slug}" for slug in sorted(self.projects))
        if self.models:
            yield from sorted(self.listed) if self.listed is not None else ("models", "providers")


def _document(version: bytes) -> dict[str, yaml_strict.Value]:
    try:
        found = yaml_strict.load(version)
    except yaml_strict.YamlError:
        return {}
    return found if isinstance(found, dict) else {}


def is_path(text: str) -> bool:
    """Whether a file or a folder of a repository can be called so: git takes anything else as a mistake, or worse."""
    return path_fault(text) is None and not any(part in ("", ".", "..") for part in text.split("/"))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
