"""`providerCreate`, `providerUpdate`, `providerKeySet`, `providerDelete`.

A key comes in as a `Secret`, which prints as nothing, and is sealed before anything is written: neither the commit nor an
answer holds it. The digest that tells a retry from another wish is keyed (`api/wishes.py`).
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import signed_in
from api.edits import EditRejected, providers
from api.edits.documents import distinct
from api.edits.providers import CredentialWish
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Landed, Plan, commit
from api.graphql.scalars import Json
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.provider import Provider
from api.graphql.types.provider_words import ProviderKindWord
from api.sealing import KeyUnusable, Secret, reference
from core.paths import provider_path
from core.yaml_strict import Value


@strawberry.input(
    description="Where a provider's key is: give exactly one. It is bound to the origin of the provider's address."
)
class CredentialInput:
    """`core.fields.Credential`, or the key that becomes a sealed one."""

    key: Secret | None = strawberry.field(
        default=None, description="The key itself; it is sealed, and only the proxy can read it."
    )
    env: str | None = strawberry.field(default=None, description="The variable WAYBILL_SECRET_… of the proxy that holds it.")
    file: str | None = strawberry.field(default=None, description="The file in the proxy's secrets folder that holds it.")


@strawberry.input(description="A header that goes with each request.")
class HeaderInput:
    """An entry of `headers`."""

    name: str = strawberry.field(description="The header's name; none that may carry a key.")
    value: str = strawberry.field(description="The header's value.")


@strawberry.input(description="A new provider.")
class ProviderCreateInput(CommitInput):
    """A wish for a provider."""

    provider_id: str = strawberry.field(description="Its id, fixed for ever: lower-case letters, digits and single hyphens.")
    preset: str | None = strawberry.field(
        default=None, description="Start from one known by name: it gives the kind, and the address where there is one."
    )
    kind: ProviderKindWord | None = strawberry.field(default=None, description="The wire that it speaks.")
    base_url: str | None = strawberry.field(default=None, description="Its address.")
    credential: CredentialInput | None = strawberry.field(default=None, description="Where its key is.")
    enabled: bool | None = strawberry.field(default=None, description="Whether its models take part; true when left out.")
    project: str | None = strawberry.field(default=None, description="The project whose own account it is, by slug.")
    headers: list[HeaderInput] | None = strawberry.field(default=None, description="Headers that go with each request.")
    max_connections: int | None = strawberry.field(default=None, description="Connections that a proxy holds to it at most.")
    simulation: Json | None = strawberry.field(default=None, description="How a simulated one behaves, as in its file.")

    def fields(self) -> dict[str, Value]:
        """What was given, as fields of the file."""
        return {
            "kind": str(self.kind.value) if self.kind is not None else None,
            "preset": self.preset,
            "base_url": self.base_url,
            "enabled": self.enabled,
            "project": self.project,
            "headers": plain_headers(self.headers),
            "max_connections": self.max_connections,
            "simulation": plain_json(self.simulation),
        }


@strawberry.input(description="What to change about a provider; what is left out stays.")
class ProviderUpdateInput(CommitInput):
    """A wish for a provider's file."""

    provider_id: str = strawberry.field(description="The provider.")
    base_url: strawberry.Maybe[str | None] = strawberry.field(
        description="Its address; null for its kind's default. Another origin needs the key again."
    )
    credential: strawberry.Maybe[CredentialInput | None] = strawberry.field(description="Where its key is; null for no key.")
    enabled: bool | None = strawberry.field(default=None, description="Whether its models take part in routing.")
    preset: strawberry.Maybe[str | None] = strawberry.field(description="Which prices are looked up for it; null for none.")
    project: strawberry.Maybe[str | None] = strawberry.field(
        description="The project whose own account it is, by slug; null for everybody's."
    )
    headers: list[HeaderInput] | None = strawberry.field(default=None, description="Its headers, in place of those it has.")
    max_connections: int | None = strawberry.field(default=None, description="Connections that a proxy holds to it at most.")
    simulation: strawberry.Maybe[Json | None] = strawberry.field(description="How a simulated one behaves; null for nothing.")

    def fields(self) -> dict[str, Value]:
        """Only what was given; None unsets."""
        wished: dict[str, Value] = {}
        if self.base_url is not None:
            wished["base_url"] = self.base_url.value
        if self.enabled is not None:
            wished["enabled"] = self.enabled
        if self.preset is not None:
            wished["preset"] = self.preset.value
        if self.project is not None:
            wished["project"] = self.project.value
        if self.headers is not None:
            wished["headers"] = plain_headers(self.headers)
        if self.max_connections is not None:
            wished["max_connections"] = self.max_connections
        if self.simulation is not None:
            wished["simulation"] = plain_json(self.simulation.value)
        return wished


