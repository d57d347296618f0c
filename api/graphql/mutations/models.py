"""`modelCreate`, `modelUpdate`, `modelClone`, `modelDelete`."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api.access import signed_in
from api.clock import now_ms
from api.edits import models
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Files, Landed, Plan, commit
from api.graphql.mutations.limits_input import LimitsInput, amount, limits_plain
from api.graphql.mutations.providers import plain_json
from api.graphql.scalars import Json, NanoUsd
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.model import Model
from api.graphql.types.provider_words import Unpriced
from core.config import Config
from core.fields import PRICED
from core.paths import model_path
from core.yaml_strict import Value

MaybePrice: TypeAlias = NanoUsd | None


@strawberry.input(description="Prices for requests whose input is strictly above the threshold.")
class PriceTierInput:
    """`core.fields.PriceTier`: USD per million tokens."""

    above_input_tokens: int = strawberry.field(description="The threshold in input tokens.")
    input: MaybePrice = strawberry.field(default=None, description="Input.")
    output: MaybePrice = strawberry.field(default=None, description="Output.")
    cached_input: MaybePrice = strawberry.field(default=None, description="Input read from a cache.")
    cache_write_5m: MaybePrice = strawberry.field(
        name="cacheWrite5m", default=None, description="Input written to a cache for 5 minutes."
    )
    cache_write_1h: MaybePrice = strawberry.field(
        name="cacheWrite1h", default=None, description="Input written to a cache for an hour."
    )
    reasoning: MaybePrice = strawberry.field(default=None, description="Reasoning output.")
    audio_input: MaybePrice = strawberry.field(default=None, description="Audio input.")
    audio_output: MaybePrice = strawberry.field(default=None, description="Audio output.")

    def plain(self) -> dict[str, Value]:
        """The tier in a file."""
        return {"above_input_tokens": self.above_input_tokens, **_prices(self)}


@strawberry.input(description="Prices in USD per million tokens, all of them.")
class PricesInput:
    """`core.fields.Prices`."""

    input: NanoUsd = strawberry.field(description="Input.")
    output: NanoUsd = strawberry.field(description="Output.")
    cached_input: MaybePrice = strawberry.field(default=None, description="Input read from a cache; the input's when left out.")
    cache_write_5m: MaybePrice = strawberry.field(
        name="cacheWrite5m", default=None, description="Input written to a cache for 5 minutes; the input's when left out."
    )
    cache_write_1h: MaybePrice = strawberry.field(
        name="cacheWrite1h", default=None, description="Input written to a cache for an hour; the input's when left out."
    )
    reasoning: MaybePrice = strawberry.field(default=None, description="Reasoning output; the output's when left out.")
    audio_input: MaybePrice = strawberry.field(default=None, description="Audio input; the input's when left out.")
    audio_output: MaybePrice = strawberry.field(default=None, description="Audio output; the output's when left out.")
    tiers: list[PriceTierInput] = strawberry.field(default_factory=list, description="Other prices for long inputs, ascending.")

    def plain(self) -> dict[str, Value]:
        """The prices in a file."""
        tiers: list[Value] = [tier.plain() for tier in self.tiers]
        return {**_prices(self), **({"tiers": tiers} if tiers else {})}


def _prices(given: PricesInput | PriceTierInput) -> dict[str, Value]:
    return {name: amount(price) for name in PRICED if (price := getattr(given, name)) is not None}


@strawberry.input(description="What a model can do; null undeclares, what is left out stays.")
class CapabilitiesInput:
    """`core.routing.candidates.Capabilities`."""

    chat: strawberry.Maybe[bool | None] = strawberry.field(description="Answers messages.")
    embeddings: strawberry.Maybe[bool | None] = strawberry.field(description="Turns texts into vectors.")
    vision: strawberry.Maybe[bool | None] = strawberry.field(description="Sees images.")
    function_calling: strawberry.Maybe[bool | None] = strawberry.field(description="Calls tools.")
    json: strawberry.Maybe[bool | None] = strawberry.field(description="Answers in JSON when asked to.")
    thinking: strawberry.Maybe[bool | None] = strawberry.field(description="Thinks before it answers.")
    audio: strawberry.Maybe[bool | None] = strawberry.field(description="Hears audio.")

    def plain(self) -> dict[str, Value]:
        """Only what was given."""
        names = ("chat", "embeddings", "vision", "function_calling", "json", "thinking", "audio")
        return {name: wish.value for name in names if (wish := getattr(self, name)) is not None}


@strawberry.input(description="Settings of a model; null unsets one, what is left out stays.")
class ModelFieldsInput:
    """Fields of `models/<id>.yaml` beside its provider and its name there."""

    prices: strawberry.Maybe[PricesInput | None] = strawberry.field(
        description="Its prices; null leaves them to the price table."
    )
    unpriced: Unpriced | None = strawberry.field(
        default=None, description="What happens without a price where a cost limit applies."
    )
    context_window: strawberry.Maybe[int | None] = strawberry.field(description="Tokens of input and output together.")
    max_output_tokens: strawberry.Maybe[int | None] = strawberry.field(description="Tokens that an answer may have.")
    capabilities: CapabilitiesInput | None = strawberry.field(default=None, description="What it can do.")
    limits: strawberry.Maybe[LimitsInput | None] = strawberry.field(
        description="Its own limits, over all projects, in place of those it has; null takes them away. Needs `limit:write`."
    )
    enabled: bool | None = strawberry.field(default=None, description="Whether it takes part in routing.")
    simulation: strawberry.Maybe[Json | None] = strawberry.field(description="How a simulated model behaves, as in its file.")

    def plain(self) -> dict[str, Value]:
        """Only what was given; None unsets."""
        wished: dict[str, Value] = limits_plain(self.limits)
        if self.prices is not None:
            wished["prices"] = self.prices.value.plain() if self.prices.value is not None else None
        if self.unpriced is not None:
            wished["unpriced"] = str(self.unpriced.value)
        if self.context_window is not None:
            wished["context_window"] = self.context_window.value
        if self.max_output_tokens is not None:
            wished["max_output_tokens"] = self.max_output_tokens.value
        if self.capabilities is not None:
            wished["capabilities"] = self.capabilities.plain()
        if self.enabled is not None:
            wished["enabled"] = self.enabled
        if self.simulation is not None:
            wished["simulation"] = plain_json(self.simulation.value)
        return wished


@strawberry.input(description="A new model.")
class ModelCreateInput(CommitInput):
    """A wish for a model."""

    model_id: str = strawberry.field(
        description="Its id, fixed for ever: lower-case letters, digits and . _ / -; a slash makes a folder."
    )
    provider: str = strawberry.field(description="The provider that it is reached at, by id.")
    upstream_name: str = strawberry.field(description="What the provider calls it.")
    from_price_table: bool = strawberry.field(
        default=False, description="Write context window and prices that the price table knows now; what `fields` says wins."
    )
    fields: ModelFieldsInput | None = strawberry.field(default=None, description="Its further settings.")


@strawberry.input(description="What to change about a model; what is left out stays.")
class ModelUpdateInput(CommitInput):
    """A wish for a model's file."""

    model_id: str = strawberry.field(description="The model.")
    provider: str | None = strawberry.field(default=None, description="The provider that it is reached at, by id.")
    upstream_name: str | None = strawberry.field(default=None, description="What the provider calls it.")
    fields: ModelFieldsInput | None = strawberry.field(default=None, description="Its further settings.")


