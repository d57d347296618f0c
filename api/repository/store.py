"""The bare repository: read any revision, commit by compare-and-swap.

A libgit2 handle belongs to the thread that opened it. Objects are written first and the branch is moved last, in one rename,
so a crash at any point leaves the old revision or the new one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
import pygit2

from api.repository import commits, locks, trees
from api.repository.commits import Author, Committed
from api.repository.errors import (
    BranchContended,
    BranchLocked,
    Conflict,
    FileMissing,
    KeyReused,
    RepositoryAway,
    RepositoryError,
    UnknownRevision,
    Versions,
)
from api.repository.keys import Keys
from core import yaml_strict

BRANCH = "refs/heads/main"
MAX_FILE_BYTES = yaml_strict.MAX_BYTES  # of any file: what is configuration is not read either where it is larger
_ATTEMPTS = 200

Changes = Mapping[str, bytes | None]
Check = Callable[[str | None, Changes], object]


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A change to commit: `base` is the revision that the writer read (None: an empty repository).

    `expected` names the blob that each touched file had then (None: absent); a path left out is looked up at `base`. `whole` is
    a folder that the writer means all of: a file that came into it since is a conflict too.
    """

    changes: Changes
    author: Author
    reason: str
    base: str | None
    expected: Mapping[str, str | None] = {}
    whole: str | None = None
    trailers: Mapping[str, str] = {}


class _LostRace(Exception):
    """Somebody moved the branch between our read and our swap."""


