"""`projectUpdate`: one commit that renames a project or sets its timeouts, then its publication.

The edit lands on the head, whatever was committed to other files meanwhile; a change to the same file is a conflict with both
versions. A dry run goes the same way and stops before the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

import strawberry

from api import edits
from api.catalogue import Catalogue
from api.edits import EditRejected
from api.graphql.context import Context
from api.graphql.types.failures import Conflict, FileVersions, NotAllowed, NotFound, ValidationFailed, ValidationProblem
from api.graphql.types.project import Project
from api.repository import commits
from api.repository.checks import Known, validated
from api.repository.commits import Author, Committed
from api.repository.errors import Conflict as FilesConflict
from api.repository.errors import FileMissing, KeyReused, UnknownRevision
from api.repository.leaks import leaks
from api.repository.store import Changes, Edit
from core.config import Config
from core.files import ConfigErrors
from core.paths import project_path

MAX_REASON = 2_000
MAX_KEY = 200
PROXIES_WAIT_S = 0.25


@strawberry.input(description="Timeouts to set, in milliseconds; null unsets one, what is left out stays.")
class ProjectTimeoutsInput:
    """A wish for a project's timeouts."""

    timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="The whole request.")
    attempt_timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="One attempt, to its first content.")
    idle_timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="Between two bytes of an answer.")
    connect_timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="To connect to a provider.")

    def wished(self) -> dict[str, int | None]:
        """Only what was given."""
        given = {
            "timeout_ms": self.timeout_ms,
            "attempt_timeout_ms": self.attempt_timeout_ms,
            "idle_timeout_ms": self.idle_timeout_ms,
            "connect_timeout_ms": self.connect_timeout_ms,
        }
        return {name: wish.value for name, wish in given.items() if wish is not None}


@strawberry.input(description="What to change about a project; what is left out stays.")
class ProjectUpdateInput:
    """A wish for a project's file."""

    slug: str = strawberry.field(description="The project.")
    expected_revision: str = strawberry.field(description="The commit that the client read the project at.")
    reason: str = strawberry.field(description="Why; it becomes the commit's message.")
    name: str | None = strawberry.field(default=None, description="A new display name; unique ignoring case.")
    timeouts: ProjectTimeoutsInput | None = strawberry.field(default=None, description="Timeouts to set or unset.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same for each retry of one wish: it is then carried out once."
    )
    dry_run: bool = strawberry.field(default=False, description="Check everything and commit nothing.")


@strawberry.type(description="The project was changed, or would be.")
class ProjectUpdated:
    """What a change led to."""

    project: Project = strawberry.field(description="The project as it is now, or would be.")
    revision: str = strawberry.field(description="The commit that has the change; in a dry run the one that it was checked on.")
    changed_files: list[str] = strawberry.field(description="Paths of the files that were changed; none if all was so already.")
    dry_run: bool = strawberry.field(description="Whether nothing was committed.")
    pending_proxies: list[str] = strawberry.field(description="Ids of connected proxies that do not run this revision yet.")


ProjectUpdatePayload: TypeAlias = Annotated[
    ProjectUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProjectUpdatePayload", description="What came of a change to a project."),
]


class _Checked(Exception):
    """A dry run got as far as a commit would."""

    def __init__(self, config: Config, outcome: Committed) -> None:
        super().__init__()
        self.config = config
        self.outcome = outcome


async def project_update(
    context: Context, wish: ProjectUpdateInput
) -> ProjectUpdated | Conflict | ValidationFailed | NotAllowed | NotFound:
    """Carry the wish out, or say why not. Access was decided before this is called."""
    if problem := _input_problem(wish):
        return _invalid([problem])
    try:
        edit = await asyncio.to_thread(_edit, context, wish)
        if wish.dry_run:
            return await _checked(context, wish, edit)
        committed = await context.services.publisher.commit(edit)
    except FileMissing:
        return NotFound(message=f"there is no project {wish.slug!r}")
    except (UnknownRevision, EditRejected, KeyReused) as error:
        return _rejected(error)
    except FilesConflict as error:
        return _conflict(error)
    except ConfigErrors as errors:
        return _invalid(
            [ValidationProblem(file=e.file, line=e.line, field=e.field or None, reason=e.reason) for e in errors.errors]
        )
    return await _updated(context, wish, committed)