@strawberry.input(description="A model to make from another: its file, comments and all, with some of it changed.")
class ModelCloneInput(CommitInput):
    """A wish for a copy."""

    source: str = strawberry.field(description="The model to copy, by id.")
    model_id: str = strawberry.field(description="The id of the new one.")
    provider: str | None = strawberry.field(default=None, description="Another provider, by id.")
    upstream_name: str | None = strawberry.field(default=None, description="Another name at the provider.")
    fields: ModelFieldsInput | None = strawberry.field(default=None, description="Settings that differ.")


@strawberry.input(description="A model to delete; no project may use it.")
class ModelDeleteInput(CommitInput):
    """A wish for an end."""

    model_id: str = strawberry.field(description="The model.")


@strawberry.type(description="The model was created, or would be.")
class ModelCreated(ConfigurationChange):
    """A new model."""

    model: Model = strawberry.field(description="The model.")


@strawberry.type(description="The model was changed, or would be.")
class ModelUpdated(ConfigurationChange):
    """A model with other settings."""

    model: Model = strawberry.field(description="The model as it is now, or would be.")


@strawberry.type(description="The model was deleted, or would be; what was recorded of it stays.")
class ModelDeleted(ConfigurationChange):
    """A model that is no more."""

    model_id: str = strawberry.field(description="The id that it had.")


