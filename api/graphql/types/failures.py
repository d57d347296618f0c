"""Expected failures of mutations, as members of their payload unions.

What they say names what was asked for, where somebody may have pasted a key: it is taken out.
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import strawberry

from api.graphql.context import Info
from api.graphql.types.change import FileDiff
from api.repository.log import Sides
from core.leaks import masked


@strawberry.enum(description="Why a change was not made; stable, for programs.")
class FailureCode(Enum):
    """Codes of failures in payloads."""

    CONFLICT = strawberry.enum_value("CONFLICT", description="Somebody changed the same file since the client read it.")
    VALIDATION_FAILED = strawberry.enum_value("VALIDATION_FAILED", description="The configuration would not be valid.")
    NOT_ALLOWED = strawberry.enum_value("NOT_ALLOWED", description="The viewer lacks a permission.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such thing, or the viewer may not see it.")
    LOGIN_REFUSED = strawberry.enum_value("LOGIN_REFUSED", description="No user has this e-mail and this password.")
    TOO_MANY_ATTEMPTS = strawberry.enum_value("TOO_MANY_ATTEMPTS", description="Too many failed logins; wait.")


@strawberry.type(
    description="One file of the configuration, in the versions that collide. One that is no text, or too large, is empty."
)
class FileVersions:
    """The sides of a conflict over one file."""

    path: str = strawberry.field(description="The file's path in the repository.")
    read: str | None = strawberry.field(description="What the client had read; null where it did not exist.")
    head: str | None = strawberry.field(description="What is there now; null where it was deleted.")
    proposed: str | None = strawberry.field(description="What the mutation would have written; null for a deletion.")


@strawberry.type(
    description="Somebody changed the same file since the client read it. Nothing was written and nothing is lost."
)
class Conflict:
    """A lost race over a file."""

    code: FailureCode = strawberry.field(description="Always CONFLICT.", default=FailureCode.CONFLICT)
    message: str = strawberry.field(description="What happened and how to go on.")
    head_revision: str | None = strawberry.field(description="The revision to read before trying again.")
    files: list[FileVersions] = strawberry.field(description="Each file that collides, in all its versions.")

    def __post_init__(self) -> None:
        """See the module."""
        self.message = masked(self.message)


@strawberry.type(description="One thing that is wrong, and where.")
class ValidationProblem:
    """One error of the configuration's check."""

    file: str | None = strawberry.field(description="The file's path; null where the input itself is wrong.")
    line: int | None = strawberry.field(description="The line in the file as it would be written, from 1.")
    field: str | None = strawberry.field(description="The setting, or the input's field, such as timeouts.timeout_ms.")
    reason: str = strawberry.field(description="What is wrong and how to mend it.")

    def __post_init__(self) -> None:
        """See the module."""
        self.reason = masked(self.reason)


@strawberry.type(description="The configuration would not be valid. Nothing was written.")
class ValidationFailed:
    """What the check found."""

    code: FailureCode = strawberry.field(description="Always VALIDATION_FAILED.", default=FailureCode.VALIDATION_FAILED)
    message: str = strawberry.field(description="The first problem in one sentence.")
    problems: list[ValidationProblem] = strawberry.field(description="Everything that is wrong.")
    tried: strawberry.Private[Sequence[Sides]] = ()

    @strawberry.field(
        description="How the files would differ that the change was to change; empty where it did not get as far as the check."
    )
    async def diff(self, info: Info) -> list[FileDiff]:
        """Made only when it is asked for."""
        return await FileDiff.of(info, self.tried)

    def __post_init__(self) -> None:
        """See the module."""
        self.message = masked(self.message)


@strawberry.type(description="The viewer lacks a permission. Nothing was written.")
class NotAllowed:
    """A permission is missing."""

    code: FailureCode = strawberry.field(description="Always NOT_ALLOWED.", default=FailureCode.NOT_ALLOWED)
    message: str = strawberry.field(description="Which permission is missing.")
    permission: str = strawberry.field(description="The permission that this takes, such as project:write.")


@strawberry.type(description="There is no such thing, or the viewer may not see it.")
class NotFound:
    """What was named does not exist."""

    code: FailureCode = strawberry.field(description="Always NOT_FOUND.", default=FailureCode.NOT_FOUND)
    message: str = strawberry.field(description="What was looked for.")

    def __post_init__(self) -> None:
        """See the module."""
        self.message = masked(self.message)
