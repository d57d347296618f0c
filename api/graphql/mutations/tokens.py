"""`tokenCreate`, `tokenRegenerate`, `tokenUpdate`, `tokenRevoke`.

A token's value is made here, goes into the one answer that shows it, and is nowhere else: the file holds its SHA-256. All but
`tokenUpdate` answer when every connected proxy runs the new revision: what was revoked has stopped.
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import secrets
from typing import Annotated, TypeAlias

import strawberry

from api.audit import SHOWN, Entry
from api.clock import now_ms
from api.edits import EditRejected, tokens
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Landed, Plan, PureEdit, commit
from api.graphql.mutations.limits_input import LimitsInput, limits_plain
from api.graphql.mutations.projects import LabelInput, missing_project, plain_labels
from api.graphql.mutations.refusals import invalid_field
from api.graphql.scalars import Instant, iso_instant
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.token import Token
from api.identifiers import new_id
from core.config import Token as TokenFile
from core.files import parse
from core.paths import id_of, project_path, token_path
from core.yaml_strict import Value

VALUE_PREFIX = "sk-lr-"
MAX_GRACE_SECONDS = 30 * 86_400


@strawberry.input(description="A token's own limits on one model.")
class TokenModelInput:
    """`core.config.ModelEntry`."""

    id: str = strawberry.field(description="The model's id.")
    limits: LimitsInput = strawberry.field(description="The limits.")


@strawberry.input(description="A new token.")
class TokenCreateInput(CommitInput):
    """A wish for a token."""

    project: str = strawberry.field(description="The project's slug.")
    name: str = strawberry.field(description="What it is called.")
    limits: LimitsInput | None = strawberry.field(default=None, description="Its limits. Needs `limit:write`.")
    models: list[TokenModelInput] | None = strawberry.field(
        default=None, description="Its limits on single models. Needs `limit:write`."
    )
    expires_at: Instant | None = strawberry.field(default=None, description="When it stops working by itself.")
    labels: list[LabelInput] | None = strawberry.field(default=None, description="Copied to the log rows of its requests.")


@strawberry.input(description="A token that is to have another value.")
class TokenRegenerateInput(CommitInput):
    """A wish for another value."""

    project: str = strawberry.field(description="The project's slug.")
    token: str = strawberry.field(description="The token's id.")
    grace_seconds: int | None = strawberry.field(
        default=None,
        description="For how long the old value works beside the new one, at most 30 days; it ends at once if left out. Only"
        " one former value works: one that is still in its grace ends at once.",
    )


@strawberry.input(description="What to change about a token; what is left out stays.")
class TokenUpdateInput(CommitInput):
    """A wish for a token's file."""

    project: str = strawberry.field(description="The project's slug.")
    token: str = strawberry.field(description="The token's id.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    limits: strawberry.Maybe[LimitsInput | None] = strawberry.field(
        description="Its limits, in place of those it has; null takes them away. Needs `limit:write`."
    )
    models: list[TokenModelInput] | None = strawberry.field(
        default=None, description="Its limits on single models, in place of those it has. Needs `limit:write`."
    )
    expires_at: strawberry.Maybe[Instant | None] = strawberry.field(description="When it stops working by itself; null: never.")
    labels: list[LabelInput] | None = strawberry.field(default=None, description="Its labels, in place of those it has.")

    def fields(self) -> dict[str, Value]:
        """Only what was given; None unsets."""
        wished: dict[str, Value] = {}
        if self.name is not None:
            wished["name"] = self.name
        if self.models is not None:
            wished["models"] = _models(self.models)
        if self.expires_at is not None:
            wished["expires_at"] = _instant(self.expires_at.value)
        if self.labels is not None:
            wished["labels"] = plain_labels(self.labels)
        return wished | limits_plain(self.limits)


@strawberry.input(description="A token that is to work no more.")
class TokenRevokeInput(CommitInput):
    """A wish for an end."""

    project: str = strawberry.field(description="The project's slug.")
    token: str = strawberry.field(description="The token's id.")


