"""`memberSet` and `memberRemove`: who belongs to a project, and as what."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api.access import signed_in
from api.edits import members
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Files, Plan, PureEdit, commit
from api.graphql.mutations.projects import missing_project
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.repository.store import Changes
from core.config import Config
from core.paths import project_path


@strawberry.input(description="A user's role in a project. Nobody grants what they lack.")
class MemberSetInput(CommitInput):
    """A wish for a member."""

    project: str = strawberry.field(description="The project's slug.")
    user: str = strawberry.field(
        description="The user's e-mail; case does not matter. Whoever may see users is told if there is none; for others it is"
        " taken as it is, and counts as soon as there is such a user."
    )
    role: str = strawberry.field(description="viewer, editor, admin or a role of roles.yaml.")


@strawberry.input(description="A user who is to be a member no more.")
class MemberRemoveInput(CommitInput):
    """A wish for an end."""

    project: str = strawberry.field(description="The project's slug.")
    user: str = strawberry.field(description="The user's e-mail; case does not matter.")


@strawberry.type(description="The member was added or has another role, or would.")
class MemberSet(ConfigurationChange):
    """A member."""

    user: str = strawberry.field(description="The user's e-mail, in lower case.")
    role: str = strawberry.field(description="The role.")
    restricted: bool | None = strawberry.field(
        description="Whether this user sees only the projects that they are a member of then: so it is without a global role"
        " that has project:write, from the first membership on. Null for viewers who may not see users, and where there is no"
        " such user."
    )


@strawberry.type(description="The member was removed, or would be.")
class MemberRemoved(ConfigurationChange):
    """A member less."""

    user: str = strawberry.field(description="The user's e-mail, in lower case.")


MemberSetPayload: TypeAlias = Annotated[
    MemberSet | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("MemberSetPayload", description="What came of a member's role."),
]
MemberRemovePayload: TypeAlias = Annotated[
    MemberRemoved | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("MemberRemovePayload", description="What came of a member's removal."),
]


def _plan(project: str, edit: PureEdit, *, waits: bool = False) -> Plan:
    return Plan(reads=(project_path(project),), missing=missing_project(project), edit=edit, waits=waits)


async def member_set(context: Context, wish: MemberSetInput) -> MemberSet | Failure:
    """Add a member, or give one another role.

    Whoever may not see users is not told who there is: what they wrote is taken as it is, as a push is.
    """
    asks = signed_in(context.viewer).may("user:read")
    person = await context.services.people.users.by_email(wish.user.strip().lower()) if asks else None
    unknown = asks and person is None

    def edit(_config: Config, files: Files) -> Changes:
        return members.member_set(files, wish.project, wish.user, wish.role, unknown=unknown)

    landed = await commit(context, wish, _plan(wish.project, edit))
    if isinstance(landed, Failure):
        return landed
    restricted = landed.catalogue.grants.viewer(person.viewer()).restricted if person is not None else None
    return MemberSet(change=landed.change, user=members.email_of(wish.user), role=wish.role, restricted=restricted)


async def member_remove(context: Context, wish: MemberRemoveInput) -> MemberRemoved | Failure:
    """Remove a member; answered when every connected proxy runs the revision."""
    edit: PureEdit = lambda _config, files: members.member_removed(files, wish.project, wish.user)  # noqa: E731  # one line, used once
    landed = await commit(context, wish, _plan(wish.project, edit, waits=True))
    if isinstance(landed, Failure):
        return landed
    return MemberRemoved(change=landed.change, user=members.email_of(wish.user))


@strawberry.type(description="Changes of members.")
class MemberMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(
        description="Add a member to a project, or give one another role, as one commit. A member whose global role lacks"
        " project:write sees only the projects that they are a member of: the first membership hides all others from a global"
        " viewer."
    )
    async def member_set(
        self, info: Info, input: Annotated[MemberSetInput, strawberry.argument(description="Who, as what.")]
    ) -> MemberSetPayload:
        """See `api/edits/members.py`."""
        return await member_set(info.context, input)

    @strawberry.mutation(description="Remove a member from a project, as one commit.")
    async def member_remove(
        self, info: Info, input: Annotated[MemberRemoveInput, strawberry.argument(description="Who.")]
    ) -> MemberRemovePayload:
        """Answered when every connected proxy runs the new revision."""
        return await member_remove(info.context, input)
