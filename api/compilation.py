"""From a revision in Git to what is published: the last publication plus what changed, checked, with every price resolved."""

from __future__ import annotations

from collections.abc import Iterable

from api.prices import models_to_price, priced
from api.publications import Publication
from api.repository.store import Changes, Repository
from core import files
from core.parsing import with_changes
from core.paths import project_path, routing_path, slug_of


def compiled(repository: Repository, last: Publication | None, head: str, sequence: int) -> Publication:
    """The publication of `head` under number `sequence`, without what is wrong in it; that is named in `degraded`.

    Costs what changed since `last`. Raises ConfigErrors when the revision cannot be published: a global file is wrong.
    """
    before = last.config if last is not None else files.EMPTY
    changes = _changes(repository, last, head)
    config, errors = files.apply_tolerant(before, changes)
    at_ms = repository.committed_at_ms(head)
    prices = {path: model for path in changes if (model := priced(config.files, path, at_ms)) is not None}
    return Publication(
        sequence=sequence,
        revision=head,
        config=with_changes(config, prices) if prices else config,
        degraded={error.file: str(error) for error in errors},
        touched=_touched(changes, (error.file for error in errors)) if last is not None else None,
    )


def _touched(changes: Changes, left_out: Iterable[str]) -> frozenset[str]:
    """What was read again, and what a wrong file takes along: its project's file and routing are held back together."""
    out = tuple(left_out)
    slugs = {slug for path in out if (slug := slug_of(path)) is not None}
    return frozenset({*changes, *out, *map(project_path, slugs), *map(routing_path, slugs)})


def _changes(repository: Repository, last: Publication | None, head: str) -> Changes:
    """What to read: the files that differ, those left out so far, and the models whose prices may be others now."""
    if last is None:
        return repository.contents(head)
    if not repository.holds(last.revision):
        # The history was replaced under us: everything is read, and what is no longer there goes.
        return {**dict.fromkeys(last.config.files), **repository.contents(head)}
    changes = repository.changes(last.revision, head)
    again = {*last.degraded, *models_to_price(last.config.files, changes)} - changes.keys()
    return {**dict.fromkeys(again & last.config.files.keys()), **repository.contents(head, again), **changes}