def _input_problem(wish: ProjectUpdateInput) -> ValidationProblem | None:
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


def _edit(context: Context, wish: ProjectUpdateInput) -> Edit:
    """The wish as a change of files; reads Git, so it blocks. Raises FileMissing, UnknownRevision, EditRejected."""
    path = project_path(wish.slug)
    data, blob = context.services.repository.read(wish.expected_revision, path)
    changes = edits.project_update(
        context.services.publisher.config,
        {path: data},
        wish.slug,
        name=wish.name,
        timeouts=wish.timeouts.wished() if wish.timeouts is not None else None,
    )
    return Edit(
        # A wish that changes nothing is still compared with the head: the client may have read an old version.
        changes=changes or {path: data},
        author=_author(context),
        reason=wish.reason,
        base=wish.expected_revision,
        expected={path: blob},
        trailers=_trailers(context, wish),
    )


def _author(context: Context) -> Author:
    viewer = context.viewer
    assert viewer is not None, "the guard of this field lets nobody else through"
    return Author(viewer.name or viewer.email, viewer.email)


def _trailers(context: Context, wish: ProjectUpdateInput) -> Mapping[str, str]:
    viewer = context.viewer
    return {
        commits.ACTOR: viewer.user_id if viewer is not None else "",
        commits.REQUEST: context.request_id,
        commits.IDEMPOTENCY_KEY: wish.idempotency_key or "",
    }


async def _updated(context: Context, wish: ProjectUpdateInput, committed: Committed) -> ProjectUpdated | NotFound:
    services = context.services
    pending = await services.publisher.wait_until_running(committed.revision, PROXIES_WAIT_S)
    return _answer(services.catalogue(), wish, committed, pending)


async def _checked(context: Context, wish: ProjectUpdateInput, edit: Edit) -> ProjectUpdated | NotFound:
    """Everything but the commit."""
    publisher, repository = context.services.publisher, context.services.repository
    known = Known(publisher.revision, publisher.config) if publisher.revision is not None else None

    def stop(head: str | None, changes: Changes) -> None:
        config = validated(repository, known, head, changes)
        raise _Checked(config, Committed(revision=head or wish.expected_revision, changed=tuple(changes)))

    try:
        unchanged = await asyncio.to_thread(repository.commit, edit, stop)
    except _Checked as checked:
        return _answer(Catalogue(checked.config, checked.outcome.revision), wish, checked.outcome, ())
    return _answer(context.services.catalogue(), wish, unchanged, ())


def _answer(
    catalogue: Catalogue, wish: ProjectUpdateInput, committed: Committed, pending: Sequence[str]
) -> ProjectUpdated | NotFound:
    project = Project.at(catalogue, wish.slug)
    if project is None:
        return NotFound(message=f"the project {wish.slug!r} was deleted meanwhile")
    return ProjectUpdated(
        project=project,
        revision=committed.revision,
        changed_files=list(committed.changed),
        dry_run=wish.dry_run,
        pending_proxies=list(pending),
    )


def _conflict(error: FilesConflict) -> Conflict:
    return Conflict(
        message=str(error),
        head_revision=error.head,
        files=[
            FileVersions(path=file.path, read=_text(file.read), head=_text(file.head), proposed=_text(file.proposed))
            for file in error.files
        ],
    )


def _text(data: bytes | None) -> str | None:
    return data.decode(errors="replace") if data is not None else None


def _rejected(error: UnknownRevision | EditRejected | KeyReused) -> ValidationFailed | NotFound:
    if isinstance(error, UnknownRevision):
        return _invalid([ValidationProblem(file=None, line=None, field="expectedRevision", reason=str(error))])
    if isinstance(error, KeyReused):
        return _invalid([ValidationProblem(file=None, line=None, field="idempotencyKey", reason=str(error))])
    if error.field == "slug":
        return NotFound(message=error.reason)
    return _invalid([ValidationProblem(file=None, line=None, field=error.field, reason=error.reason)])


def _invalid(problems: list[ValidationProblem]) -> ValidationFailed:
    first = problems[0]
    where = f"{first.file}:{first.line}: " if first.file else ""
    what = f"{first.field}: " if first.field else ""
    return ValidationFailed(message=f"{where}{what}{first.reason}", problems=problems)
