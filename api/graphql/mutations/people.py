"""Root fields that change people: a line each to the module that carries it out."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.mutations import api_keys, session, users
from api.graphql.mutations.api_keys import (
    ApiKeyCreateInput,
    ApiKeyCreatePayload,
    ApiKeyRevokeInput,
    ApiKeyRevokePayload,
)
from api.graphql.mutations.session import (
    LoggedOut,
    LoginInput,
    LoginPayload,
    PasswordChangeInput,
    PasswordChangePayload,
    SessionEndInput,
    SessionEndPayload,
    SessionsEndInput,
)
from api.graphql.mutations.users import (
    UserCreateInput,
    UserCreatePayload,
    UserDeleteInput,
    UserDeletePayload,
    UserKeysRevokeInput,
    UserKeysRevokePayload,
    UserPasswordResetInput,
    UserPasswordResetPayload,
    UserUpdateInput,
    UserUpdatePayload,
)

_WISH = strawberry.argument(description="What is wished, and why.")


@strawberry.type
class PeopleMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Open a session; the only operation without one. The cookie comes with the answer.")
    async def login(
        self, info: Info, input: Annotated[LoginInput, strawberry.argument(description="Who logs in.")]
    ) -> LoginPayload:
        """See `session.py`."""
        return await session.login(info.context, input)

    @strawberry.mutation(description="End the session that this request came with.")
    async def logout(self, info: Info) -> LoggedOut:
        """See `session.py`."""
        return await session.logout(info.context)

    @strawberry.mutation(description="End one of one's own sessions, with every stream that lives on it.")
    async def session_end(self, info: Info, input: Annotated[SessionEndInput, _WISH]) -> SessionEndPayload:
        """See `session.py`."""
        return await session.session_end(info.context, input)

    @strawberry.mutation(description="End all of one's own sessions, or all but this one.")
    async def sessions_end(self, info: Info, input: Annotated[SessionsEndInput, _WISH]) -> SessionEndPayload:
        """See `session.py`."""
        return await session.sessions_end(info.context, input)

    @strawberry.mutation(description="Change one's own password; it ends one's other sessions.")
    async def password_change(self, info: Info, input: Annotated[PasswordChangeInput, _WISH]) -> PasswordChangePayload:
        """See `session.py`."""
        return await session.password_change(info.context, input)

    @strawberry.mutation(description="Make a personal API key; its value is shown once.")
    async def api_key_create(self, info: Info, input: Annotated[ApiKeyCreateInput, _WISH]) -> ApiKeyCreatePayload:
        """See `api_keys.py`."""
        return await api_keys.api_key_create(info.context, input)

    @strawberry.mutation(description="End one of one's own API keys, at once.")
    async def api_key_revoke(self, info: Info, input: Annotated[ApiKeyRevokeInput, _WISH]) -> ApiKeyRevokePayload:
        """See `api_keys.py`."""
        return await api_keys.api_key_revoke(info.context, input)

    @strawberry.mutation(description="Make a user. Nobody grants what they lack.")
    async def user_create(self, info: Info, input: Annotated[UserCreateInput, _WISH]) -> UserCreatePayload:
        """See `users.py`."""
        return await users.user_create(info.context, input)

    @strawberry.mutation(description="Change a user's name or role, or whether they may sign in. The last admin stays.")
    async def user_update(self, info: Info, input: Annotated[UserUpdateInput, _WISH]) -> UserUpdatePayload:
        """See `users.py`."""
        return await users.user_update(info.context, input)

    @strawberry.mutation(
        description="Delete a user with their sessions and keys. What projects' files say of their e-mail stays, for whoever"
        " gets a user with it later: see `memberships` in the answer. The last admin stays."
    )
    async def user_delete(self, info: Info, input: Annotated[UserDeleteInput, _WISH]) -> UserDeletePayload:
        """See `users.py`."""
        return await users.user_delete(info.context, input)

    @strawberry.mutation(description="Set the password of somebody who forgot it; it ends their sessions.")
    async def user_password_reset(
        self, info: Info, input: Annotated[UserPasswordResetInput, _WISH]
    ) -> UserPasswordResetPayload:
        """See `users.py`."""
        return await users.user_password_reset(info.context, input)

    @strawberry.mutation(description="End all API keys of somebody, at once; they may make new ones.")
    async def user_keys_revoke(self, info: Info, input: Annotated[UserKeysRevokeInput, _WISH]) -> UserKeysRevokePayload:
        """See `users.py`."""
        return await users.user_keys_revoke(info.context, input)
