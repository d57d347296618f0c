"""A revision that came past the hook (a fetched branch, a direct write): run as much of it as is sound.

A wrong global file refuses the revision. A wrong project file keeps its project's last good version, or leaves out a project
that has none. A wrong token file disables that token: a mistake in its file never keeps it alive, and a deleted token stays
deleted whatever else is wrong. Leaving one file out can break another, so the rest is checked until nothing more is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.config import Config, File, Token
from core.crosscheck import CrossFault, cross_faults
from core.parsing import ConfigError, ConfigErrors, in_order, located, parse_changes, with_changes
from core.paths import is_stray, kind_of, project_path, routing_path, slug_of
from core.references import concerned


def tolerate(config: Config, changes: Mapping[str, bytes | None]) -> tuple[Config, tuple[ConfigError, ...]]:
    """Return the sound configuration, and errors that name every changed file left out. Raises ConfigErrors (global files)."""
    parsed, errors = parse_changes(changes)
    attempt = _Attempt(config, changes, parsed, unread={error.file for error in errors})
    attempt.leave_out(errors)
    while True:
        result = with_changes(config, attempt.pending)
        faults = cross_faults(result.files, attempt.pending.keys(), concerned(config, result.files, attempt.pending))
        if not faults:
            return result, attempt.reports()
        attempt.leave_out(attempt.errors_of(faults))


class _Attempt:
    """The changes that are still wanted (None: deleted), and what was left out of them and why."""

    def __init__(
        self, config: Config, changes: Mapping[str, bytes | None], parsed: dict[str, File | None], unread: set[str]
    ) -> None:
        self.pending = parsed
        self._config = config
        self._changes = changes
        self._unread = unread
        self._reported: dict[str, list[ConfigError]] = {}

    def reports(self) -> tuple[ConfigError, ...]:
        return in_order(error for errors in self._reported.values() for error in errors)

    def errors_of(self, faults: list[CrossFault]) -> list[ConfigError]:
        """Locate faults among the changes that are still wanted."""
        wanted = {path: None if file is None else self._changes.get(path) for path, file in self.pending.items()}
        orphans = [self._orphaned(fault) for fault in faults if fault.orphan]
        return orphans + located((fault for fault in faults if not fault.orphan), wanted)

    def _orphaned(self, fault: CrossFault) -> ConfigError:
        # What is left in the folder of a deleted project goes with it: nothing brings a deleted project back.
        reason = f"left out with its project: see {fault.cause}" if fault.cause in self._reported else fault.reason
        return ConfigError(fault.path, 1, "", reason)

    def leave_out(self, errors: Iterable[ConfigError]) -> None:
        """Take the wrong files out of what is wanted. Raises ConfigErrors when one of them is global."""
        errors = list(errors)
        if refused := [error for error in errors if _is_global(error.file)]:
            raise ConfigErrors(refused)
        for error in errors:
            self._reported.setdefault(error.file, []).append(error)
        held: dict[str, str] = {}
        for path in dict.fromkeys(error.file for error in errors):
            slug = slug_of(path)
            if slug is None or is_stray(path):
                continue  # nothing reads it, so there is nothing to leave out
            if kind_of(path) is Token or (path == routing_path(slug) and not self._has_project(slug)):
                self.pending[path] = None
            else:
                held.setdefault(slug, path)
        for slug, path in held.items():
            self._hold_back(slug, path)

    def _has_project(self, slug: str) -> bool:
        path = project_path(slug)
        return self.pending[path] is not None if path in self.pending else path in self._config.files or path in self._unread

    def _hold_back(self, slug: str, wrong: str) -> None:
        """Keep the project's last good files; leave it out where it has none, or where what it has is the fault."""
        pair = (project_path(slug), routing_path(slug))
        changed = any(self.pending.get(path) is not None or path in self._unread for path in pair)
        has_last_good = pair[0] in self._config.files
        for path in pair:
            self._unread.discard(path)
            if changed and has_last_good:
                self.pending.pop(path, None)
            else:
                self.pending[path] = None
            if path in self._changes and path not in self._reported:
                self._reported[path] = [ConfigError(path, 1, "", f"held back, as {wrong} of the same project is wrong")]


def _is_global(path: str) -> bool:
    """Tell whether the whole installation depends on `path`; a YAML file that nothing reads matters to nobody elsewhere."""
    return not path.startswith("projects/") and (not is_stray(path) or path.startswith(("providers/", "models/")))
