"""Git's own housekeeping, by git processes: what pygit2 does badly or not at all."""

from __future__ import annotations

from pathlib import Path

from api.repository.errors import GitFailed


def collect_garbage(path: Path) -> None:
    """Pack loose objects if there are enough of them to matter. Blocks; run it in one worker thread. Raises GitFailed."""
    # GitPython looks for the git binary and reads the environment when imported: not at the push hook's expense.
    from git import GitCommandError, Repo

    try:
        with Repo(path) as repo:
            repo.git(c="gc.autoDetach=false").gc("--auto", "--quiet")
    except GitCommandError as error:
        raise GitFailed(f"git gc failed with status {error.status}") from error
