"""Reads the repository's history for answers: in one worker thread, because a git process takes tens of milliseconds.

A cursor is `<head>.<position>`: pages go on from the head that the first one was read at, whatever is committed meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from api.catalogue import Catalogue
from api.history.fields import Step, lines_of, value_in
from api.history.sight import LISTED, Sight
from api.repository.errors import UnknownRevision
from api.repository.log import Commit, GitLog, Large, Sides, Version
from api.repository.store import Repository
from core.config import Config
from core.parsing import parse_changes, with_changes
from core.references import indexed

T = TypeVar("T")

MOST_SCANNED = 2_000  # commits of a file that one page on a field looks at
_BATCH = 100
_REMEMBERED = 8
_CURSOR = re.compile(r"([0-9a-f]{40})\.([0-9]{1,9})")


class BadCursor(ValueError):
    """The text is no cursor of a history."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What a history is of: a file, a folder, a field of a file, or (nothing given) the repository."""

    path: str | None = None
    field: tuple[Step, ...] = ()


class Listed(msgspec.Struct, frozen=True):
    """A commit in its list; the list goes on after `cursor`."""

    cursor: str
    commit: Commit


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a history, newest first. `end` is where to go on, also where nothing was found so far."""

    commits: tuple[Listed, ...] = ()
    more: bool = False
    end: str | None = None


class Blame(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote the lines of a field: `last` is the commit that changed one of them last."""

    path: str
    revision: str
    first_line: int
    lines: tuple[tuple[str, Commit], ...]
    last: Commit


