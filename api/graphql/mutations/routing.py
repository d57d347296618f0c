"""`routingUpdate` for the whole list at once, and a mutation for each single step: models and policies, both in order."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api.edits import routing
from api.edits.foreign_models import refuse_foreign_models
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Plan, PureEdit, commit
from api.graphql.mutations.limits_input import LimitsInput, limits_plain
from api.graphql.mutations.projects import missing_project
from api.graphql.scalars import Json
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.project import Project
from api.repository.store import Changes
from core.config import Config
from core.paths import project_path, routing_path
from core.yaml_strict import Value


@strawberry.input(description="One of a project's models; what is left out stays as its entry has it, null takes it away.")
class RoutedModelInput:
    """`core.config.RoutedModel`."""

    id: str = strawberry.field(description="The model's id.")
    guidance: strawberry.Maybe[str | None] = strawberry.field(description="When to choose it, for policies that read that.")
    limits: strawberry.Maybe[LimitsInput | None] = strawberry.field(
        description="This project's limits on it. Needs `limit:write`; one that lifts the model's own, `model:write`."
    )

    def plain(self, field: str) -> dict[str, Value]:
        """What was said of it."""
        return {"id": self.id, **_guidance(self.guidance), **limits_plain(self.limits, f"{field}.limits")}


@strawberry.input(description="One of a project's policies; what is left out stays as the first of its kind has it.")
class RoutingPolicyInput:
    """One of `core.routing.policies.Policy`."""

    kind: str = strawberry.field(description="The policy's kind, such as cheapest.")
    enabled: bool | None = strawberry.field(default=None, description="Whether it takes part; a new one does.")
    parameters: Json | None = strawberry.field(
        default=None,
        description="An object of all its parameters by name, as in the file; those that are not in it have their default:"
        " with {} all of them. Left out: they stay.",
    )

    def wished(self, field: str) -> routing.PolicyWish:
        """What was said of it."""
        given = None if self.parameters is None else routing.parameters(self.parameters, f"{field}.parameters")
        return routing.PolicyWish(kind=self.kind, enabled=self.enabled, parameters=given)


@strawberry.input(description="A project's models and policies, each list at once, in order.")
class RoutingUpdateInput(CommitInput):
    """A wish for the whole."""

    project: str = strawberry.field(description="The project's slug.")
    models: list[RoutedModelInput] | None = strawberry.field(default=None, description="All its models; stays if left out.")
    policies: list[RoutingPolicyInput] | None = strawberry.field(
        default=None, description="All its policies; stays if left out."
    )


@strawberry.input(description="A model to use.")
class RoutingModelAddInput(CommitInput):
    """A wish for a model."""

    project: str = strawberry.field(description="The project's slug.")
    model: str = strawberry.field(description="The model's id.")
    position: int | None = strawberry.field(default=None, description="Where, from 0; last if left out.")
    guidance: str | None = strawberry.field(default=None, description="When to choose it, for policies that read that.")
    limits: LimitsInput | None = strawberry.field(default=None, description="This project's limits on it. Needs `limit:write`.")


@strawberry.input(description="A model to use no more.")
class RoutingModelRemoveInput(CommitInput):
    """A wish for an end."""

    project: str = strawberry.field(description="The project's slug.")
    model: str = strawberry.field(description="The model's id.")


@strawberry.input(description="A model to put at another position.")
class RoutingModelMoveInput(CommitInput):
    """A wish for an order."""

    project: str = strawberry.field(description="The project's slug.")
    model: str = strawberry.field(description="The model's id.")
    position: int = strawberry.field(description="Where it is to be in the list, from 0.")


@strawberry.input(description="What to change about one of a project's models; what is left out stays, null takes it away.")
class RoutingModelUpdateInput(CommitInput):
    """A wish for an entry."""

    project: str = strawberry.field(description="The project's slug.")
    model: str = strawberry.field(description="The model's id.")
    guidance: strawberry.Maybe[str | None] = strawberry.field(description="When to choose it, for policies that read that.")
    limits: strawberry.Maybe[LimitsInput | None] = strawberry.field(
        description="This project's limits on it. Needs `limit:write`; one that lifts the model's own, `model:write`."
    )


@strawberry.input(description="A policy to add.")
class RoutingPolicyAddInput(CommitInput):
    """A wish for a policy."""

    project: str = strawberry.field(description="The project's slug.")
    kind: str = strawberry.field(description="The policy's kind, such as cheapest.")
    position: int | None = strawberry.field(default=None, description="Where, from 0, the weightiest; last if left out.")
    enabled: bool | None = strawberry.field(default=None, description="Whether it takes part; it does if left out.")
    parameters: Json | None = strawberry.field(default=None, description="An object of parameters by name, as in the file.")


@strawberry.input(description="A policy to remove.")
class RoutingPolicyRemoveInput(CommitInput):
    """A wish for an end."""

    project: str = strawberry.field(description="The project's slug.")
    policy: int = strawberry.field(description="Its position at the expected revision, from 0.")


@strawberry.input(description="A policy to put at another position: the first weighs the most.")
class RoutingPolicyMoveInput(CommitInput):
    """A wish for an order."""

    project: str = strawberry.field(description="The project's slug.")
    policy: int = strawberry.field(description="Its position at the expected revision, from 0.")
    position: int = strawberry.field(description="Where it is to be in the list, from 0.")


@strawberry.input(description="What to change about one of a project's policies; what is left out stays.")
class RoutingPolicyUpdateInput(CommitInput):
    """A wish for a policy's parameters."""

    project: str = strawberry.field(description="The project's slug.")
    policy: int = strawberry.field(description="Its position at the expected revision, from 0.")
    enabled: bool | None = strawberry.field(default=None, description="Whether it takes part.")
    parameters: Json | None = strawberry.field(
        default=None, description="An object of the parameters to set, by name; null gives one its default again."
    )


