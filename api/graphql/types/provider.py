"""Providers: upstream accounts, and how they are reached. A key is never in an answer, only where it is."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import strawberry

from api.catalogue import Catalogue
from api.graphql.ids import node_id
from api.graphql.scalars import Json
from api.graphql.types.model import Model, models_of, simulation
from api.graphql.types.nodes import Node, PageInfo
from api.graphql.types.provider_words import CredentialSource, ProviderKindWord
from api.presets import ProviderPreset as Preset
from core import config
from core.origins import origin_of
from core.paths import provider_path


@strawberry.type(description="Where a key is and where it may go; never the key.")
class CredentialReference:
    """`core.fields.Credential` without what is secret."""

    source: CredentialSource = strawberry.field(description="Where it is.")
    name: str | None = strawberry.field(description="The variable or the file; null for a sealed one.")
    origin: str | None = strawberry.field(description="Where it may go; null for a box that was sealed without saying so.")

    @classmethod
    def of(cls, found: config.Credential) -> CredentialReference:
        """The one source that there is."""
        source = CredentialSource.ENV if found.env else CredentialSource.FILE if found.file else CredentialSource.SEALED
        return cls(source=source, name=found.env or found.file, origin=found.origin)


@strawberry.type(description="A header that goes with each request.")
class Header:
    """An entry of `headers`; none that may carry a key is allowed there."""

    name: str = strawberry.field(description="The header's name.")
    value: str = strawberry.field(description="The header's value.")


@strawberry.type(description="A provider: an upstream account and how it is reached.")
class Provider(Node):
    """`providers/<id>.yaml`."""

    provider_id: str = strawberry.field(description="Its id, fixed at creation.")
    kind: ProviderKindWord = strawberry.field(description="The wire that it speaks.")
    preset: str | None = strawberry.field(description="The preset that it was made from; decides which prices are looked up.")
    base_url: str | None = strawberry.field(description="Its address, as the file gives it; null for its kind's default.")
    address: str | None = strawberry.field(description="Its address in use; null for a simulated one.")
    origin: str | None = strawberry.field(description="Scheme, host and port of the address: what a key is bound to.")
    credential: CredentialReference | None = strawberry.field(description="Where its key is; null where none is set.")
    enabled: bool = strawberry.field(description="Whether its models take part in routing.")
    project_slug: str | None = strawberry.field(description="The project whose own account it is; null for everybody's.")
    headers: list[Header] = strawberry.field(description="Headers that go with each request.")
    max_connections: int = strawberry.field(description="Connections that a proxy holds to it at most.")
    simulation: Json | None = strawberry.field(description="How a simulated one behaves; null for any other.")
    revision: str | None = strawberry.field(
        description="The commit that this answer was read at: give it as `expectedRevision` to change what was read."
    )
    catalogue: strawberry.Private[Catalogue]

    @strawberry.field(description="Its models, by id: it cannot be deleted as long as there are any.")
    def models(self) -> list[Model]:
        """Of the same revision."""
        found = (Model.at(self.catalogue, model_id) for model_id in models_of(self.catalogue, self.provider_id))
        return [model for model in found if model is not None]

    @strawberry.field(description="How many models it has.")
    def model_count(self) -> int:
        """By the index of the revision."""
        return len(models_of(self.catalogue, self.provider_id))

    @classmethod
    def of(cls, provider_id: str, provider: config.Provider, catalogue: Catalogue) -> Provider:
        """A provider of one revision."""
        address = provider.address or None
        return cls(
            id=node_id("Provider", provider_id),
            provider_id=provider_id,
            kind=ProviderKindWord(provider.kind),
            preset=provider.preset,
            base_url=provider.base_url,
            address=address,
            origin=origin_of(address) if address is not None else None,
            credential=CredentialReference.of(provider.credential) if provider.credential is not None else None,
            enabled=provider.enabled,
            project_slug=provider.project,
            headers=[Header(name=name, value=value) for name, value in provider.headers.items()],
            max_connections=provider.max_connections,
            simulation=simulation(provider.simulation),
            revision=catalogue.revision,
            catalogue=catalogue,
        )

    @classmethod
    def at(cls, catalogue: Catalogue, provider_id: str) -> Provider | None:
        """The provider with this id, if there is one."""
        provider = catalogue.config.files.get(provider_path(provider_id))
        return cls.of(provider_id, provider, catalogue) if isinstance(provider, config.Provider) else None


@strawberry.type(description="A provider in its list.")
class ProviderEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The provider's position.")
    node: Provider = strawberry.field(description="The provider.")


@strawberry.type(description="A page of providers, by id.")
class ProviderConnection:
    """Relay's connection."""

    edges: list[ProviderEdge] = strawberry.field(description="The providers with their cursors.")
    nodes: list[Provider] = strawberry.field(description="The providers alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = strawberry.field(description="How many providers match.")


@strawberry.type(description="A provider known by name: what a new one can start from.")
class ProviderPreset:
    """`api.presets.ProviderPreset`."""

    preset_id: str = strawberry.field(description="Give it as `preset` to create a provider from it.")
    name: str = strawberry.field(description="What people call it.")
    kind: ProviderKindWord = strawberry.field(description="The wire that it speaks.")
    base_url: str | None = strawberry.field(description="Its address; null where everybody has one of their own.")
    needs_key: bool = strawberry.field(description="Whether it answers only with a key.")

    @classmethod
    def of(cls, preset: Preset) -> ProviderPreset:
        """One of the table."""
        return cls(
            preset_id=preset.id,
            name=preset.name,
            kind=ProviderKindWord(preset.kind),
            base_url=preset.base_url,
            needs_key=preset.needs_key,
        )
