"""Models: one at one provider, under the name that clients and policies know it by."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import strawberry

from api.access import signed_in
from api.catalogue import Catalogue
from api.graphql.context import Info
from api.graphql.ids import node_id
from api.graphql.scalars import Json, NanoUsd
from api.graphql.types.limit_use import LimitUse, seen
from api.graphql.types.limits import Limits, exact
from api.graphql.types.nodes import Node, PageInfo
from api.graphql.types.provider_words import Unpriced
from api.presets import ModelPreset as Preset
from core import config
from core.fields import PRICED
from core.limits import Scope
from core.paths import id_of, model_path, provider_path, slug_of
from core.routing import candidates

if TYPE_CHECKING:
    from api.graphql.types.provider import Provider


@strawberry.type(description="Prices that replace the base ones when a request's input is strictly above the threshold.")
class PriceTier:
    """`core.fields.PriceTier`: USD per million tokens."""

    above_input_tokens: int = strawberry.field(description="The threshold in input tokens.")
    input: NanoUsd | None = strawberry.field(description="Input; null where it is the base's.")
    output: NanoUsd | None = strawberry.field(description="Output; null where it is the base's.")
    cached_input: NanoUsd | None = strawberry.field(description="Input read from a cache.")
    cache_write_5m: NanoUsd | None = strawberry.field(
        name="cacheWrite5m", description="Input written to a cache for 5 minutes."
    )
    cache_write_1h: NanoUsd | None = strawberry.field(name="cacheWrite1h", description="Input written to a cache for an hour.")
    reasoning: NanoUsd | None = strawberry.field(description="Reasoning output.")
    audio_input: NanoUsd | None = strawberry.field(description="Audio input.")
    audio_output: NanoUsd | None = strawberry.field(description="Audio output.")


@strawberry.type(
    description="USD per million tokens; an absent cache or audio price is the input's, an absent reasoning price the output's."
)
class Prices:
    """`core.fields.Prices`."""

    input: NanoUsd = strawberry.field(description="Input.")
    output: NanoUsd = strawberry.field(description="Output.")
    cached_input: NanoUsd | None = strawberry.field(description="Input read from a cache.")
    cache_write_5m: NanoUsd | None = strawberry.field(
        name="cacheWrite5m", description="Input written to a cache for 5 minutes."
    )
    cache_write_1h: NanoUsd | None = strawberry.field(name="cacheWrite1h", description="Input written to a cache for an hour.")
    reasoning: NanoUsd | None = strawberry.field(description="Reasoning output.")
    audio_input: NanoUsd | None = strawberry.field(description="Audio input.")
    audio_output: NanoUsd | None = strawberry.field(description="Audio output.")
    tiers: list[PriceTier] = strawberry.field(description="Other prices for long inputs, ascending.")

    @classmethod
    def of(cls, prices: config.Prices) -> Prices:
        """Prices of a file or of the price table."""
        tiers = [PriceTier(above_input_tokens=tier.above_input_tokens, **_amounts(tier)) for tier in prices.tiers]
        return cls(**_amounts(prices), tiers=tiers)


def _amounts(prices: config.Prices | config.PriceTier) -> dict[str, NanoUsd]:
    found = {name: getattr(prices, name) for name in PRICED}
    return {name: exact(price) if price is not None else None for name, price in found.items()}  # type: ignore[misc]  # absent ones are None


@strawberry.type(description="What a model can do; null is undeclared, and counts as able.")
class Capabilities:
    """`core.routing.candidates.Capabilities`."""

    chat: bool | None = strawberry.field(description="Answers messages; one that declares `false` is sent none.")
    embeddings: bool | None = strawberry.field(
        description="Turns texts into vectors; one that declares `false` is not asked to."
    )
    vision: bool | None = strawberry.field(description="Sees images.")
    function_calling: bool | None = strawberry.field(description="Calls tools.")
    json: bool | None = strawberry.field(description="Answers in JSON when asked to.")
    thinking: bool | None = strawberry.field(description="Thinks before it answers.")
    audio: bool | None = strawberry.field(description="Hears audio.")

    @classmethod
    def of(cls, found: candidates.Capabilities) -> Capabilities:
        """As the file declares them."""
        return cls(**{name: getattr(found, name) for name in found.__struct_fields__})


@strawberry.type(description="A model at a provider, under the name that clients and policies know it by.")
class Model(Node):
    """`models/<id>.yaml`."""

    model_id: str = strawberry.field(description="Its id, fixed at creation; what clients may name and routing refers to.")
    provider_id: str = strawberry.field(description="The provider that it is reached at.")
    upstream_name: str = strawberry.field(description="What the provider calls it.")
    prices: Prices | None = strawberry.field(
        description="Its prices, from its file, else from the price table; null where neither knows any."
    )
    unpriced: Unpriced = strawberry.field(description="What happens without a price where a cost limit applies.")
    context_window: int | None = strawberry.field(description="Tokens that input and output may have together.")
    max_output_tokens: int | None = strawberry.field(description="Tokens that an answer may have.")
    capabilities: Capabilities = strawberry.field(description="What it can do.")
    limits: Limits = strawberry.field(description="Its own limits, over all projects.")
    enabled: bool = strawberry.field(description="Whether it takes part in routing; so must its provider be enabled.")
    simulation: Json | None = strawberry.field(description="How a simulated model behaves; null for any other.")
    revision: str | None = strawberry.field(
        description="The commit that this answer was read at: give it as `expectedRevision` to change what was read."
    )
    catalogue: strawberry.Private[Catalogue]
    project_slug: strawberry.Private[str | None]  # whose own provider it is at: who does not see that project, not this either

    @strawberry.field(description="The provider; null where it is of a project that the viewer may not see.")
    def provider(self) -> Annotated[Provider, strawberry.lazy("api.graphql.types.provider")] | None:
        """Of the same revision."""
        from api.graphql.types.provider import Provider as Found  # it knows this module

        return Found.at(self.catalogue, self.provider_id)

    @strawberry.field(
        description="Its own limits with their present use; null for whoever may not read the reports of all projects."
    )
    async def limit_use(self, info: Info) -> list[LimitUse] | None:
        """Through a loader."""
        uses = await info.context.loaders.limit_uses.load(Scope("", "", self.model_id))
        return seen(signed_in(info.context.viewer), uses)

    @strawberry.field(
        description="Slugs of the projects that use it, of those that the viewer may see: it cannot be deleted then."
    )
    def used_by(self, info: Info) -> list[str]:
        """By the index of the revision."""
        visible = signed_in(info.context.viewer).visible_projects()
        users = {slug for path in self.catalogue.users(model_path(self.model_id)) if (slug := slug_of(path)) is not None}
        return sorted(users if visible is None else users & visible)

    @classmethod
    def of(cls, model_id: str, model: config.Model, catalogue: Catalogue) -> Model:
        """A model of one revision."""
        provider = catalogue.config.files.get(provider_path(model.provider))
        return cls(
            id=node_id("Model", model_id),
            model_id=model_id,
            provider_id=model.provider,
            upstream_name=model.upstream_name,
            prices=Prices.of(model.prices) if model.prices is not None else None,
            unpriced=Unpriced(model.unpriced),
            context_window=model.context_window,
            max_output_tokens=model.max_output_tokens,
            capabilities=Capabilities.of(model.capabilities),
            limits=Limits.of(model.limits),
            enabled=model.enabled,
            simulation=simulation(model.simulation),
            revision=catalogue.revision,
            catalogue=catalogue,
            project_slug=provider.project if isinstance(provider, config.Provider) else None,
        )

    @classmethod
    def at(cls, catalogue: Catalogue, model_id: str) -> Model | None:
        """The model with this id, if there is one."""
        model = catalogue.config.files.get(model_path(model_id))
        return cls.of(model_id, model, catalogue) if isinstance(model, config.Model) else None


def simulation(found: config.Simulation | None) -> Json | None:
    """How something simulated behaves, as JSON."""
    return Json(msgspec.to_builtins(found)) if found is not None else None


def models_of(catalogue: Catalogue, provider_id: str) -> list[str]:
    """Ids of the models at a provider, in order."""
    return sorted(id_of(path) for path in catalogue.users(provider_path(provider_id)) if path.startswith("models/"))


@strawberry.type(description="A model in its list.")
class ModelEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The model's position.")
    node: Model = strawberry.field(description="The model.")


@strawberry.type(description="A page of models, by id.")
class ModelConnection:
    """Relay's connection."""

    edges: list[ModelEdge] = strawberry.field(description="The models with their cursors.")
    nodes: list[Model] = strawberry.field(description="The models alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = strawberry.field(description="How many models match.")


@strawberry.type(description="A model that the price table knows: what a new model can start from.")
class ModelPreset:
    """`api.presets.ModelPreset`."""

    upstream_name: str = strawberry.field(description="What the provider calls it.")
    name: str | None = strawberry.field(description="What people call it.")
    context_window: int | None = strawberry.field(description="Its context window in tokens, where it is known.")
    prices: Prices | None = strawberry.field(description="Its prices now; null where they are not by the token.")
    deprecated: bool = strawberry.field(description="Whether its provider has given it up.")

    @classmethod
    def of(cls, preset: Preset) -> ModelPreset:
        """An entry of the price table."""
        return cls(
            upstream_name=preset.upstream_name,
            name=preset.name,
            context_window=preset.context_window,
            prices=Prices.of(preset.prices) if preset.prices is not None else None,
            deprecated=preset.deprecated,
        )
