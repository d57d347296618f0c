"""How a change that was not made is answered: each thing that is in its way as a member of the payload's union."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from api.access import Forbidden, NotVisible, Rule
from api.edits import EditRejected
from api.graphql.context import Context
from api.graphql.types.failures import Conflict, FileVersions, NotAllowed, NotFound, ValidationFailed, ValidationProblem
from api.history import Sight
from api.history.texts import Room, is_binary, is_large, size_of, text_of
from api.repository.errors import Conflict as FilesConflict
from api.repository.errors import KeyReused, PathTaken, UnknownRevision
from api.repository.log import Sides
from api.wishes import OtherWish
from core.files import ConfigError
from core.leaks import masked

Rejection: TypeAlias = UnknownRevision | EditRejected | KeyReused | OtherWish | PathTaken


@dataclass
class Tried:
    """How far a change got: the paths that it touches, and once it is known that the viewer may make it, the files."""

    touched: Collection[str] = ()
    before: Mapping[str, bytes] = field(default_factory=dict)
    after: Mapping[str, bytes | None] = field(default_factory=dict)

    def sides(self) -> list[Sides]:
        """What differs, to look at."""
        differing = {path: data for path, data in sorted(self.after.items()) if self.before.get(path) != data}
        return [Sides(path, self.before.get(path), _masked(data)) for path, data in differing.items()]


def invalid(problems: list[ValidationProblem]) -> ValidationFailed:
    """What a wish with these problems is answered with."""
    first = problems[0]
    where = f"{first.file}:{first.line}: " if first.file else ""
    what = f"{first.field}: " if first.field else ""
    return ValidationFailed(message=f"{where}{what}{first.reason}", problems=problems)


def invalid_field(field: str, reason: str) -> ValidationFailed:
    """The answer to one wrong field of the input."""
    return invalid([ValidationProblem(file=None, line=None, field=field, reason=reason)])


def denied(context: Context, wish: type, error: Forbidden | NotVisible) -> NotAllowed | NotFound:
    """A permission is missing, or there is nothing to see; noted as a denied attempt at the mutation of this input."""
    name = wish.__name__.removesuffix("Input")
    field = f"Mutation.{name[0].lower()}{name[1:]}"
    if isinstance(error, Forbidden):
        context.deny(field, cast("Rule", error.permission), error)
        return NotAllowed(message=str(error), permission=error.permission)
    context.deny(field, "project:read", error)
    return NotFound(message=str(error))


def conflict(room: Room, error: FilesConflict) -> Conflict:
    """Every version of each file that collides, as far as there is room for it in this answer."""
    sides = {file.path: (file.read, file.head, _masked(file.proposed)) for file in error.files}
    return Conflict(
        message=str(error),
        head_revision=error.head,
        files=[
            FileVersions(path=path, read=_text(room, read), head=_text(room, head), proposed=_text(room, proposed))
            for path, (read, head, proposed) in sides.items()
        ],
    )


def faulty(context: Context, errors: Iterable[ConfigError], tried: Tried) -> ValidationFailed:
    """What the check found, with what was tried. Blocks for a read of the branch."""
    head = context.services.repository.head()
    failed = invalid([_problem(context.sight, each, tried.touched, head) for each in errors])
    failed.tried = tried.sides()
    return failed


def _problem(sight: Sight, error: ConfigError, touched: Collection[str], head: str | None) -> ValidationProblem:
    """What is wrong with the configuration, as far as the viewer may know it: the fault may be somebody else's.

    A fault of a file that the change does not touch is one of the head: it came past the check, and every change meets it.
    """
    if error.file not in touched and not sight.sees(error.file):
        reason = "the configuration is wrong in a file that you may not see: nothing can be changed until that is mended"
        return ValidationProblem(file=None, line=None, field=None, reason=reason)
    reason = sight.words(error.reason)
    if error.file not in touched:
        reason += (
            ". It came past the check, and nothing else can be changed until it is mended: by `revert` or a change of this file"
            f" with the head as `expectedRevision` ({head}), or by `git revert` and a push"
        )
    return ValidationProblem(file=error.file, line=error.line, field=error.field or None, reason=reason)


def _masked(data: bytes | None) -> bytes | None:
    """What was to be written, without what looks like a secret: it was not checked, or refused for that."""
    try:
        return masked(data.decode()).encode() if data is not None else None
    except UnicodeDecodeError:
        return data  # shown as what is no text: not at all


def _text(room: Room, data: bytes | None) -> str | None:
    return text_of(data, shown=not is_binary(data) and not is_large(data) and room.takes(size_of(data)))


def rejected(error: Rejection) -> ValidationFailed | NotFound:
    """What is wrong with the input, at its field."""
    if isinstance(error, UnknownRevision):
        return invalid_field("expectedRevision", str(error))
    if isinstance(error, KeyReused):
        return invalid_field("idempotencyKey", str(error))
    if isinstance(error, OtherWish):
        return invalid_field("idempotencyKey", "another wish has this key; give each a key of its own")
    if isinstance(error, PathTaken):
        return invalid([ValidationProblem(file=error.path, line=None, field=None, reason=str(error))])
    return NotFound(message=error.reason) if error.not_found else invalid_field(error.field, error.reason)
