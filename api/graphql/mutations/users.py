"""Making, changing, disabling and deleting users, by those who may: the rules are in `api/people/users.py`."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias, TypeVar

import strawberry

from api import people
from api.audit import Deed
from api.graphql.context import Context, Info
from api.graphql.mutations.deeds import DeedInput, deed_of, failure_of
from api.graphql.types.audit import user_key
from api.graphql.types.failures import NotAllowed, NotFound, ValidationFailed
from api.graphql.types.user import Membership, User, seen_memberships

Failure: TypeAlias = ValidationFailed | NotAllowed | NotFound
_Done = TypeVar("_Done")


@strawberry.input(description="A user to make.")
class UserCreateInput(DeedInput):
    """A wish for a user."""

    email: str = strawberry.field(
        description="The e-mail; kept in lower case, and never changed. What projects' files say of it counts at once: see"
        " `memberships` of the user who is made."
    )
    role: str = strawberry.field(description="The global role: admin, operator, viewer, or one of roles.yaml.")
    name: str = strawberry.field(default="", description="What the person is called.")
    password: str | None = strawberry.field(
        default=None, description="At least 12 characters; when left out one is made up and shown once."
    )


@strawberry.type(description="The user was made.")
class UserCreated:
    """A new user."""

    user: User = strawberry.field(description="The user.")
    password: str | None = strawberry.field(
        description="The password that was made up; null where one was given, and in the answer to a retry."
    )


@strawberry.input(description="What to change about a user; what is left out stays.")
class UserUpdateInput(DeedInput):
    """A wish for a user's record."""

    id: strawberry.ID = strawberry.field(description="The user's node id.")
    name: str | None = strawberry.field(default=None, description="What the person is called.")
    role: str | None = strawberry.field(default=None, description="The global role.")
    disabled: bool | None = strawberry.field(
        default=None,
        description="Whether the user may not sign in; disabling ends sessions and streams. Keys are worth nothing as long;"
        " `userKeysRevoke` ends them for good.",
    )


@strawberry.type(description="The user was changed.")
class UserUpdated:
    """A changed user."""

    user: User = strawberry.field(description="The user as they are now.")


@strawberry.input(description="A user to delete.")
class UserDeleteInput(DeedInput):
    """A wish that a user were gone."""

    id: strawberry.ID = strawberry.field(description="The user's node id.")


@strawberry.type(description="The user is gone, with sessions and keys; what they did stays in history and audit.")
class UserDeleted:
    """A deleted user."""

    email: strawberry.Private[str | None]

    id: strawberry.ID = strawberry.field(description="The node id that was theirs.")

    @strawberry.field(
        description="What remains in the files of projects, of those that the viewer may see: whoever gets a user with this"
        " e-mail later gets it. `memberRemove` takes it out. Null in the answer to a retry."
    )
    def memberships(self, info: Info) -> list[Membership] | None:
        """From the published configuration."""
        return seen_memberships(info, self.email) if self.email is not None else None


@strawberry.input(description="A user whose password is to be set by somebody else.")
class UserPasswordResetInput(DeedInput):
    """A wish for somebody who forgot theirs."""

    id: strawberry.ID = strawberry.field(description="The user's node id.")
    password: str | None = strawberry.field(
        default=None, description="At least 12 characters; when left out one is made up and shown once."
    )


@strawberry.type(description="The password was set and the user's sessions are over; keys stay.")
class UserPasswordReset:
    """A new password for somebody."""

    user: User = strawberry.field(description="The user.")
    password: str | None = strawberry.field(
        description="The password that was made up; null where one was given, and in the answer to a retry."
    )


@strawberry.input(description="A user whose API keys are to end, all of them: one may be lost.")
class UserKeysRevokeInput(DeedInput):
    """A wish that keys were worth nothing."""

    id: strawberry.ID = strawberry.field(description="The user's node id.")


@strawberry.type(description="The user has no API keys any more; streams that lived on one are over.")
class UserKeysRevoked:
    """Somebody without keys."""

    user: User = strawberry.field(description="The user.")
    revoked: int = strawberry.field(description="How many keys there were; 0 in the answer to a retry.")


UserCreatePayload: TypeAlias = Annotated[
    UserCreated | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("UserCreatePayload", description="What came of making a user."),
]
UserUpdatePayload: TypeAlias = Annotated[
    UserUpdated | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("UserUpdatePayload", description="What came of changing a user."),
]
UserDeletePayload: TypeAlias = Annotated[
    UserDeleted | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("UserDeletePayload", description="What came of deleting a user."),
]
UserPasswordResetPayload: TypeAlias = Annotated[
    UserPasswordReset | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("UserPasswordResetPayload", description="What came of setting a user's password."),
]

UserKeysRevokePayload: TypeAlias = Annotated[
    UserKeysRevoked | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("UserKeysRevokePayload", description="What came of ending a user's API keys."),
]


async def user_create(context: Context, wish: UserCreateInput) -> UserCreated | Failure:
    """Make a user."""

    async def act(deed: Deed) -> UserCreated:
        users = context.services.people.users
        user, password = await users.create(deed, wish.email, wish.name, wish.role, wish.password)
        return UserCreated(user=User.of(user), password=password)

    return await _done(context, "userCreate", wish, act)


async def user_update(context: Context, wish: UserUpdateInput) -> UserUpdated | Failure:
    """Change a user's name or role, or whether they may sign in."""
    key = user_key("input.id", wish.id)

    async def act(deed: Deed) -> UserUpdated:
        users = context.services.people.users
        changed = await users.update(deed, key, name=wish.name, role=wish.role, disabled=wish.disabled)
        return UserUpdated(user=User.of(changed))

    return await _done(context, "userUpdate", wish, act)


async def user_delete(context: Context, wish: UserDeleteInput) -> UserDeleted | Failure:
    """Delete a user."""
    key = user_key("input.id", wish.id)

    async def act(deed: Deed) -> UserDeleted:
        email = await context.services.people.users.delete(deed, key)
        return UserDeleted(id=wish.id, email=email)

    return await _done(context, "userDelete", wish, act)


async def user_password_reset(context: Context, wish: UserPasswordResetInput) -> UserPasswordReset | Failure:
    """Set a user's password."""
    key = user_key("input.id", wish.id)

    async def act(deed: Deed) -> UserPasswordReset:
        user, password = await context.services.people.users.reset_password(deed, key, wish.password)
        return UserPasswordReset(user=User.of(user), password=password)

    return await _done(context, "userPasswordReset", wish, act)


async def user_keys_revoke(context: Context, wish: UserKeysRevokeInput) -> UserKeysRevoked | Failure:
    """End all of a user's API keys."""
    key = user_key("input.id", wish.id)

    async def act(deed: Deed) -> UserKeysRevoked:
        user, revoked = await context.services.people.users.revoke_keys(deed, key)
        return UserKeysRevoked(user=User.of(user), revoked=revoked)

    return await _done(context, "userKeysRevoke", wish, act)


async def _done(context: Context, action: str, wish: DeedInput, act: Callable[[Deed], Awaitable[_Done]]) -> _Done | Failure:
    deed = deed_of(context, action, wish, needs_reason=True)
    if isinstance(deed, ValidationFailed):
        return deed
    try:
        return await act(deed)
    except people.PeopleError as error:
        return failure_of(context, deed, error)