ModelCreatePayload: TypeAlias = Annotated[
    ModelCreated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ModelCreatePayload", description="What came of a new model, or of a copy."),
]
ModelUpdatePayload: TypeAlias = Annotated[
    ModelUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ModelUpdatePayload", description="What came of a change to a model."),
]
ModelDeletePayload: TypeAlias = Annotated[
    ModelDeleted | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ModelDeletePayload", description="What came of the deletion of a model."),
]


async def model_create(context: Context, wish: ModelCreateInput) -> ModelCreated | Failure:
    """Make a model's file."""
    at_ms = now_ms()

    def edit(config: Config, _files: Files) -> dict[str, bytes]:
        known = models.preset_fields(config, wish.provider, wish.upstream_name, at_ms) if wish.from_price_table else {}
        return models.created(wish.model_id, {**_place(wish), **known, **_fields(wish)})

    landed = await commit(context, wish, Plan(edit=edit, creates="modelId"))
    return _created(landed, wish.model_id)


async def model_clone(context: Context, wish: ModelCloneInput) -> ModelCreated | Failure:
    """Copy a model's file."""
    plan = Plan(
        reads=(model_path(wish.source),),
        missing=_missing(wish.source),
        creates="modelId",
        edit=lambda _config, files: models.cloned(files, wish.source, wish.model_id, {**_place(wish), **_fields(wish)}),
    )
    return _created(await commit(context, wish, plan), wish.model_id)


async def model_update(context: Context, wish: ModelUpdateInput) -> ModelUpdated | Failure:
    """Change a model's file."""
    plan = Plan(
        reads=(model_path(wish.model_id),),
        missing=_missing(wish.model_id),
        edit=lambda _config, files: models.updated(files, wish.model_id, {**_place(wish), **_fields(wish)}),
    )
    landed = await commit(context, wish, plan)
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.model_id)
    return found if isinstance(found, NotFound) else ModelUpdated(change=landed.change, model=found)


async def model_delete(context: Context, wish: ModelDeleteInput) -> ModelDeleted | Failure:
    """Delete a model's file."""
    plan = Plan(
        reads=(model_path(wish.model_id),),
        missing=_missing(wish.model_id),
        edit=lambda config, _files: models.deleted(config, wish.model_id, signed_in(context.viewer).visible_projects()),
    )
    landed = await commit(context, wish, plan)
    return landed if isinstance(landed, Failure) else ModelDeleted(change=landed.change, model_id=wish.model_id)


def _created(landed: Landed | Failure, model_id: str) -> ModelCreated | Failure:
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, model_id)
    return found if isinstance(found, NotFound) else ModelCreated(change=landed.change, model=found)


def _place(wish: ModelCreateInput | ModelUpdateInput | ModelCloneInput) -> dict[str, Value]:
    given = {"provider": wish.provider, "upstream_name": wish.upstream_name}
    return {name: value for name, value in given.items() if value is not None}


def _fields(wish: ModelCreateInput | ModelUpdateInput | ModelCloneInput) -> dict[str, Value]:
    return wish.fields.plain() if wish.fields is not None else {}


def _missing(model_id: str) -> str:
    return f"there is no model {model_id!r}"


def _found(landed: Landed, model_id: str) -> Model | NotFound:
    return Model.at(landed.catalogue, model_id) or NotFound(message=f"{_missing(model_id)}: it was deleted meanwhile")


@strawberry.type(description="Changes of models.")
class ModelMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Create a model, as one commit; from the price table too.")
    async def model_create(
        self, info: Info, input: Annotated[ModelCreateInput, strawberry.argument(description="The new model.")]
    ) -> ModelCreatePayload:
        """At a provider that is there."""
        return await model_create(info.context, input)

    @strawberry.mutation(description="Change a model and its limits, as one commit.")
    async def model_update(
        self, info: Info, input: Annotated[ModelUpdateInput, strawberry.argument(description="What to change.")]
    ) -> ModelUpdatePayload:
        """Its own file alone."""
        return await model_update(info.context, input)

    @strawberry.mutation(description="Create a model from another, as one commit.")
    async def model_clone(
        self, info: Info, input: Annotated[ModelCloneInput, strawberry.argument(description="Which one, and what differs.")]
    ) -> ModelCreatePayload:
        """Its comments come along."""
        return await model_clone(info.context, input)

    @strawberry.mutation(description="Delete a model that no project uses, as one commit.")
    async def model_delete(
        self, info: Info, input: Annotated[ModelDeleteInput, strawberry.argument(description="Which one.")]
    ) -> ModelDeletePayload:
        """The projects that use it are named."""
        return await model_delete(info.context, input)
