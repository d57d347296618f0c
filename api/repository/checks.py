"""The check that stands before the branch, whoever moves it: the push hook runs it, and every commit of the API.

Everything wrong is a `ConfigError`: the file, the line, the field and the reason.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from api.repository.lineage import identity_faults
from api.repository.store import MAX_FILE_BYTES, Changes, Repository
from core import files
from core.config import Config
from core.files import ConfigError, ConfigErrors
from core.leaks import leaks

MAX_PATH_BYTES = 1_000


class Known(msgspec.Struct, frozen=True):
    """A revision whose configuration is at hand: what a check starts from, so that it costs only what changed."""

    revision: str
    config: Config


def validated(repository: Repository, known: Known | None, head: str | None, changes: Changes) -> Config:
    """The configuration with `changes` on top of `head`. Raises ConfigErrors."""
    refuse(file_faults(changes))
    refuse(identity_faults(repository, head, changes))
    if known is not None and repository.holds(known.revision):
        since = repository.changes(known.revision, head) if head not in (None, known.revision) else {}
        return files.apply(known.config, {**since, **changes})
    present = repository.contents(head) if head is not None else {}
    try:
        before = files.load(present)
    except ConfigErrors:
        # Wrong already, or empty: only the result counts.
        return files.load({path: data for path, data in {**present, **changes}.items() if data is not None})
    return files.apply(before, changes)


def refuse(faults: Iterable[ConfigError]) -> None:
    """Raise ConfigErrors if there are any."""
    if found := list(faults):
        raise ConfigErrors(found)


def file_faults(changes: Changes) -> Iterable[ConfigError]:
    """What is wrong with files as files: names that hide something, secrets in clear."""
    for path, data in changes.items():
        if data is None:
            continue  # whatever it was, it goes away
        if reason := path_fault(path):
            yield ConfigError(shown(path), 1, "", reason)
        yield from size_faults(path, len(data))
        yield from leak_faults("the name of a file", path.encode())
        yield from leak_faults(path, data)


def size_faults(path: str, size: int) -> Iterable[ConfigError]:
    """An error for a file that is too large: this is no place for images and archives, and all of it is read at times."""
    if size > MAX_FILE_BYTES:
        yield ConfigError(shown(path), 1, "", f"the file has {size} bytes: at most {MAX_FILE_BYTES} are kept of any file here")


def leak_faults(path: str, data: bytes) -> Iterable[ConfigError]:
    """One error for each line that seems to hold a secret; the value is never repeated."""
    for leak in leaks(data):
        reason = (
            f"this looks like {leak.kind} in clear: no secret is ever in Git; refer to one with `credential: {{env: …}}` or"
            " `{file: …}`, or seal it. Whoever could read it may have it: replace it at its provider"
        )
        yield ConfigError(shown(path), leak.line, "", reason)


def path_fault(path: str) -> str | None:
    """Why a path must not be in the repository; None for a sound one."""
    if not path.isprintable() or "\\" in path:
        return "the path has control or invisible characters, or a backslash: rename it"
    if any(part != part.strip() for part in path.split("/")):
        return "a name in the path begins or ends with a space: rename it"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"the path is longer than {MAX_PATH_BYTES} bytes"
    return None


def shown(path: str) -> str:
    """A path that is safe to print: what does not print is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in path)
