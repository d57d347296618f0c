"""Git's own housekeeping, by git processes: what pygit2 does badly or not at all.

It runs by itself, in a thread of its own: commits and pushes go on meanwhile. What it needs of locks it holds for milliseconds,
and a writer that meets one waits (`locks.py`). Objects younger than two weeks are never removed: a commit's objects are there
before the branch leads to them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from api.repository.errors import GitFailed

LOOK_EVERY_S = 60.0
AFTER_REVISIONS = 500
AFTER_S = 3_600.0
# Only housekeeping takes these, for seconds at most: one that is so old is of a process that was killed.
_LOCKS = ("objects/info/commit-graph.lock", "objects/info/commit-graphs/commit-graph-chain.lock", "gc.pid.lock")
_DEAD_AFTER_S = 600.0

_log = structlog.get_logger("waybill.upkeep")


class Upkeep:
    """Keeps one repository small and its history quick. `revisions` counts what was committed, as it is known here."""

    def __init__(self, path: Path, revisions: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._revisions = revisions
        self._clock = clock
        # Due at the first look: what was left to do when the last process ended is not known.
        self._done_at = (revisions() - AFTER_REVISIONS, clock())
        self._worker = ThreadPoolExecutor(1, "upkeep")

    @property
    def due(self) -> bool:
        """Whether enough was committed since the last time, or anything a long time ago."""
        revisions, at_s = self._done_at
        fresh = self._revisions() - revisions
        return fresh >= AFTER_REVISIONS or (fresh > 0 and self._clock() - at_s >= AFTER_S)

    async def run(self) -> None:
        """Until it is cancelled; what fails is logged and tried again when it is due next."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.due:
                await self.tend()

    async def tend(self) -> None:
        """Once, now."""
        self._done_at = (self._revisions(), self._clock())
        try:
            await asyncio.get_running_loop().run_in_executor(self._worker, keep_up, self._path)
        except (GitFailed, OSError) as error:
            _log.error("upkeep of the repository failed", error=str(error))


def keep_up(path: Path) -> None:
    """Pack loose objects if there are enough of them to matter, and write the commit graph. Blocks.

    Raises GitFailed, OSError.
    """
    _clear_dead_locks(path)
    # One thread: the proxy has the other core.
    _git(path, ("gc.autoDetach=false", "gc.writeCommitGraph=false", "pack.threads=1"), "gc", "--auto", "--quiet")
    _git(path, (), "commit_graph", "write", "--reachable", "--changed-paths", "--no-progress")


def _clear_dead_locks(path: Path) -> None:
    for name in _LOCKS:
        lock = path / name
        if lock.exists() and time.time() - lock.stat().st_mtime > _DEAD_AFTER_S:
            lock.unlink(missing_ok=True)


def _git(path: Path, settings: tuple[str, ...], command: str, *arguments: str) -> None:
    # GitPython looks for the git binary and reads the environment when imported: not at the push hook's expense.
    from git import GitCommandError, Repo

    try:
        with Repo(path) as repo:
            getattr(repo.git(c=list(settings)) if settings else repo.git, command)(*arguments)
    except GitCommandError as error:
        raise GitFailed(f"git {command.replace('_', '-')} failed with status {error.status}") from error