@strawberry.input(description="Another key for a provider, bound to its present address.")
class ProviderKeySetInput(CommitInput):
    """A wish for a key."""

    provider_id: str = strawberry.field(description="The provider.")
    credential: CredentialInput = strawberry.field(description="The key, or where it is.")


@strawberry.input(description="A provider to delete; it must have no models.")
class ProviderDeleteInput(CommitInput):
    """A wish for an end."""

    provider_id: str = strawberry.field(description="The provider.")


@strawberry.type(description="The provider was created, or would be.")
class ProviderCreated(ConfigurationChange):
    """A new provider."""

    provider: Provider = strawberry.field(description="The provider.")


@strawberry.type(description="The provider was changed, or would be.")
class ProviderUpdated(ConfigurationChange):
    """A provider with other settings."""

    provider: Provider = strawberry.field(description="The provider as it is now, or would be.")


@strawberry.type(description="The provider has another key, or would have.")
class ProviderKeySet(ConfigurationChange):
    """A provider with another key."""

    provider: Provider = strawberry.field(description="The provider; the key is in no answer.")


@strawberry.type(description="The provider was deleted, or would be; what was recorded of it stays.")
class ProviderDeleted(ConfigurationChange):
    """A provider that is no more."""

    provider_id: str = strawberry.field(description="The id that it had.")


ProviderCreatePayload: TypeAlias = Annotated[
    ProviderCreated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProviderCreatePayload", description="What came of a new provider."),
]
ProviderUpdatePayload: TypeAlias = Annotated[
    ProviderUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProviderUpdatePayload", description="What came of a change to a provider."),
]
ProviderKeySetPayload: TypeAlias = Annotated[
    ProviderKeySet | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProviderKeySetPayload", description="What came of another key for a provider."),
]
ProviderDeletePayload: TypeAlias = Annotated[
    ProviderDeleted | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProviderDeletePayload", description="What came of the deletion of a provider."),
]


async def provider_create(context: Context, wish: ProviderCreateInput) -> ProviderCreated | Failure:
    """Make a provider's file."""
    credential = _credential(context, wish.credential) if wish.credential is not None else None
    plan = Plan(
        edit=lambda _config, _files: providers.created(wish.provider_id, wish.fields(), credential), creates="providerId"
    )
    landed = await commit(context, wish, plan)
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.provider_id)
    return found if isinstance(found, NotFound) else ProviderCreated(change=landed.change, provider=found)


async def provider_update(context: Context, wish: ProviderUpdateInput) -> ProviderUpdated | Failure:
    """Change a provider's file."""
    given = wish.credential
    credential = None if given is None else _credential(context, given.value) if given.value else CredentialWish(None)
    landed = await commit(
        context,
        wish,
        _plan(wish.provider_id, lambda files: providers.updated(files, wish.provider_id, wish.fields(), credential)),
    )
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.provider_id)
    return found if isinstance(found, NotFound) else ProviderUpdated(change=landed.change, provider=found)