@strawberry.type(description="The token was created, or would be. This answer is the only one that shows its value.")
class TokenCreated(ConfigurationChange):
    """A new token."""

    token: Token = strawberry.field(description="The token.")
    value: str | None = strawberry.field(description="The value, shown once: null in a dry run and in the answer to a retry.")


@strawberry.type(description="The token has another value, or would. This answer is the only one that shows it.")
class TokenRegenerated(ConfigurationChange):
    """A token with another value."""

    token: Token = strawberry.field(description="The token.")
    value: str | None = strawberry.field(description="The value, shown once: null in a dry run and in the answer to a retry.")
    grace_cut_short: Instant | None = strawberry.field(
        description="Until when the value before the former one would have worked: it ended with this. Null where none did."
    )


@strawberry.type(description="The token was changed, or would be.")
class TokenUpdated(ConfigurationChange):
    """A token with other settings."""

    token: Token = strawberry.field(description="The token.")


@strawberry.type(description="The token was revoked, or would be.")
class TokenRevoked(ConfigurationChange):
    """A token that is no more."""

    token: str = strawberry.field(description="The id that it had.")


TokenCreatePayload: TypeAlias = Annotated[
    TokenCreated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("TokenCreatePayload", description="What came of a new token."),
]
TokenRegeneratePayload: TypeAlias = Annotated[
    TokenRegenerated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("TokenRegeneratePayload", description="What came of a token's new value."),
]
TokenUpdatePayload: TypeAlias = Annotated[
    TokenUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("TokenUpdatePayload", description="What came of a change to a token."),
]
TokenRevokePayload: TypeAlias = Annotated[
    TokenRevoked | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("TokenRevokePayload", description="What came of a token's revocation."),
]


async def token_create(context: Context, wish: TokenCreateInput) -> TokenCreated | Failure:
    """Make a token and show its value."""
    value, token = _new_value(), new_id()
    plan = Plan(
        # Read so that a project that is deleted meanwhile is not found, and changed by nobody.
        reads=(project_path(wish.project),),
        missing=missing_project(wish.project),
        edit=lambda _config, _files: tokens.created(wish.project, token, wish.name, value, _fresh_fields(wish)),
        waits=True,
    )
    landed = await commit(context, wish, plan)
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.project, id_of(landed.change.changed_files[0]))
    if isinstance(found, NotFound):
        return found
    return TokenCreated(change=landed.change, token=found, value=await _shown(context, landed, found, value))


async def token_regenerate(context: Context, wish: TokenRegenerateInput) -> TokenRegenerated | Failure:
    """Give a token another value and show it."""
    grace = wish.grace_seconds
    if grace is not None and not 0 <= grace <= MAX_GRACE_SECONDS:
        return invalid_field("graceSeconds", f"must be from 0 to {MAX_GRACE_SECONDS}, not {grace}")
    value, until = _new_value(), iso_instant(now_ms() + grace * 1000) if grace else None
    plan = _plan(wish, lambda _config, files: tokens.regenerated(files, wish.project, wish.token, value, until), waits=True)
    landed = await commit(context, wish, plan)
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.project, wish.token)
    if isinstance(found, NotFound):
        return found
    shown, cut_short = await _shown(context, landed, found, value), _cut_short(landed, wish)
    return TokenRegenerated(change=landed.change, token=found, value=shown, grace_cut_short=cut_short)


async def token_update(context: Context, wish: TokenUpdateInput) -> TokenUpdated | Failure:
    """Change a token's settings; its value stays."""
    plan = _plan(wish, lambda _config, files: tokens.updated(files, wish.project, wish.token, wish.fields()))
    landed = await commit(context, wish, plan)
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.project, wish.token)
    return found if isinstance(found, NotFound) else TokenUpdated(change=landed.change, token=found)


async def token_revoke(context: Context, wish: TokenRevokeInput) -> TokenRevoked | Failure:
    """Delete a token's file."""
    landed = await commit(
        context, wish, _plan(wish, lambda _config, _files: tokens.revoked(wish.project, wish.token), waits=True)
    )
    return landed if isinstance(landed, Failure) else TokenRevoked(change=landed.change, token=wish.token)


