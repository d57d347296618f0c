"""`roleCreate`, `roleUpdate`, `roleDelete`: custom roles. Nobody grants what they lack (`api/edits/permissions.py`)."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api.access import signed_in
from api.edits import roles
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Landed, Plan, PureEdit, commit
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.role import Role
from core.paths import ROLES_PATH
from core.yaml_strict import Value


@strawberry.input(description="A new role. Nobody grants what they lack.")
class RoleCreateInput(CommitInput):
    """A wish for a role."""

    name: str = strawberry.field(description="Its name, fixed for ever: lower-case letters, digits and single hyphens.")
    permissions: list[str] = strawberry.field(description="What it grants, such as project:read.")
    description: str | None = strawberry.field(default=None, description="What it is for.")

    def fields(self) -> dict[str, Value]:
        """The role in the file."""
        return {"description": self.description or None, "permissions": [*self.permissions]}


@strawberry.input(description="What to change about a custom role; what is left out stays. Nobody grants what they lack.")
class RoleUpdateInput(CommitInput):
    """A wish for another role."""

    name: str = strawberry.field(description="The role.")
    permissions: list[str] | None = strawberry.field(default=None, description="What it grants, in place of what it does.")
    description: str | None = strawberry.field(default=None, description='What it is for; "" for nothing.')

    def fields(self) -> dict[str, Value]:
        """Only what was given; None unsets."""
        wished: dict[str, Value] = {}
        if self.description is not None:
            wished["description"] = self.description or None
        if self.permissions is not None:
            wished["permissions"] = [*self.permissions]
        return wished


@strawberry.input(
    description="A custom role to delete; no member of a project may have it. A user who has it may do nothing then."
)
class RoleDeleteInput(CommitInput):
    """A wish for an end."""

    name: str = strawberry.field(description="The role.")


@strawberry.type(description="The role was created, or would be.")
class RoleCreated(ConfigurationChange):
    """A new role."""

    role: Role = strawberry.field(description="The role.")


@strawberry.type(description="The role was changed, or would be.")
class RoleUpdated(ConfigurationChange):
    """Another role."""

    role: Role = strawberry.field(description="The role as it is now, or would be.")


@strawberry.type(description="The role was deleted, or would be.")
class RoleDeleted(ConfigurationChange):
    """A role that is no more."""

    name: str = strawberry.field(description="The name that it had.")


RoleCreatePayload: TypeAlias = Annotated[
    RoleCreated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("RoleCreatePayload", description="What came of a new role."),
]
RoleUpdatePayload: TypeAlias = Annotated[
    RoleUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("RoleUpdatePayload", description="What came of a change to a role."),
]
RoleDeletePayload: TypeAlias = Annotated[
    RoleDeleted | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("RoleDeletePayload", description="What came of the deletion of a role."),
]


async def role_create(context: Context, wish: RoleCreateInput) -> RoleCreated | Failure:
    """Add a role to `roles.yaml`."""
    landed = await commit(context, wish, _plan(lambda _config, files: roles.created(files, wish.name, wish.fields())))
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.name)
    return found if isinstance(found, NotFound) else RoleCreated(change=landed.change, role=found)


async def role_update(context: Context, wish: RoleUpdateInput) -> RoleUpdated | Failure:
    """Change a role of `roles.yaml`."""
    landed = await commit(context, wish, _plan(lambda _config, files: roles.updated(files, wish.name, wish.fields())))
    if isinstance(landed, Failure):
        return landed
    found = _found(landed, wish.name)
    return found if isinstance(found, NotFound) else RoleUpdated(change=landed.change, role=found)


async def role_delete(context: Context, wish: RoleDeleteInput) -> RoleDeleted | Failure:
    """Take a role out of `roles.yaml`."""
    visible = signed_in(context.viewer).visible_projects()
    landed = await commit(context, wish, _plan(lambda config, files: roles.deleted(config, files, wish.name, visible)))
    return landed if isinstance(landed, Failure) else RoleDeleted(change=landed.change, name=wish.name)


def _plan(edit: PureEdit) -> Plan:
    return Plan(reads_if_there=(ROLES_PATH,), edit=edit)


def _found(landed: Landed, name: str) -> Role | NotFound:
    return Role.at(landed.catalogue, name) or NotFound(message=f"the role {name!r} was deleted meanwhile")


@strawberry.type(description="Changes of custom roles.")
class RoleMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Create a role, as one commit.")
    async def role_create(
        self, info: Info, input: Annotated[RoleCreateInput, strawberry.argument(description="The new role.")]
    ) -> RoleCreatePayload:
        """In `roles.yaml`."""
        return await role_create(info.context, input)

    @strawberry.mutation(description="Change a custom role, as one commit.")
    async def role_update(
        self, info: Info, input: Annotated[RoleUpdateInput, strawberry.argument(description="What to change.")]
    ) -> RoleUpdatePayload:
        """In `roles.yaml`."""
        return await role_update(info.context, input)

    @strawberry.mutation(description="Delete a custom role, as one commit.")
    async def role_delete(
        self, info: Info, input: Annotated[RoleDeleteInput, strawberry.argument(description="Which one.")]
    ) -> RoleDeletePayload:
        """In `roles.yaml`."""
        return await role_delete(info.context, input)
