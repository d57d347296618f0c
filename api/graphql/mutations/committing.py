"""What all mutations that commit have in common: a wish becomes an edit, a check, a commit, a publication and an answer.

A mutation gives a `Plan`: the files it reads and a pure edit of them. The edit lands on the head, whatever was committed to
other files meanwhile; a change to a file that it touches is a conflict with every version, and a file that it makes must not
be there. A dry run goes the same way and stops before the commit. Every expected failure is a member of the payload's union.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec
import strawberry

from api.access import Forbidden, NotVisible, require, signed_in
from api.catalogue import Catalogue
from api.edits import EditRejected
from api.edits.hidden import hidden_faults
from api.edits.permissions import needed
from api.graphql.context import Context
from api.graphql.mutations import refusals
from api.graphql.mutations.refusals import Tried, invalid, invalid_field
from api.graphql.types.change import ChangeResult
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed, ValidationProblem
from api.repository import commits
from api.repository.checks import Known, refuse, validated
from api.repository.commits import Author, Committed
from api.repository.errors import Conflict as FilesConflict
from api.repository.errors import FileMissing, KeyReused, PathTaken, UnknownRevision
from api.repository.store import Changes, Edit
from api.wishes import OtherWish
from core.config import Config
from core.files import ConfigErrors
from core.leaks import leaks

TAKEN = "this one is taken: choose another"
MAX_REASON = 2_000
MAX_KEY = 200
PROXIES_WAIT_S = 2.0

Failure: TypeAlias = Conflict | ValidationFailed | NotAllowed | NotFound
Files: TypeAlias = Mapping[str, bytes]
PureEdit: TypeAlias = Callable[[Config, Files], Changes]


@strawberry.input(description="What every change of the configuration takes.")
class CommitInput:
    """The base of each committing mutation's input."""

    expected_revision: str = strawberry.field(description="The commit that the client read what it changes at.")
    reason: str = strawberry.field(description="Why; it becomes the commit's message.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same for each retry of one wish: it is then carried out once."
    )
    dry_run: bool = strawberry.field(default=False, description="Check everything, return the difference, commit nothing.")

    def fingerprint(self) -> str:
        """What tells this wish from another with the same idempotency key, but for its secrets: see `Wishes.digest`."""
        return repr(dataclasses.replace(self, expected_revision="", idempotency_key=None, dry_run=False))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a wish becomes a change of files.

    `edit(config, files)` is pure: it gets the published configuration and the files read at the expected revision, and returns
    those that change (None: deleted). It raises EditRejected.
    """

    edit: PureEdit
    reads: tuple[str, ...] = ()  # must be there
    reads_if_there: tuple[str, ...] = ()
    reads_below: str | None = None  # every file below this folder; one that came into it since is a conflict
    missing: str = "there is no such thing"  # what is said when one of `reads` is not there
    creates: str | None = None  # the input's field that names what is made: told where that is there already
    waits: bool = False  # answer when every connected proxy runs the revision


class Landed(msgspec.Struct, frozen=True):
    """A change that was made, or was found to be possible; `catalogue` is what the configuration is then."""

    change: ChangeResult
    catalogue: Catalogue


class _Checked(Exception):
    """A dry run got as far as a commit would."""

    def __init__(self, catalogue: Catalogue, outcome: Committed) -> None:
        super().__init__()
        self.catalogue = catalogue
        self.outcome = outcome


async def commit(context: Context, wish: CommitInput, plan: Plan) -> Landed | Failure:
    """Carry the wish out, or say why not. The guard asked for what the mutation takes; what its files take is asked here."""
    if problem := input_problem(wish):
        return invalid([problem])
    tried = Tried()
    try:
        twin = await _twin(context, wish)
        if twin is not None:
            await context.services.publisher.publish_head()  # the first try may be about to
            return await _landed(context, wish, plan, twin)
        edit, files = await asyncio.to_thread(_edit, context, wish, plan, tried)
        if wish.dry_run:
            return await _checked(context, wish, edit, files)
        committed = await context.services.publisher.commit(edit)
        await _note(context, wish, edit, committed)
        return await _landed(context, wish, plan, committed, (files, edit.changes))
    except FileMissing:
        return NotFound(message=plan.missing)
    except FilesConflict as error:
        return refusals.conflict(context.room, error) if plan.creates is None else invalid_field(plan.creates, TAKEN)
    except (Forbidden, NotVisible) as error:
        return refusals.denied(context, type(wish), error)
    except (UnknownRevision, EditRejected, KeyReused, OtherWish, PathTaken) as error:
        return refusals.rejected(error)
    except ConfigErrors as errors:
        return await asyncio.to_thread(refusals.faulty, context, errors.errors, tried)


# --- before the commit --------------------------------------------------------------------------------------------------


def input_problem(wish: CommitInput) -> ValidationProblem | None:
    """What is wrong with what every change takes."""
    if not wish.reason.strip() or len(wish.reason) > MAX_REASON:
        return ValidationProblem(file=None, line=None, field="reason", reason=f"say why, in at most {MAX_REASON} characters")
    if wish.idempotency_key is not None and not (1 <= len(wish.idempotency_key) <= MAX_KEY):
        return ValidationProblem(file=None, line=None, field="idempotencyKey", reason=f"1 to {MAX_KEY} characters")
    # Both become part of the commit's message, which stays in the history.
    for field, text in (("reason", wish.reason), ("idempotencyKey", wish.idempotency_key or "")):
        for leak in leaks(text.encode()):
            reason = f"this looks like {leak.kind} in clear, and a commit would keep it: no secret is ever in Git"
            return ValidationProblem(file=None, line=None, field=field, reason=reason)
    return None


async def _twin(context: Context, wish: CommitInput) -> Committed | None:
    """What an earlier try of this wish came to. Raises KeyReused and OtherWish."""
    if wish.dry_run or wish.idempotency_key is None:
        return None
    trailers = await asyncio.to_thread(_trailers, context, wish)
    services, viewer = context.services, signed_in(context.viewer)
    if twin := await asyncio.to_thread(services.repository.twin, trailers):
        return twin
    at = await services.wishes.without_effect(viewer.user_id, wish.idempotency_key, trailers[commits.WISH])
    return Committed(revision=at, replayed=True) if at is not None else None


async def _note(context: Context, wish: CommitInput, edit: Edit, committed: Committed) -> None:
    """Keep that a wish with a key had nothing to change: there is no commit to say so."""
    if wish.idempotency_key is None or committed.changed or committed.replayed:
        return
    user_id, digest = edit.trailers[commits.ACTOR], edit.trailers[commits.WISH]
    action = type(wish).__name__.removesuffix("Input")
    await context.services.wishes.note_without_effect(user_id, wish.idempotency_key, digest, action, committed.revision)


def _edit(context: Context, wish: CommitInput, plan: Plan, tried: Tried) -> tuple[Edit, Files]:
    """The wish as a change of files, and these as they were; what it changes is noted in `tried`. Reads Git, so it blocks."""
    repository, config = context.services.repository, context.services.publisher.config
    files = repository.contents(wish.expected_revision, (*plan.reads, *plan.reads_if_there))
    sight = context.sight
    for path in plan.reads:
        if path not in files or sight.hides(path):
            raise FileMissing(wish.expected_revision, path)
    if plan.reads_below is not None:
        files |= repository.below(wish.expected_revision, plan.reads_below)
    changes = plan.edit(config, files)
    tried.touched = changes.keys()
    for rule, project in needed(config, files, changes):
        require(context.viewer, rule, project)
    refuse(hidden_faults(sight.hides, files, changes))
    tried.before, tried.after = files, changes
    # A wish that changes nothing is still compared with the head: the client may have read an old version.
    changes = changes or dict(files)
    expected = {path: None for path in changes if path not in files}
    author, trailers = _author(context), _trailers(context, wish)
    edit = Edit(
        changes=changes,
        author=author,
        reason=wish.reason,
        base=wish.expected_revision,
        expected=expected,
        whole=plan.reads_below,
        trailers=trailers,
    )
    return edit, files


def _author(context: Context) -> Author:
    viewer = context.viewer
    assert viewer is not None, "the guard of this field lets nobody else through"
    return Author(viewer.name or viewer.email, viewer.email)


def _trailers(context: Context, wish: CommitInput) -> Mapping[str, str]:
    viewer = context.viewer
    return {
        commits.ACTOR: viewer.user_id if viewer is not None else "",
        commits.REQUEST: context.request_id,
        commits.IDEMPOTENCY_KEY: wish.idempotency_key or "",
        commits.WISH: context.services.wishes.digest(wish.fingerprint(), wish) if wish.idempotency_key else "",
    }


# --- after it -----------------------------------------------------------------------------------------------------------


async def _landed(
    context: Context,
    wish: CommitInput,
    plan: Plan,
    committed: Committed,
    versions: tuple[Changes, Changes] | None = None,
) -> Landed:
    services = context.services
    if committed.replayed or versions is None:
        versions = await asyncio.to_thread(_versions, context, committed)
    pending = await services.publisher.wait_until_running(committed.revision, PROXIES_WAIT_S) if plan.waits else None
    change = ChangeResult(
        revision=committed.revision,
        changed_files=sorted(committed.changed),
        dry_run=False,
        replayed=committed.replayed,
        before=versions[0],
        after=versions[1],
        pending=pending,
    )
    return Landed(change, services.catalogue())


def _versions(context: Context, committed: Committed) -> tuple[Changes, Changes]:
    """The files of a commit before and after it; reads Git, so it blocks."""
    repository = context.services.repository
    parent = repository.parent(committed.revision)
    before = repository.contents(parent, committed.changed) if parent is not None else {}
    return before, repository.contents(committed.revision, committed.changed)


async def _checked(context: Context, wish: CommitInput, edit: Edit, files: Files) -> Landed:
    """Everything but the commit."""
    publisher, repository = context.services.publisher, context.services.repository
    known = Known(publisher.revision, publisher.config) if publisher.revision is not None else None

    def stop(head: str | None, changes: Changes) -> None:
        config = validated(repository, known, head, changes)
        revision = head or wish.expected_revision
        published = publisher.catalogue
        at_head = head is not None and published.revision == head and known is not None and known.revision == head
        catalogue = published.updated(config, revision, changes) if at_head else Catalogue(config, revision)
        raise _Checked(catalogue, Committed(revision=revision, changed=tuple(changes)))

    try:
        outcome = await asyncio.to_thread(repository.commit, edit, stop)
        catalogue = context.services.catalogue()
    except _Checked as checked:
        outcome, catalogue = checked.outcome, checked.catalogue
    change = ChangeResult(
        revision=outcome.revision,
        changed_files=sorted(outcome.changed),
        dry_run=True,
        replayed=False,
        before=files,
        after=edit.changes,
    )
    return Landed(change, catalogue)
