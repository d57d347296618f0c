"""The check of a push before it is accepted, whether or not anything of Waybill is running.

Git gives the hook `old new ref` lines on its input; the pushed objects lie in a quarantine folder. What is printed reaches the
person who pushes; a status other than 0 refuses the whole push. It starts from the newest published state, so that it costs
what changed, and from all files when there is none. Imports are part of its one second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from pygit2 import Commit, Oid
from pygit2.enums import SortMode

from api.publications import Publications
from api.repository import checks, commits, locks, trees
from api.repository.store import BRANCH, Repository
from core.files import ConfigError, ConfigErrors
from core.layout import Layout

_ZERO = "0" * 40
# What it noted of a commit of its own is believed: who asked for it, and which wish it carried out.
_NOT_YOURS = (
    f"it says that {commits.WAYBILL.name} <{commits.WAYBILL.email}> committed it, which only Waybill does: "
    "`git rebase --force-rebase origin/main` makes you the committer"
)


class PushRefused(Exception):
    """A push that cannot be accepted as such, whatever its files say."""


def run(path: Path, data: Path, environment: Mapping[str, str], updates: Iterable[str], answer: TextIO) -> int:
    """Check the `updates` pushed to the repository at `path`, say what is wrong on `answer`; 0 accepts, 1 refuses.

    The caller has the turn to write (`locks.take_turn`). `data` is the data folder.
    """
    repository, layout = Repository(path), Layout(data)
    try:
        # A writer killed while it moved the branch would let this push fail after its check.
        locks.wait_until_free(path, alone=True)
        if quarantine := environment.get("GIT_QUARANTINE_PATH"):
            repository.git.odb.add_disk_alternate(quarantine)
        for line in updates:
            old, new, reference = line.split(maxsplit=2)
            check_update(repository, layout, old, new, reference.strip())
    except PushRefused as refused:
        print(f"waybill: {refused}", file=answer)
    except ConfigErrors as errors:
        print("waybill: this push does not validate, so nothing was changed:", file=answer)
        print(errors, file=answer)
    except Exception as error:
        # Closed when in doubt. The text may quote what was pushed, so only the kind of failure is said.
        print(f"waybill: the check of this push failed ({type(error).__name__}); nothing was changed", file=answer)
    else:
        return 0
    return 1


def check_update(repository: Repository, layout: Layout, old: str, new: str, reference: str) -> None:
    """Raise PushRefused or ConfigErrors unless `reference` may move from `old` to `new`."""
    if reference != BRANCH:
        name = checks.shown(reference.removeprefix("refs/heads/"))
        raise PushRefused(
            f"only the branch main can be pushed to, not {name}; push your commit with `git push origin HEAD:main`"
        )
    if new == _ZERO:
        raise PushRefused("the branch main cannot be deleted: it is the configuration")
    tip = repository.git.get(Oid(hex=new))
    if not isinstance(tip, Commit):
        raise PushRefused("main must be a commit, not a tag or another object")
    before = None if old == _ZERO else old
    if repository.head() != before:
        raise PushRefused("main has moved since you fetched it: `git pull --rebase`, then push again")
    checks.refuse(_irregular(repository, before, new))
    checks.refuse(_faults(repository, before, tip))
    publication = Publications(layout.published).load()
    known = checks.Known(publication.revision, publication.config) if publication is not None else None
    checks.validated(repository, known, before, repository.changes(before, new))


def _irregular(repository: Repository, old: str | None, new: str) -> Iterator[ConfigError]:
    """Entries that are no ordinary files, and paths that are no readable text."""
    before = repository.tree(old) if old is not None else None
    for entry in trees.entries_between(repository.git, before, repository.tree(new)):
        if entry.blob is None:
            continue
        path = checks.shown(entry.raw_path.decode(errors="backslashreplace"))
        if entry.path is None:
            yield ConfigError(path, 1, "", "the path is not UTF-8 text: rename it")
        elif not entry.regular:
            yield ConfigError(path, 1, "", "this is a symbolic link or a submodule: only ordinary files can be pushed")


def _faults(repository: Repository, old: str | None, tip: Commit) -> Iterator[ConfigError]:
    """Secrets in any pushed commit, its message too, and files too large: what a later commit removes stays in the history."""
    walk = repository.git.walk(tip.id, SortMode.TOPOLOGICAL)
    if old is not None:
        walk.hide(Oid(hex=old))
    seen: set[str] = set()
    for commit in walk:
        name = f"commit {str(commit.id)[:12]}"
        if old is not None and commits.is_ours(commit):
            yield ConfigError(name, 1, "", _NOT_YOURS)
        yield from checks.leak_faults(f"message of {name}", commit.raw_message)
        for person in (commit.author, commit.committer):
            yield from checks.leak_faults(f"author of {name}", b"%s <%s>" % (person.raw_name, person.raw_email))
        before = commit.parents[0].tree if commit.parents else None
        for entry in trees.entries_between(repository.git, before, commit.tree):
            if entry.blob is not None:
                yield from checks.leak_faults(f"the name of a file of {name}", entry.raw_path)
            if entry.blob is None or not entry.regular or entry.blob in seen:
                continue
            seen.add(entry.blob)
            path = entry.raw_path.decode(errors="backslashreplace")
            for fault in _content_faults(repository, path, entry.blob):
                where = "" if commit.id == tip.id else f" (in commit {str(commit.id)[:12]}: take it out of the history too)"
                yield ConfigError(fault.file, fault.line, fault.field, fault.reason + where)


def _content_faults(repository: Repository, path: str, blob: str) -> Iterable[ConfigError]:
    # The size first: what is too large is not even read.
    return list(checks.size_faults(path, repository.size(blob))) or checks.leak_faults(path, repository.data(blob))