@strawberry.type(description="The project's models or policies were changed, or would be.")
class RoutingUpdated(ConfigurationChange):
    """A project with another routing."""

    project: Project = strawberry.field(description="The project as it is now, or would be.")


RoutingPayload: TypeAlias = Annotated[
    RoutingUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("RoutingPayload", description="What came of a change to a project's models and policies."),
]


async def change_routing(context: Context, wish: CommitInput, project: str, edit: PureEdit) -> RoutingUpdated | Failure:
    """Carry out one edit of a project's routing file."""
    hides = context.sight.hides

    def checked(config: Config, files: routing.Files) -> Changes:
        changes = edit(config, files)
        refuse_foreign_models(config, project, files, changes, hides)
        return changes

    plan = Plan(
        reads=(project_path(project),), reads_if_there=(routing_path(project),), missing=missing_project(project), edit=checked
    )
    landed = await commit(context, wish, plan)
    if isinstance(landed, Failure):
        return landed
    found = Project.at(landed.catalogue, project)
    if found is None:
        return NotFound(message=f"the project {project!r} was deleted meanwhile")
    return RoutingUpdated(change=landed.change, project=found)


def _guidance(wish: strawberry.Maybe[str | None]) -> dict[str, Value]:
    return {"guidance": wish.value or None} if wish is not None else {}


def _policy(enabled: bool | None, parameters: object) -> dict[str, Value]:
    given = routing.parameters(parameters) if parameters is not None else {}
    return ({"enabled": enabled} if enabled is not None else {}) | given