class Repository:
    """The configuration's bare repository. Safe to use from any thread; every method blocks.

    `fsync` makes commits survive the death of the machine, at the price of some milliseconds; it holds for the whole process.
    """

    def __init__(self, path: Path, *, fsync: bool = True, stale_lock_s: float = locks.STALE_AFTER_S) -> None:
        self.path = path
        self._stale_lock_s = stale_lock_s
        self._handles = threading.local()
        self._writing = threading.Lock()
        self._keys = Keys()
        pygit2.settings.enable_fsync_gitdir(fsync)

    @property
    def git(self) -> pygit2.Repository:
        """This thread's own libgit2 handle: never pass it, or an object from it, to another thread. Raises RepositoryAway."""
        handle: pygit2.Repository | None = getattr(self._handles, "git", None)
        if handle is None:
            try:
                handle = self._handles.git = pygit2.Repository(str(self.path))
            except pygit2.GitError:
                raise RepositoryAway from None
        return handle

    # --- reading ---

    def head(self) -> str | None:
        """The revision that `main` stands at; None before the first commit."""
        reference = self.git.references.get(BRANCH)
        return str(reference.target) if reference is not None else None

    def read(self, revision: str, path: str) -> tuple[bytes, str]:
        """A file's content and its blob id at `revision`. Raises UnknownRevision and FileMissing."""
        blob = trees.blob_at(self.tree(revision), path)
        if blob is None:
            raise FileMissing(revision, path)
        return blob.data, str(blob.id)

    def files(self, revision: str) -> dict[str, str]:
        """{path: blob id} of every regular file at `revision`."""
        return dict(trees.blobs(self.git, self.tree(revision)))

    def contents(self, revision: str, paths: Iterable[str] | None = None) -> dict[str, bytes]:
        """{path: content} of all files, or of those of `paths` that exist, at `revision`."""
        if paths is None:
            return {path: self.data(blob) for path, blob in self.files(revision).items()}
        found = trees.blobs_at(self.tree(revision), paths)
        return {path: blob.data for path, blob in found.items() if blob is not None}

    def changes(self, old: str | None, new: str) -> dict[str, bytes | None]:
        """What turns `old` (None: nothing) into `new`: {path: content, None where deleted}, regular files only."""
        old_tree = self.tree(old) if old is not None else None
        return {
            path: self.data(entry.blob) if entry.blob is not None and entry.regular else None
            for entry in trees.entries_between(self.git, old_tree, self.tree(new))
            if (path := entry.path) is not None
        }

    def holds(self, revision: str) -> bool:
        """Whether `revision` is a commit here."""
        try:
            self.commit_at(revision)
        except UnknownRevision:
            return False
        return True

    def contains(self, revision: str, earlier: str) -> bool:
        """Whether `revision` is `earlier` or came after it."""
        if revision == earlier or not (self.holds(revision) and self.holds(earlier)):
            return revision == earlier
        return self.git.descendant_of(pygit2.Oid(hex=revision), pygit2.Oid(hex=earlier))

    def committed_at_ms(self, revision: str) -> int:
        """The committer's date of a revision, Unix milliseconds."""
        return self.commit_at(revision).commit_time * 1000

    def is_there(self, revision: str, path: str) -> bool:
        """Whether there is a file or a folder at `path`."""
        return path in self.tree(revision)

    def parent(self, revision: str) -> str | None:
        """The revision that `revision` was made on; None for the first. Raises UnknownRevision."""
        parents = self.commit_at(revision).parent_ids
        return str(parents[0]) if parents else None

    def commit_at(self, revision: str) -> pygit2.Commit:
        """The commit, for this thread alone. Raises UnknownRevision."""
        try:
            found = self.git.get(pygit2.Oid(hex=revision))
        except ValueError:
            found = None
        except pygit2.GitError:
            raise RepositoryAway from None
        if not isinstance(found, pygit2.Commit):
            raise UnknownRevision(revision)
        return found

    def tree(self, revision: str) -> pygit2.Tree:
        """The root folder of a revision, for this thread alone. Raises UnknownRevision."""
        return self.commit_at(revision).tree

    def blob(self, revision: str, path: str) -> str | None:
        """The id of the regular file at `path`, without reading it; None where there is none. Raises UnknownRevision."""
        return _id(trees.blob_at(self.tree(revision), path))

    def size(self, blob: str) -> int:
        """How many bytes a blob has, without reading them."""
        return self.git.odb.read_header(pygit2.Oid(hex=blob))[1]

    def data(self, blob: str) -> bytes:
        """The content of a blob."""
        return self.git[pygit2.Oid(hex=blob)].peel(pygit2.Blob).data

    # --- writing ---

    def commit(self, edit: Edit, check: Check) -> Committed:
        """Put `edit` on top of the head, if every file that it touches is still what the writer read.

        `check(head, changes)` is called with what would land, on the very head that it would land on, and stops the commit by
        raising; nothing is written before. Raises Conflict, UnknownRevision, PathTaken, BranchContended or BranchLocked.
        An edit whose idempotency key is already in a commit by the same actor gives that commit; KeyReused where that commit
        changed something else.
        """
        with self._writing:
            for _ in range(_ATTEMPTS):
                try:
                    return self._attempt(edit, check)
                except _LostRace:
                    continue
        raise BranchContended("other writers moved the branch before each attempt; try again")

    def _attempt(self, edit: Edit, check: Check) -> Committed:
        head = self.head()
        tree = self.tree(head) if head is not None else None
        present = {path: _id(blob) for path, blob in trees.blobs_at(tree, edit.changes).items()}
        if twin := self._twin(edit, head):
            return twin
        if edit.base is not None and not (head is not None and self.contains(head, edit.base)):
            raise UnknownRevision(edit.base)  # left over from a lost race, or set back: never what the branch said
        self._refuse_conflicts(edit, head, tree, present)
        changes = {path: data for path, data in edit.changes.items() if _blob_id(data) != present[path]}
        if not changes and head is not None:
            return Committed(revision=head)
        check(head, changes)
        revision = self._written(edit, tree, head, changes)
        self._swap(head, revision)
        return Committed(revision=str(revision), changed=tuple(changes))

    def _refuse_conflicts(
        self, edit: Edit, head: str | None, tree: pygit2.Tree | None, present: Mapping[str, str | None]
    ) -> None:
        base = self.tree(edit.base) if edit.base is not None else None
        read = trees.blobs_at(base, edit.changes)
        fresh = trees.came_into(self.git, edit.whole, base, tree) if edit.whole is not None else ()
        expected = {path: edit.expected.get(path, _id(read[path])) for path in edit.changes}
        conflicts = tuple(
            Versions(
                path=path,
                read=_content(read[path]),
                head=_content(trees.blob_at(tree, path)),
                proposed=edit.changes[path],
            )
            for path in edit.changes
            if expected[path] != present[path]
        )
        newcomers = (Versions(path=path, read=None, head=_content(trees.blob_at(tree, path)), proposed=None) for path in fresh)
        if conflicts := (*conflicts, *newcomers):
            raise Conflict(head, conflicts)

    def twin(self, trailers: Mapping[str, str]) -> Committed | None:
        """The commit that an earlier try of the same wish made, whatever was read since; keys are kept `keys.KEPT_DAYS`.

        The same wish has the same idempotency key, actor and digest. Raises KeyReused for another wish.
        """
        commit = self._with_key(self.head(), trailers)
        if commit is None:
            return None
        if commits.trailers(commit.message).get(commits.WISH) != trailers.get(commits.WISH):
            raise KeyReused(str(commit.id))
        before = commit.parents[0].tree if commit.parents else None
        changed = (entry.path for entry in trees.entries_between(self.git, before, commit.tree))
        return Committed(revision=str(commit.id), changed=tuple(path for path in changed if path is not None), replayed=True)

    def _twin(self, edit: Edit, head: str | None) -> Committed | None:
        """The same for an edit, whose contents tell it from another where it names no wish."""
        if commits.WISH in edit.trailers:
            return self.twin(edit.trailers)
        commit = self._with_key(head, edit.trailers)
        if commit is None:
            return None
        done = trees.blobs_at(commit.tree, edit.changes)
        if any(_id(done[path]) != _blob_id(data) for path, data in edit.changes.items()):
            raise KeyReused(str(commit.id))
        return Committed(revision=str(commit.id), changed=tuple(edit.changes), replayed=True)

    def _with_key(self, head: str | None, trailers: Mapping[str, str]) -> pygit2.Commit | None:
        key, actor = trailers.get(commits.IDEMPOTENCY_KEY), trailers.get(commits.ACTOR)
        return self._keys.commit_of(self.git, head, actor or "", key) if key and head is not None else None

    def learn_keys(self) -> None:
        """Read the idempotency keys of what was committed since the last time, so that no writer has to wait for it."""
        if (head := self.head()) is not None:
            self._keys.learn(self.git, head)

    def below(self, revision: str, folder: str) -> dict[str, bytes]:
        """{path: content} of every regular file below a folder (`projects/demo`) at `revision`; empty where it is not there."""
        try:
            tree = self.tree(revision)[folder]
        except KeyError:
            return {}
        if not isinstance(tree, pygit2.Tree):
            return {}
        return {path: self.data(blob) for path, blob in trees.blobs(self.git, tree, f"{folder}/".encode())}

    def _written(self, edit: Edit, tree: pygit2.Tree | None, head: str | None, changes: Changes) -> pygit2.Oid:
        root = trees.rebuilt(self.git, tree, changes)
        author, now = commits.identity(edit.author), int(time.time())
        return self.git.create_commit(
            None,
            pygit2.Signature(author.name, author.email, now, 0, "utf-8"),
            pygit2.Signature(commits.WAYBILL.name, commits.WAYBILL.email, now, 0, "utf-8"),
            commits.message(edit.reason, edit.trailers),
            root,
            [head] if head is not None else [],
        )

    def _swap(self, head: str | None, revision: pygit2.Oid) -> None:
        """Move the branch from `head` to `revision`. Raises _LostRace when it no longer stands at `head`."""
        with locks.writing(self.path):
            self._swap_alone(head, revision)

    def _swap_alone(self, head: str | None, revision: pygit2.Oid) -> None:
        try:
            if head is None:
                self.git.references.create(BRANCH, revision)
                return
            reference = self.git.references[BRANCH]
            if str(reference.target) != head:
                raise _LostRace
            reference.set_target(revision)  # compares with the value that `reference` was read at, under the ref's lock
        except (pygit2.GitError, OSError) as error:
            raise self._translated(error, head) from error

    def _translated(self, error: Exception, head: str | None) -> Exception:
        """What a failed swap means: another writer was first, one is at it, one died at it, or something is broken."""
        if self.head() != head:
            return _LostRace()
        if isinstance(error, OSError) and "lock" in str(error):
            free = locks.wait_until_free(self.path, self._stale_lock_s, alone=True)
            return _LostRace() if free else BranchLocked("another process holds the branch's lock; try again")
        return RepositoryError(f"the branch could not be moved: {error}")


def _id(blob: pygit2.Blob | None) -> str | None:
    return str(blob.id) if blob is not None else None


def _content(blob: pygit2.Blob | None) -> bytes | None:
    return blob.data if blob is not None else None


def _blob_id(data: bytes | None) -> str | None:
    return str(pygit2.hash(data)) if data is not None else None
