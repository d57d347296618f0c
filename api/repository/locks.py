"""Lock files that a killed writer left behind.

Git and libgit2 move a branch by creating `<ref>.lock` exclusively, writing the new value and renaming it over the ref; `git
pack-refs` does the same with `packed-refs.lock`. A process killed in between leaves the file, and every later writer, push or
API, stops. The lock is held for milliseconds, so one that has stood for `STALE_AFTER_S` belongs to nobody. It is moved aside
before it is deleted: if its owner does wake up, its rename fails, and the branch keeps one of the two values.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

STALE_AFTER_S = 5.0
_PAUSE_S = 0.02


def held(repository: Path) -> Iterator[Path]:
    """The lock files that stop a branch from moving."""
    for name in ("HEAD.lock", "packed-refs.lock", "config.lock"):
        if (path := repository / name).exists():
            yield path
    yield from (repository / "refs").rglob("*.lock")


def sweep(repository: Path, stale_after_s: float = STALE_AFTER_S) -> tuple[str, ...]:
    """Remove the locks of dead writers; return their names. Never touches a young one."""
    return tuple(path.name for path in held(repository) if _age_s(path) >= stale_after_s and _removed(path))


def wait_until_free(repository: Path, stale_after_s: float = STALE_AFTER_S) -> bool:
    """Wait for young locks to go and remove stale ones; False if other writers hold one lock after another all the while."""
    give_up = time.monotonic() + 2 * stale_after_s
    while any(True for _ in held(repository)):
        sweep(repository, stale_after_s)
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE_S)
    return True


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _removed(path: Path) -> bool:
    aside = path.with_name(f"{path.name}.stale-{os.getpid()}")
    try:
        path.rename(aside)
        aside.unlink()
    except FileNotFoundError:
        return False
    return True