async def provider_key_set(context: Context, wish: ProviderKeySetInput) -> ProviderKeySet | Failure:
    """Change what stands under `credential`."""
    credential = _credential(context, wish.credential)
    landed = await commit(
        context, wish, _plan(wish.provider_id, lambda files: providers.with_key(files, wish.provider_id, credential))
    )
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.provider_id)
    return found if isinstance(found, NotFound) else ProviderKeySet(change=landed.change, provider=found)


async def provider_delete(context: Context, wish: ProviderDeleteInput) -> ProviderDeleted | Failure:
    """Delete a provider's file."""
    plan = Plan(
        reads=(provider_path(wish.provider_id),),
        missing=_missing(wish.provider_id),
        edit=lambda config, _files: providers.deleted(config, wish.provider_id, signed_in(context.viewer).visible_projects()),
    )
    landed = await commit(context, wish, plan)
    return landed if isinstance(landed, Failure) else ProviderDeleted(change=landed.change, provider_id=wish.provider_id)


def _plan(provider_id: str, edit: Any) -> Plan:
    return Plan(reads=(provider_path(provider_id),), missing=_missing(provider_id), edit=lambda _config, files: edit(files))


def _missing(provider_id: str) -> str:
    return f"there is no provider {provider_id!r}"


def _found(landed: Landed, provider_id: str) -> Provider | NotFound:
    return Provider.at(landed.catalogue, provider_id) or NotFound(message=f"{_missing(provider_id)}: it was deleted meanwhile")


def _credential(context: Context, given: CredentialInput) -> CredentialWish:
    """How the credential is written once provider and origin are known."""

    def sealed(provider_id: str, origin: str) -> Mapping[str, Value]:
        sources = {"key": given.key, "env": given.env, "file": given.file}
        (name, value), *more = [item for item in sources.items() if item[1] is not None] or [("", None)]
        if value is None or more:
            raise EditRejected("credential", "give exactly one of `key`, `env` and `file`")
        if not isinstance(value, Secret):
            return reference(name, value, origin)
        try:
            return context.services.sealing.credential(provider_id, origin, value)
        except KeyUnusable as error:
            raise EditRejected("credential.key", str(error)) from None

    return CredentialWish(sealed)


def plain_headers(headers: list[HeaderInput] | None) -> Value:
    """Headers in a file; None for none. Raises EditRejected for one that is given twice."""
    return distinct("headers", [(header.name, header.value) for header in headers]) or None if headers is not None else None


def plain_json(value: Any) -> Value:
    """JSON as a file has it: its numbers are exact there."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(repr(value))
    if isinstance(value, dict):
        return {str(key): plain_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain_json(inner) for inner in value]
    plain: Value = value
    return plain


@strawberry.type(description="Changes of providers.")
class ProviderMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Create a provider, as one commit; its key is sealed.")
    async def provider_create(
        self, info: Info, input: Annotated[ProviderCreateInput, strawberry.argument(description="The new provider.")]
    ) -> ProviderCreatePayload:
        """From a preset, or spelt out."""
        return await provider_create(info.context, input)

    @strawberry.mutation(description="Change a provider, as one commit; an address of another origin needs the key again.")
    async def provider_update(
        self, info: Info, input: Annotated[ProviderUpdateInput, strawberry.argument(description="What to change.")]
    ) -> ProviderUpdatePayload:
        """Its own file alone."""
        return await provider_update(info.context, input)

    @strawberry.mutation(description="Give a provider another key, as one commit; only the proxy can read it.")
    async def provider_key_set(
        self, info: Info, input: Annotated[ProviderKeySetInput, strawberry.argument(description="Whose key, and which.")]
    ) -> ProviderKeySetPayload:
        """Sealed to the provider and the origin of its address."""
        return await provider_key_set(info.context, input)

    @strawberry.mutation(
        description="Delete a provider that has no models and that no project's pass-through names, as one commit."
    )
    async def provider_delete(
        self, info: Info, input: Annotated[ProviderDeleteInput, strawberry.argument(description="Which one.")]
    ) -> ProviderDeletePayload:
        """Whoever uses it is named."""
        return await provider_delete(info.context, input)
