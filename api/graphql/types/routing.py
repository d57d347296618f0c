"""A project's routing: its models in order, and its policies in order."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import msgspec
import strawberry

from api.catalogue import Catalogue
from api.graphql.scalars import Json
from api.graphql.types.limits import Limits
from api.graphql.types.model import Model
from core import config
from core.paths import routing_path


@strawberry.type(description="One of a project's models; the first has the highest priority.")
class RoutedModel:
    """`core.config.RoutedModel`."""

    position: int = strawberry.field(description="Its place in the order, from 0.")
    model_id: str = strawberry.field(description="The model's id.")
    guidance: str = strawberry.field(description="What the routing model is told of it; empty for nothing.")
    limits: Limits = strawberry.field(description="The project's own limits on it.")
    catalogue: strawberry.Private[Catalogue]

    @strawberry.field(description="The model.")
    def model(self) -> Model | None:
        """Of the same revision."""
        return Model.at(self.catalogue, self.model_id)


@strawberry.type(description="One of a project's policies; of N enabled ones the first weighs N, the last 1.")
class RoutedPolicy:
    """One entry of `policies`."""

    position: int = strawberry.field(description="Its place in the order, from 0.")
    kind: str = strawberry.field(description="Which policy, as in `policies`.")
    enabled: bool = strawberry.field(description="Whether it takes part.")
    parameters: Json = strawberry.field(description="All its parameters by name, defaults included.")
    given: list[str] = strawberry.field(description="Names of the parameters that differ from their defaults.")
    weight: int = strawberry.field(description="What its scores are multiplied with; 0 while it is not enabled.")


@strawberry.type(description="Which models a project uses, and how one is chosen.")
class ProjectRouting:
    """`projects/<slug>/routing.yaml`."""

    models: list[RoutedModel] = strawberry.field(description="Its models, in order of priority.")
    policies: list[RoutedPolicy] = strawberry.field(description="Its policies, in order of weight.")

    @classmethod
    def at(cls, catalogue: Catalogue, slug: str) -> ProjectRouting:
        """That of a project; empty for one without the file."""
        found = catalogue.config.files.get(routing_path(slug))
        routing = found if isinstance(found, config.Routing) else config.Routing()
        models = [
            RoutedModel(
                position=position,
                model_id=model.id,
                guidance=model.guidance,
                limits=Limits.of(model.limits),
                catalogue=catalogue,
            )
            for position, model in enumerate(routing.models)
        ]
        return cls(models=models, policies=_policies(routing))


def _policies(routing: config.Routing) -> list[RoutedPolicy]:
    left = sum(policy.enabled for policy in routing.policies)
    shown = []
    for position, policy in enumerate(routing.policies):
        shown.append(_policy(position, policy, left if policy.enabled else 0))
        left -= policy.enabled
    return shown


def _policy(position: int, policy: msgspec.Struct, weight: int) -> RoutedPolicy:
    fields = [field for field in msgspec.structs.fields(policy) if field.name != "enabled"]
    return RoutedPolicy(
        position=position,
        kind=str(policy.__struct_config__.tag),
        enabled=weight > 0,
        parameters=Json({field.name: msgspec.to_builtins(getattr(policy, field.name)) for field in fields}),
        given=[field.name for field in fields if getattr(policy, field.name) != _default(field)],
        weight=weight,
    )


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
