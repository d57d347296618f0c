"""Models, providers, tokens, roles, settings and what a form for them starts from: the configuration, as it is published or as
it was at a revision, and the price table."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry

from api.access import signed_in
from api.clock import now_ms
from api.graphql.arguments import catalogue_at
from api.graphql.context import Info
from api.graphql.errors import BadInput
from api.graphql.ids import BadNodeId, read_node_id
from api.graphql.limits import MAX_PAGE
from api.graphql.types.model import Model, ModelConnection, ModelEdge, ModelPreset
from api.graphql.types.nodes import PageInfo, page_size
from api.graphql.types.policy import POLICIES, PolicyDescription
from api.graphql.types.provider import Provider, ProviderConnection, ProviderEdge, ProviderPreset
from api.graphql.types.role import Role, all_roles
from api.graphql.types.settings import Settings
from api.graphql.types.token import Token
from api.presets import PROVIDERS, model_presets
from core import config
from core.paths import model_path, provider_path

First = Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")]
After = Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")]
At = Annotated[str | None, strawberry.argument(description="The commit to read it at; the published one when left out.")]
Search = Annotated[str | None, strawberry.argument(description="A part of the id or of its other names, ignoring case.")]


@strawberry.type(description="Reading models, providers, roles and settings.")
class ModelQueries:
    """A part of the root of queries."""

    @strawberry.field(description="Models, by id; those at providers of projects that the viewer may not see are left out.")
    def models(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        search: Search = None,
        provider: Annotated[str | None, strawberry.argument(description="Only those at the provider with this id.")] = None,
    ) -> ModelConnection:
        """From the published configuration."""
        catalogue, wanted = info.context.services.catalogue(), (search or "").strip().casefold()
        hides = info.context.sight.hides
        found = [
            model_id
            for model_id, model in catalogue.models.items()
            if not hides(model_path(model_id))
            and (provider is None or model.provider == provider)
            and wanted in f"{model_id} {model.upstream_name}".casefold()
        ]
        ids, page = _page(found, page_size(first), after)
        nodes = [model for model_id in ids if (model := Model.at(catalogue, model_id)) is not None]
        edges = [ModelEdge(cursor=model.model_id, node=model) for model in nodes]
        return ModelConnection(edges=edges, nodes=nodes, page_info=page, total_count=len(found))

    @strawberry.field(description="The model with this id; null when there is none.")
    async def model(
        self, info: Info, id: Annotated[str, strawberry.argument(description="Its own id, or its node id.")], at: At = None
    ) -> Model | None:
        """Its present use is of today, whatever the revision."""
        return Model.at(await catalogue_at(info.context, at), _own_id("Model", id))

    @strawberry.field(description="Providers, by id; those of projects that the viewer may not see are left out.")
    def providers(self, info: Info, first: First = None, after: After = None, search: Search = None) -> ProviderConnection:
        """From the published configuration."""
        catalogue, wanted = info.context.services.catalogue(), (search or "").strip().casefold()
        viewer = signed_in(info.context.viewer)
        found = [
            provider_id
            for provider_id, provider in catalogue.providers.items()
            if viewer.may("model:read", provider.project)
            and wanted in f"{provider_id} {provider.kind} {provider.preset or ''} {provider.address}".casefold()
        ]
        ids, page = _page(found, page_size(first), after)
        nodes = [provider for provider_id in ids if (provider := Provider.at(catalogue, provider_id)) is not None]
        edges = [ProviderEdge(cursor=provider.provider_id, node=provider) for provider in nodes]
        return ProviderConnection(edges=edges, nodes=nodes, page_info=page, total_count=len(found))

    @strawberry.field(description="The provider with this id; null when there is none.")
    async def provider(
        self, info: Info, id: Annotated[str, strawberry.argument(description="Its own id, or its node id.")], at: At = None
    ) -> Provider | None:
        """With its models of the same revision."""
        return Provider.at(await catalogue_at(info.context, at), _own_id("Provider", id))

    @strawberry.field(description="A token of a project; null when the project has none with this id.")
    async def token(
        self,
        info: Info,
        project: Annotated[str, strawberry.argument(description="The project's slug.")],
        id: Annotated[str, strawberry.argument(description="The token's id in its project, or its node id.")],
        at: At = None,
    ) -> Token | None:
        """Its value is nowhere, at no revision."""
        catalogue = await catalogue_at(info.context, at)
        return Token.at(catalogue.config, project, _own_id("Token", id).rpartition("/")[2])

    @strawberry.field(description="Providers that are known by name, to start a new one from.")
    def provider_presets(self) -> list[ProviderPreset]:
        """Always the same."""
        return [ProviderPreset.of(preset) for preset in PROVIDERS.values()]

    @strawberry.field(description="Models that the price table knows of a provider, to start a new one from.")
    async def model_presets(
        self,
        info: Info,
        provider: Annotated[str | None, strawberry.argument(description="A provider of the configuration, by its id.")] = None,
        preset: Annotated[str | None, strawberry.argument(description="Or one known by name, by its `presetId`.")] = None,
        search: Annotated[str | None, strawberry.argument(description="A part of a name, ignoring case.")] = None,
        first: First = None,
    ) -> list[ModelPreset]:
        """The first use reads the table, some megabytes."""
        known = _provider(info, provider, preset)
        found = await asyncio.to_thread(model_presets, known, search or "", now_ms()) if known is not None else []
        return [ModelPreset.of(each) for each in found[: page_size(first) if first is not None else MAX_PAGE]]

    @strawberry.field(description="The routing policies that there are, with their parameters.")
    def policies(self) -> list[PolicyDescription]:
        """Always the same."""
        return POLICIES

    @strawberry.field(description="Roles: the built-in ones, then the custom ones by name.")
    async def roles(self, info: Info, at: At = None) -> list[Role]:
        """What they grant to whoever asks is decided by the published ones."""
        return all_roles(await catalogue_at(info.context, at))

    @strawberry.field(description="What holds for the whole installation.")
    async def settings(self, info: Info, at: At = None) -> Settings:
        """`waybill.yaml`."""
        return Settings.of(await catalogue_at(info.context, at))


def _page(ids: list[str], first: int, after: str | None) -> tuple[list[str], PageInfo]:
    """The ids that follow `after`: a cursor is an id, so it stays right when others come and go."""
    rest = [found for found in ids if after is None or found > after]
    shown = rest[:first]
    page = PageInfo(
        has_next_page=len(rest) > first,
        has_previous_page=after is not None,
        start_cursor=shown[0] if shown else None,
        end_cursor=shown[-1] if shown else None,
    )
    return shown, page


def _own_id(type_name: str, text: str) -> str:
    """The id in a node id of that type; any other text is an id itself."""
    try:
        found, key = read_node_id(text)
    except BadNodeId:
        return text
    return key if found == type_name else text


def _provider(info: Info, provider: str | None, preset: str | None) -> config.Provider | None:
    """What to look for in the table. Raises BadInput."""
    if (provider is None) == (preset is None):
        raise BadInput("give exactly one of `provider` and `preset`")
    if provider is not None:
        found = info.context.services.catalogue().config.files.get(provider_path(provider))
        visible = isinstance(found, config.Provider) and signed_in(info.context.viewer).may("model:read", found.project)
        return found if isinstance(found, config.Provider) and visible else None
    known = PROVIDERS.get(preset or "")
    if known is None:
        raise BadInput(f"there is no preset {preset!r}; there are {', '.join(PROVIDERS)}")
    if known.kind == "simulated":
        return None
    address = known.base_url or "https://resource.openai.azure.com"
    return config.Provider(kind=known.kind, base_url=address, preset=known.written)