@strawberry.type(description="Changes of a project's models and policies.")
class RoutingMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Give a project its models and policies, whole lists at once, as one commit.")
    async def routing_update(
        self, info: Info, input: Annotated[RoutingUpdateInput, strawberry.argument(description="The lists.")]
    ) -> RoutingPayload:
        """What a list says of an entry is set; its other fields and its comments stay."""

        def edit(_config: object, files: routing.Files) -> dict[str, bytes]:
            models = [item.plain(f"models[{at}]") for at, item in enumerate(input.models)] if input.models is not None else None
            policies = None
            if input.policies is not None:
                policies = [item.wished(f"policies[{at}]") for at, item in enumerate(input.policies)]
            return routing.replaced(files, input.project, models, policies)

        return await change_routing(info.context, input, input.project, edit)

    @strawberry.mutation(description="Let a project use a model, as one commit.")
    async def routing_model_add(
        self, info: Info, input: Annotated[RoutingModelAddInput, strawberry.argument(description="Which model, where.")]
    ) -> RoutingPayload:
        """Last in the list where no position is given."""

        def edit(_config: object, files: routing.Files) -> dict[str, bytes]:
            limits = input.limits.plain() if input.limits is not None else None
            fields: dict[str, Value] = {"guidance": input.guidance or None, "limits": limits}
            return routing.model_added(files, input.project, input.model, input.position, fields)

        return await change_routing(info.context, input, input.project, edit)

    @strawberry.mutation(description="Let a project use a model no more, as one commit.")
    async def routing_model_remove(
        self, info: Info, input: Annotated[RoutingModelRemoveInput, strawberry.argument(description="Which model.")]
    ) -> RoutingPayload:
        """Its guidance and limits in this project go with it."""
        return await change_routing(
            info.context,
            input,
            input.project,
            lambda _config, files: routing.model_removed(files, input.project, input.model),
        )

    @strawberry.mutation(description="Put one of a project's models at another position, as one commit.")
    async def routing_model_move(
        self, info: Info, input: Annotated[RoutingModelMoveInput, strawberry.argument(description="Which model, where to.")]
    ) -> RoutingPayload:
        """Where policies see no difference, the first model wins."""
        return await change_routing(
            info.context,
            input,
            input.project,
            lambda _config, files: routing.model_moved(files, input.project, input.model, input.position),
        )

    @strawberry.mutation(description="Set the guidance or the limits of one of a project's models, as one commit.")
    async def routing_model_update(
        self, info: Info, input: Annotated[RoutingModelUpdateInput, strawberry.argument(description="What to change.")]
    ) -> RoutingPayload:
        """The model itself stays as it is for everybody else."""

        def edit(_config: object, files: routing.Files) -> dict[str, bytes]:
            fields = {**_guidance(input.guidance), **limits_plain(input.limits)}
            return routing.model_changed(files, input.project, input.model, fields)

        return await change_routing(info.context, input, input.project, edit)

    @strawberry.mutation(description="Add a policy to a project, as one commit.")
    async def routing_policy_add(
        self, info: Info, input: Annotated[RoutingPolicyAddInput, strawberry.argument(description="Which policy, where.")]
    ) -> RoutingPayload:
        """Last in the list where no position is given."""

        def edit(_config: object, files: routing.Files) -> dict[str, bytes]:
            fields = _policy(None if input.enabled else input.enabled, input.parameters)
            return routing.policy_added(files, input.project, input.kind, input.position, fields)

        return await change_routing(info.context, input, input.project, edit)

    @strawberry.mutation(description="Remove a policy from a project, as one commit.")
    async def routing_policy_remove(
        self, info: Info, input: Annotated[RoutingPolicyRemoveInput, strawberry.argument(description="Which policy.")]
    ) -> RoutingPayload:
        """Named by its position at the expected revision."""
        return await change_routing(
            info.context,
            input,
            input.project,
            lambda _config, files: routing.policy_removed(files, input.project, input.policy),
        )

    @strawberry.mutation(description="Put one of a project's policies at another position, as one commit.")
    async def routing_policy_move(
        self, info: Info, input: Annotated[RoutingPolicyMoveInput, strawberry.argument(description="Which policy, where to.")]
    ) -> RoutingPayload:
        """Of N policies the first weighs N, the last 1."""
        return await change_routing(
            info.context,
            input,
            input.project,
            lambda _config, files: routing.policy_moved(files, input.project, input.policy, input.position),
        )

    @strawberry.mutation(description="Set parameters of one of a project's policies, or switch it, as one commit.")
    async def routing_policy_update(
        self, info: Info, input: Annotated[RoutingPolicyUpdateInput, strawberry.argument(description="What to change.")]
    ) -> RoutingPayload:
        """Parameters that are not named stay."""

        def edit(_config: object, files: routing.Files) -> dict[str, bytes]:
            fields = _policy(input.enabled, input.parameters)
            return routing.policy_changed(files, input.project, input.policy, fields)

        return await change_routing(info.context, input, input.project, edit)