class FileAt(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was."""

    path: str
    revision: str
    blob: str
    content: bytes | Large


class History:
    """One a process of the API. `published` says which revision is in use, and its configuration."""

    def __init__(self, repository: Repository, published: Callable[[], tuple[str | None, Config]]) -> None:
        self._repository = repository
        self._log = GitLog(repository)
        self._published = published
        self._worker = ThreadPoolExecutor(1, "history")
        self._catalogues: OrderedDict[str, Catalogue] = OrderedDict()

    async def page(self, topic: Topic, sight: Sight, first: int, after: str | None = None) -> Page:
        """The commits that changed what `topic` says and `sight` lets see. Raises BadCursor, UnknownRevision."""
        paths = sight.narrowed(topic.path)
        if paths is None:
            return Page()
        return await self._in_worker(lambda: self._page(topic, paths, first, after))

    async def commit(self, revision: str) -> Commit:
        """A commit of the branch. Raises UnknownRevision for any other."""
        return await self._in_worker(lambda: self._reachable(revision))

    async def changed(self, revision: str, sight: Sight) -> list[str]:
        """The paths that a commit changed, of those that are seen as they were before it and after."""
        return await self._in_worker(lambda: self._seen(revision, sight))

    async def versions(self, revision: str, paths: Sequence[str]) -> list[Version]:
        """These files before and after a commit."""
        return await self._in_worker(lambda: self._log.versions(revision, paths))

    async def shown(self, revision: str, paths: Sequence[str], sight: Sight) -> list[Sides]:
        """The same for somebody to look at: what is too large to be shown is not read."""
        found = await self._in_worker(lambda: self._log.shown(revision, paths))
        return [Sides(each.path, sight.shown(each.path, each.before), sight.shown(each.path, each.after)) for each in found]

    async def between(self, after: str | None, revision: str, limit: int) -> list[Commit]:
        """The oldest `limit` commits that `revision` has and `after` has not. Raises UnknownRevision."""
        return await self._in_worker(lambda: [self._log.commit(each) for each in self._log.between(after, revision, limit)])

    async def contains(self, revision: str, earlier: str) -> bool:
        """Whether `earlier` is `revision` or came before it."""
        return await self._in_worker(lambda: self._repository.contains(revision, earlier))

    async def file(self, path: str, revision: str | None, sight: Sight) -> FileAt | None:
        """A file at a revision of the branch (None: its head); None where it was not there, or is not seen as it was.
        Raises UnknownRevision."""
        return await self._in_worker(lambda: self._file(path, revision, sight))

    async def blame(self, path: str, field: tuple[Step, ...], revision: str | None, sight: Sight) -> Blame | None:
        """Who set a field; None where the file or the field is not there, or is not seen. Raises UnknownRevision."""
        return await self._in_worker(lambda: self._blame(path, field, revision, sight))

    async def catalogue(self, revision: str) -> Catalogue:
        """The configuration at a revision of the branch, without the files that could not be read then. Costs what differs
        from the published one. Raises UnknownRevision."""
        return await self._in_worker(lambda: self._catalogue(revision))

    # --- in the worker ---

    def _page(self, topic: Topic, paths: Sequence[str], first: int, after: str | None) -> Page:
        head, start = self._start(after)
        if head is None:
            return Page()
        found: list[Listed] = []
        for position, commit in self._matching(topic, paths, head, start):
            if commit is None:
                return Page(commits=tuple(found), more=True, end=f"{head}.{position}")
            if len(found) == first:
                return Page(commits=tuple(found), more=True, end=found[-1].cursor)
            found.append(Listed(f"{head}.{position}", commit))
        return Page(commits=tuple(found), end=found[-1].cursor if found else None)

    def _start(self, after: str | None) -> tuple[str | None, int]:
        if after is None:
            return self._repository.head(), 0
        match = _CURSOR.fullmatch(after)
        if match is None:
            raise BadCursor("this is no cursor of a history")
        return self._reachable(match[1]).revision, int(match[2])

    def _matching(self, topic: Topic, paths: Sequence[str], head: str, start: int) -> Iterator[tuple[int, Commit | None]]:
        """(position after it, commit); the commit is None where so much was looked at that another page must go on."""
        values: dict[str | None, tuple[object, ...]] = {}
        position = start
        while position < start + MOST_SCANNED:
            batch = self._log.log(head, paths, skip=position, limit=_BATCH)
            for commit in batch:
                position += 1
                if not topic.field or self._changes_field(topic, commit, values):
                    yield position, commit
            if len(batch) < _BATCH:
                return
        yield position, None

    def _changes_field(self, topic: Topic, commit: Commit, values: dict[str | None, tuple[object, ...]]) -> bool:
        before = commit.parents[0] if commit.parents else None
        return self._value(topic, before, values) != self._value(topic, commit.revision, values)

    def _value(self, topic: Topic, revision: str | None, values: dict[str | None, tuple[object, ...]]) -> tuple[object, ...]:
        """The field at a revision; neighbours share the file's versions, so each is read once."""
        if revision is None or topic.path is None:
            return ()
        blob = self._repository.blob(revision, topic.path)
        if blob is not None and blob not in values:
            data = self._log.content(blob)
            values[blob] = value_in(data if isinstance(data, bytes) else None, topic.field)
        return values[blob] if blob is not None else ()

    def _reachable(self, revision: str) -> Commit:
        found = self._log.commit(revision)
        head = self._repository.head()
        if head is None or not self._repository.contains(head, revision):
            raise UnknownRevision(revision)
        return found

    def _at(self, revision: str | None) -> str | None:
        return self._repository.head() if revision is None else self._reachable(revision).revision

    def _seen(self, revision: str, sight: Sight) -> list[str]:
        paths = [path for path in self._log.changed(revision) if sight.sees(path)]
        if sight.listed is None:
            return paths
        sides = self._log.shown(revision, [path for path in paths if path.startswith(LISTED)])
        unread = {each.path for each in sides if not all(sight.reads(each.path, side) for side in (each.before, each.after))}
        return [path for path in paths if path not in unread]

    def _file(self, path: str, revision: str | None, sight: Sight) -> FileAt | None:
        at = self._at(revision)
        found = self._log.file(at, path) if at is not None and sight.sees(path) else None
        if found is None or not sight.reads(path, found[1]):
            return None
        content = sight.shown(path, found[1])
        return FileAt(path=path, revision=at or "", blob=found[0], content=content) if content is not None else None

    def _blame(self, path: str, field: tuple[Step, ...], revision: str | None, sight: Sight) -> Blame | None:
        file = self._file(path, revision, sight)
        data = file.content if file is not None else None
        lines = lines_of(data, field) if isinstance(data, bytes) else None
        if file is None or not isinstance(data, bytes) or lines is None:
            return None
        first, last = lines
        texts = data.decode(errors="replace").splitlines()[first - 1 : last]
        blamed = self._log.blame(file.revision, path, first, last)
        found = {each: self._log.commit(each) for each in set(blamed)}
        newest = max(found.values(), key=lambda commit: (commit.committed_at_ms, self._is_after(commit, found)))
        shown = tuple((text, found[each]) for text, each in zip(texts, blamed, strict=True))
        return Blame(path=path, revision=file.revision, first_line=first, lines=shown, last=newest)

    def _is_after(self, commit: Commit, others: dict[str, Commit]) -> int:
        """How many of them came before it: commits of the same second are told apart by who is whose ancestor."""
        return sum(self._repository.contains(commit.revision, other) for other in others)

    def _catalogue(self, revision: str) -> Catalogue:
        published, config = self._published()
        if revision in self._catalogues:
            self._catalogues.move_to_end(revision)
            return self._catalogues[revision]
        self._reachable(revision)
        near = published if published is not None and self._repository.holds(published) else None
        changes = self._repository.changes(near, revision) if near else self._repository.contents(revision)
        parsed, _ = parse_changes(changes)
        unread = dict.fromkeys(changes.keys() - parsed.keys())
        result = Catalogue(with_changes(indexed(config) if near else Config(), {**unread, **parsed}), revision)
        self._catalogues[revision] = result
        while len(self._catalogues) > _REMEMBERED:
            self._catalogues.popitem(last=False)
        return result

    async def _in_worker(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
