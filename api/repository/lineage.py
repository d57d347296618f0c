"""A slug belongs to one project for ever: log rows, use, limits and history are filed under it.

So a deleted project's slug is not given to another one, which would begin with the former's use and show its members the
former's rows. The project itself may come back, by a revert or by hand: it is known by its `id`. Blocks, for a git process
where files of projects are made.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from api.repository.errors import GitFailed
from api.repository.store import Changes, Repository
from core import yaml_strict
from core.config import Project
from core.parsing import ConfigError
from core.paths import kind_of, project_path, slug_of

_ASKED_AT_ONCE = 500  # paths of one git process


def former_id(repository: Repository, head: str | None, slug: str) -> str | None:
    """The id of the project that has, or last had, this slug up to `head`; None where none ever had it. Raises GitFailed."""
    return _former_ids(repository, head, [project_path(slug)]).get(project_path(slug))


def identity_faults(repository: Repository, head: str | None, changes: Changes) -> Iterator[ConfigError]:
    """One error for each project that would take another one's slug, or another slug. Raises GitFailed."""
    yield from _moved(repository, head, changes)
    made = {path: data for path, data in changes.items() if data is not None and kind_of(path) is Project}
    former = _former_ids(repository, head, list(made))
    for path, data in made.items():
        if (known := former.get(path)) and _id(data) not in (known, ""):
            reason = (
                f"`{slug_of(path)}` is the slug of the project with the id `{known}`, for ever: its use and its log rows are"
                " filed under it. Give a new project another slug; the former one comes back with its own id"
            )
            yield ConfigError(path, yaml_strict.lines(data).get(("id",), 1), "id", reason)


def _moved(repository: Repository, head: str | None, changes: Changes) -> Iterator[ConfigError]:
    """One error for each project that is in another folder after these changes: its use would stay behind."""
    gone = [path for path, data in changes.items() if data is None and kind_of(path) is Project]
    if head is None or not gone:
        return
    slugs = {known: slug_of(path) for path, data in repository.contents(head, gone).items() if (known := _id(data))}
    for path, data in changes.items():
        if data is not None and kind_of(path) is Project and (slug := slugs.get(_id(data))):
            reason = (
                f"the project with the id `{_id(data)}` is `{slug}`, for ever: its use and its log rows are filed under it."
                " Leave its folder where it is and change its `name`, or give the new project an id of its own"
            )
            yield ConfigError(path, yaml_strict.lines(data).get(("id",), 1), "id", reason)


def _former_ids(repository: Repository, head: str | None, paths: list[str]) -> dict[str, str]:
    """{path: id} of those projects' files that are or were there."""
    if head is None or not paths:
        return {}
    present = repository.contents(head, paths)
    gone = [path for path in paths if path not in present]
    for start in range(0, len(gone), _ASKED_AT_ONCE):
        for path, revision in _last_with(repository, head, gone[start : start + _ASKED_AT_ONCE]).items():
            present |= repository.contents(revision, [path])
    return {path: _id(data) for path, data in present.items()}


def _last_with(repository: Repository, head: str, paths: list[str]) -> dict[str, str]:
    """For each of these files the newest commit up to `head` that made or changed it, where there is one."""
    options = ["-m", "--full-history", "--no-renames", "--diff-filter=AM", "--name-only", "--format=%H", "--no-show-signature"]
    command = ["git", f"--git-dir={repository.path}", "--literal-pathspecs", "log", *options, "--end-of-options", head]
    done = subprocess.run([*command, "--", *paths], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GitFailed(f"git log failed with status {done.returncode}")
    found: dict[str, str] = {}
    revision = ""
    for line in done.stdout.splitlines():
        if line.endswith(".yaml"):
            found.setdefault(line, revision)
        elif line:
            revision = line
    return found


def _id(data: bytes) -> str:
    """What the file says; "" where it says nothing, which another check finds."""
    try:
        document = yaml_strict.load(data)
    except yaml_strict.YamlError:
        return ""
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""
