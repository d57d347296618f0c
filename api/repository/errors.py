"""What can go wrong with the repository, in one tree. `retryable` says whether the same call may succeed a moment later.

RepositoryError
├── UnknownRevision      a revision that this repository does not hold
├── FileMissing          no such file at that revision
├── Conflict             a touched file is no longer what the writer read; carries both versions
├── KeyReused            the idempotency key of a commit that changed something else
├── PathTaken            a file where a folder is, or a folder where a file is
├── RepositoryAway       its folder cannot be read: a volume that is not mounted, a restore; retryable
├── BranchContended      other writers moved the branch each time; retryable
├── BranchLocked         another process holds the branch's lock; retryable
└── GitFailed            a git process ended with an error
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """One conflicting file: as the writer read it, as it stands at the head, and as the writer would have it (None: absent)."""

    path: str
    read: bytes | None
    head: bytes | None
    proposed: bytes | None


class RepositoryError(Exception):
    """Anything below; `code` is stable, the text is for people."""

    code: ClassVar[str] = "repository_error"
    retryable: ClassVar[bool] = False


class UnknownRevision(RepositoryError):
    """A revision that this repository does not hold."""

    code = "unknown_revision"

    def __init__(self, revision: str) -> None:
        super().__init__(f"the repository has no revision {revision!r}")
        self.revision = revision


class FileMissing(RepositoryError):
    """No such file at that revision."""

    code = "file_missing"

    def __init__(self, revision: str, path: str) -> None:
        super().__init__(f"{path} does not exist at revision {revision[:12]}")
        self.path = path


class Conflict(RepositoryError):
    """Files changed since they were read. Nothing was written; `files` holds every version a person needs to decide."""

    code = "conflict"

    def __init__(self, head: str | None, files: tuple[Versions, ...]) -> None:
        names = ", ".join(file.path for file in files)
        super().__init__(f"changed since they were read: {names}; read the head {(head or 'none')[:12]} and edit again")
        self.head = head
        self.files = files


class KeyReused(RepositoryError):
    """The same writer's commit has this idempotency key and other contents: no retry, and nothing may look carried out."""

    code = "key_reused"

    def __init__(self, revision: str) -> None:
        super().__init__(f"commit {revision[:12]} has this key for another change; give each wish a key of its own")


class PathTaken(RepositoryError):
    """A path that cannot be written because a part of it is a file, or because it is a folder itself."""

    code = "path_taken"

    def __init__(self, path: str, taken: str) -> None:
        super().__init__(f"{path} cannot be a file: {taken} stands in its way")
        self.path = path


class RepositoryAway(RepositoryError):
    """Nothing can be read of it at all, whatever the revision."""

    code = "repository_away"
    retryable = True

    def __init__(self) -> None:
        super().__init__("the configuration repository cannot be read now; try again later")


class BranchContended(RepositoryError):
    """Other writers moved the branch before every attempt of ours."""

    code = "branch_contended"
    retryable = True


class BranchLocked(RepositoryError):
    """Another process holds a lock that is too young to be a dead writer's."""

    code = "branch_locked"
    retryable = True


class GitFailed(RepositoryError):
    """A git process ended with an error."""

    code = "git_failed"