def _plan(wish: TokenRegenerateInput | TokenUpdateInput | TokenRevokeInput, edit: PureEdit, *, waits: bool = False) -> Plan:
    missing = f"project {wish.project!r} has no token {wish.token!r}"
    return Plan(reads=(token_path(wish.project, wish.token),), missing=missing, edit=edit, waits=waits)


def _new_value() -> str:
    return VALUE_PREFIX + secrets.token_urlsafe(32)


def _cut_short(landed: Landed, wish: TokenRegenerateInput) -> Instant | None:
    """The end of the grace that was running before, as the file had it."""
    path = token_path(wish.project, wish.token)
    data = landed.change.before.get(path)
    before = parse(path, data) if isinstance(data, bytes) else None
    if not isinstance(before, TokenFile) or before.former is None:
        return None
    until = Instant(round(before.former.valid_until.timestamp() * 1000))
    return until if until > now_ms() else None


def _fresh_fields(wish: TokenCreateInput) -> dict[str, Value]:
    if wish.expires_at is not None and wish.expires_at <= now_ms():
        raise EditRejected("expiresAt", "this instant is past already")
    return _fields(wish)


def _fields(wish: TokenCreateInput) -> dict[str, Value]:
    return {
        "limits": wish.limits.plain() if wish.limits is not None else None,
        "models": _models(wish.models) if wish.models is not None else None,
        "expires_at": _instant(wish.expires_at),
        "labels": plain_labels(wish.labels),
    }


def _models(wished: list[TokenModelInput]) -> list[Value] | None:
    """A token's entries; one whose limits are none is no entry."""
    found = [(model.id, model.limits.plain(f"models[{position}].limits")) for position, model in enumerate(wished)]
    return [{"id": model, "limits": limits} for model, limits in found if limits is not None] or None


def _instant(at: Instant | None) -> str | None:
    return iso_instant(at) if at is not None else None


def _found(landed: Landed, project: str, token: str) -> Token | NotFound:
    found = Token.at(landed.catalogue.config, project, token)
    return found if found is not None else NotFound(message=f"the token {token!r} was revoked meanwhile")


async def _shown(context: Context, landed: Landed, token: Token, value: str) -> str | None:
    """The value, if this very call made it: noted in the audit, for it is shown now and never again."""
    viewer = context.viewer
    if viewer is None or landed.change.dry_run or landed.change.replayed:
        return None
    shown = Entry(
        action=SHOWN,
        outcome="ok",
        subject=f"{token.project_slug}/{token.token}",
        user_id=viewer.user_id,
        client=context.address,
        detail={"revision": landed.change.revision, "prefix": token.prefix},
    )
    await context.services.people.audit.note(shown)
    return value


@strawberry.type(description="Changes of tokens.")
class TokenMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Create a token, as one commit; the answer shows its value once.")
    async def token_create(
        self, info: Info, input: Annotated[TokenCreateInput, strawberry.argument(description="The new token.")]
    ) -> TokenCreatePayload:
        """Answered when every connected proxy runs the new revision."""
        return await token_create(info.context, input)

    @strawberry.mutation(description="Give a token another value, as one commit; the answer shows it once.")
    async def token_regenerate(
        self, info: Info, input: Annotated[TokenRegenerateInput, strawberry.argument(description="Which one, and its grace.")]
    ) -> TokenRegeneratePayload:
        """Answered when every connected proxy runs the new revision."""
        return await token_regenerate(info.context, input)

    @strawberry.mutation(description="Change a token's settings, as one commit; its value stays.")
    async def token_update(
        self, info: Info, input: Annotated[TokenUpdateInput, strawberry.argument(description="What to change.")]
    ) -> TokenUpdatePayload:
        """See `api/edits/tokens.py`."""
        return await token_update(info.context, input)

    @strawberry.mutation(description="Revoke a token, as one commit.")
    async def token_revoke(
        self, info: Info, input: Annotated[TokenRevokeInput, strawberry.argument(description="Which one.")]
    ) -> TokenRevokePayload:
        """Answered when every connected proxy runs the new revision: it has stopped working by then."""
        return await token_revoke(info.context, input)
