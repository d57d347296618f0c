"""Which commit carried out the wish with an idempotency key: an index over the history, for a retry may have read it anew.

It is made of the trailers of commits, so it needs no file: read once after a start, newest first and within bounds, then
kept up with what was committed since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import pygit2
from pygit2.enums import SortMode

from api.repository import commits

KEPT_DAYS: Final = 30  # as those of users, sessions and keys, which lie in the database
MAX_COMMITS: Final = 100_000  # of the newest, whatever their age
# A pushed commit has the date that its author's clock gave it: one old date is not the end of the young ones.
_OLD_IN_A_ROW: Final = 1_000

Key: TypeAlias = tuple[str, str]  # actor, idempotency key


class Keys:
    """The keys of one repository's branch. Safe to use from any thread; its methods block."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._found: dict[Key, str] = {}
        self._at: str | None = None  # the revision up to which it is known
        self._learning = threading.Lock()

    def commit_of(self, git: pygit2.Repository, head: str, actor: str, key: str) -> pygit2.Commit | None:
        """The commit up to `head` that has this key of this actor and is no older than KEPT_DAYS."""
        self.learn(git, head)
        revision = self._found.get((actor, commits.key_line(key)))
        if revision is None or (revision != head and not git.descendant_of(pygit2.Oid(hex=head), pygit2.Oid(hex=revision))):
            return None  # the branch was set back: what it did is gone
        commit = git[pygit2.Oid(hex=revision)].peel(pygit2.Commit)
        return commit if commit.commit_time >= self._oldest_s() else None

    def learn(self, git: pygit2.Repository, head: str) -> None:
        """Take up what was committed since the last time; costs nothing where nothing was."""
        if head == self._at:
            return
        with self._learning:
            if head == self._at:
                return
            fresh = dict(reversed(list(self._since(git, head))))
            self._found.update(fresh)
            while len(self._found) > MAX_COMMITS:
                del self._found[next(iter(self._found))]
            self._at = head

    def _since(self, git: pygit2.Repository, head: str) -> Iterator[tuple[Key, str]]:
        walk = git.walk(pygit2.Oid(hex=head), SortMode.TIME)
        if self._at is not None and pygit2.Oid(hex=self._at) in git:
            walk.hide(pygit2.Oid(hex=self._at))
        oldest_s, old = self._oldest_s(), 0
        for number, commit in enumerate(walk):
            old = old + 1 if commit.commit_time < oldest_s else 0
            if number >= MAX_COMMITS or old > _OLD_IN_A_ROW:
                return
            if old == 0 and commits.is_ours(commit) and commits.IDEMPOTENCY_KEY in commit.message:
                found = commits.trailers(commit.message)
                if (key := found.get(commits.IDEMPOTENCY_KEY)) and (actor := found.get(commits.ACTOR)):
                    yield (actor, key), str(commit.id)

    def _oldest_s(self) -> float:
        return self._clock() - KEPT_DAYS * 86_400
