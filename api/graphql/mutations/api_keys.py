"""Personal API keys: made and revoked by whose they are."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api.graphql.context import Context
from api.graphql.mutations.deeds import DeedInput, deed_of, failure_of
from api.graphql.scalars import Instant
from api.graphql.types.failures import NotAllowed, NotFound, ValidationFailed
from api.graphql.types.viewer import ApiKey
from api.people import PeopleError


@strawberry.input(description="An API key to make for oneself; it may do what its user may.")
class ApiKeyCreateInput(DeedInput):
    """A wish for a key."""

    name: str = strawberry.field(description="What it is for.")
    expires_at: Instant | None = strawberry.field(
        default=None,
        description="When it ends by itself; never when left out. A key that ends makes only keys that end no later.",
    )


@strawberry.type(description="The key was made. Its value is in this answer and nowhere else.")
class ApiKeyCreated:
    """A new key."""

    api_key: ApiKey = strawberry.field(description="The key as it is listed.")
    value: str | None = strawberry.field(
        description="Send it as `Authorization: Bearer …`; null in the answer to a retry: it is shown once."
    )


@strawberry.input(description="Which of one's own API keys to end.")
class ApiKeyRevokeInput(DeedInput):
    """A wish to end a key."""

    id: strawberry.ID = strawberry.field(description="The key's id, as `viewer { apiKeys }` has it.")


@strawberry.type(description="The key is valid no more, also for streams that are open.")
class ApiKeyRevoked:
    """The end of a key."""

    id: strawberry.ID = strawberry.field(description="The key that was.")


ApiKeyCreatePayload: TypeAlias = Annotated[
    ApiKeyCreated | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ApiKeyCreatePayload", description="What came of making a key."),
]
ApiKeyRevokePayload: TypeAlias = Annotated[
    ApiKeyRevoked | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ApiKeyRevokePayload", description="What came of revoking a key."),
]


async def api_key_create(context: Context, wish: ApiKeyCreateInput) -> ApiKeyCreated | ValidationFailed | NotAllowed | NotFound:
    """Make a key for the viewer."""
    deed = deed_of(context, "apiKeyCreate", wish)
    if isinstance(deed, ValidationFailed):
        return deed
    try:
        key, value = await context.services.people.keys.create(deed, wish.name, wish.expires_at)
    except PeopleError as error:
        return failure_of(context, deed, error)
    return ApiKeyCreated(api_key=ApiKey.of(key, deed.viewer), value=value)


async def api_key_revoke(context: Context, wish: ApiKeyRevokeInput) -> ApiKeyRevoked | ValidationFailed | NotAllowed | NotFound:
    """End one of the viewer's keys."""
    deed = deed_of(context, "apiKeyRevoke", wish)
    if isinstance(deed, ValidationFailed):
        return deed
    try:
        await context.services.people.keys.revoke(deed, wish.id)
    except PeopleError as error:
        return failure_of(context, deed, error)
    return ApiKeyRevoked(id=wish.id)
