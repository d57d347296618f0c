"""Who changed what, when and why: commits, their files, and which commit each line of a file is from.

Logs and blame come from git processes (a file's history is ten times faster there than in libgit2), so every method blocks for
tens of milliseconds: call them in one worker thread. What a person wrote comes after `--end-of-options` or `--`, and a path is
a path: no pathspec magic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import pygit2
from pygit2.enums import SortMode

from api.repository import commits, trees
from api.repository.errors import GitFailed, UnknownRevision
from api.repository.store import MAX_FILE_BYTES, Repository

_ID = re.compile(r"[0-9a-f]{40}")
_BLAMED = re.compile(r"([0-9a-f]{40}) \d+ (\d+)")


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit's words. `trailers` are Waybill's own, `reason` is the message without these; instants are Unix milliseconds."""

    revision: str
    parents: tuple[str, ...]
    author: commits.Author
    authored_at_ms: int
    committed_at_ms: int
    reason: str
    trailers: Mapping[str, str]


class Large(msgspec.Struct, frozen=True):
    """A content that is more than may be shown, and was not read; in bytes."""

    size: int


Content: TypeAlias = bytes | Large | None


class Version(msgspec.Struct, frozen=True):
    """A file before and after a commit; None where it is not there."""

    path: str
    before: bytes | None
    after: bytes | None


class Sides(msgspec.Struct, frozen=True):
    """The same, for somebody to look at."""

    path: str
    before: Content
    after: Content


class GitLog:
    """Reads the history of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    # --- by libgit2 ---

    def commit(self, revision: str) -> Commit:
        """One commit. Raises UnknownRevision."""
        found = self._commit(revision)
        author = found.author
        name, email, text = (raw.decode(errors="replace") for raw in (author.raw_name, author.raw_email, found.raw_message))
        ours = commits.is_ours(found)
        return Commit(
            revision=revision,
            parents=tuple(map(str, found.parent_ids)),
            author=commits.Author(name, email),
            authored_at_ms=author.time * 1000,
            committed_at_ms=found.commit_time * 1000,
            reason=commits.reason(text) if ours else text.strip(),
            trailers=commits.trailers(text) if ours else {},
        )

    def changed(self, revision: str) -> list[str]:
        """The paths that differ from the commit's first parent, in order. Raises UnknownRevision."""
        found = self._commit(revision)
        before = found.parents[0].tree if found.parents else None
        entries = trees.entries_between(self._repository.git, before, found.tree)
        return sorted(path for entry in entries if (path := entry.path) is not None)

    def versions(self, revision: str, paths: Sequence[str]) -> list[Version]:
        """These files before and after the commit. Raises UnknownRevision."""
        found = self._commit(revision)
        before = self._repository.contents(str(found.parent_ids[0]), paths) if found.parent_ids else {}
        after = self._repository.contents(revision, paths)
        return [Version(path, before.get(path), after.get(path)) for path in paths]

    def shown(self, revision: str, paths: Sequence[str]) -> list[Sides]:
        """The same, without reading what is too large to be shown. Raises UnknownRevision."""
        found = self._commit(revision)
        parent = str(found.parent_ids[0]) if found.parent_ids else None
        return [Sides(path, self._shown(parent, path), self._shown(revision, path)) for path in paths]

    def file(self, revision: str, path: str) -> tuple[str, bytes | Large] | None:
        """A file's blob and content; None where it is not there. Raises UnknownRevision."""
        blob = self._repository.blob(revision, path)
        return (blob, self.content(blob)) if blob is not None else None

    def content(self, blob: str) -> bytes | Large:
        """What a blob holds, unless it is too large to be shown."""
        size = self._repository.size(blob)
        return self._repository.data(blob) if size <= MAX_FILE_BYTES else Large(size)

    def _shown(self, revision: str | None, path: str) -> Content:
        found = self.file(revision, path) if revision is not None else None
        return found[1] if found is not None else None

    def between(self, after: str | None, revision: str, limit: int) -> list[str]:
        """The oldest `limit` revisions that the branch went through from `after` (None: its beginning) to `revision`; a merge
        is one."""
        walk = self._repository.git.walk(pygit2.Oid(hex=revision), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walk.simplify_first_parent()
        if after is not None:
            walk.hide(self._commit(after).id)
        return [str(commit.id) for commit, _ in zip(walk, range(limit), strict=False)]

    def _commit(self, revision: str) -> pygit2.Commit:
        if not _ID.fullmatch(revision):
            raise UnknownRevision(revision)
        return self._repository.commit_at(revision)

    # --- by git ---

    def log(self, head: str, paths: Sequence[str], *, skip: int, limit: int) -> list[Commit]:
        """Commits up to `head`, newest first, of those that change one of `paths` (files or folders; none: all)."""
        options = ["--format=%H", "--no-show-signature", f"--skip={skip}", f"--max-count={limit}"]
        text = self._git("log", *options, "--end-of-options", self._known(head), "--", *paths)
        return [self.commit(revision) for revision in text.split()]

    def blame(self, revision: str, path: str, first: int, last: int) -> list[str]:
        """The revision that each line is from, lines `first` to `last`, from 1. Raises GitFailed for lines that are not."""
        options = ["--porcelain", "-L", f"{first},{last}"]
        # `git blame` does not know --end-of-options; but a commit's id is no option, and the path comes after `--`.
        text = self._git("blame", *options, self._known(revision), "--", path)
        found = {int(match[2]): match[1] for line in text.splitlines() if (match := _BLAMED.match(line))}
        return [found[line] for line in range(first, last + 1)]

    def _known(self, revision: str) -> str:
        return str(self._commit(revision).id)

    def _git(self, command: str, *arguments: str) -> str:
        # GitPython looks for the git binary and reads the environment when imported: not at the push hook's expense.
        from git import GitCommandError, Repo

        try:
            with Repo(self._repository.path) as repo:
                run = getattr(repo.git(literal_pathspecs=True), command)
                data: bytes = run(*arguments, stdout_as_string=False, strip_newline_in_stdout=False)
        except GitCommandError as error:
            raise GitFailed(f"git {command} failed with status {error.status}") from None
        return data.decode(errors="replace")
