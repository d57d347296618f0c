"""Which files of the configuration somebody may see, now and at any revision. Pure.

A project's files take `project:read` in it, models and providers `model:read`; what holds for the whole installation
(`waybill.yaml`, `roles.yaml`, whatever else lies there) both, and no restriction to some projects.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from api.access import Viewer
from api.repository.checks import path_fault
from core.paths import slug_of

MODEL_FOLDERS = ("models", "providers")


class Sight(msgspec.Struct, frozen=True):
    """`projects`: the slugs that are seen, None for all; `models`: whether models and providers are."""

    projects: frozenset[str] | None
    models: bool

    @classmethod
    def of(cls, viewer: Viewer | None) -> Sight:
        """What this viewer sees."""
        if viewer is None:
            return cls(frozenset(), False)
        return cls(viewer.visible_projects(), viewer.may("model:read"))

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
        return self.models if path.startswith(("models/", "providers/")) else self.everything

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
            yield from MODEL_FOLDERS


def is_path(text: str) -> bool:
    """Whether a file or a folder of a repository can be called so: git takes anything else as a mistake, or worse."""
    return path_fault(text) is None and not any(part in ("", ".", "..") for part in text.split("/"))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
