"""Roles: names for sets of permissions, built in and custom."""

from __future__ import annotations

from collections.abc import Mapping

import strawberry

from api.catalogue import Catalogue
from api.grants import GLOBAL_ROLES, PROJECT_ROLES
from api.graphql.ids import node_id
from api.graphql.types.nodes import Node
from core import config
from core.paths import ROLES_PATH


@strawberry.type(description="A role: a name for a set of permissions. Built-in ones cannot be changed, deleted or shadowed.")
class Role(Node):
    """A built-in role, or one of `roles.yaml`."""

    name: str = strawberry.field(description="Its name, fixed at creation.")
    description: str = strawberry.field(description="What it is for.")
    built_in: bool = strawberry.field(description="Whether it is a part of Waybill, not of the configuration.")
    global_permissions: list[str] | None = strawberry.field(
        description="What it grants a user everywhere; null where it is no role of users."
    )
    project_permissions: list[str] | None = strawberry.field(
        description="What it grants a member in their project; null where it is no role of members."
    )
    revision: str | None = strawberry.field(
        description="The commit that this answer was read at: give it as `expectedRevision` to change what was read."
    )

    @classmethod
    def at(cls, catalogue: Catalogue, name: str) -> Role | None:
        """The role with this name, if there is one."""
        if name in GLOBAL_ROLES or name in PROJECT_ROLES:
            return cls._built_in(name, catalogue.revision)
        role = custom_roles(catalogue).get(name)
        if role is None:
            return None
        permissions = sorted(map(str, set(role.permissions)))
        return cls(
            id=node_id("Role", name),
            name=name,
            description=role.description,
            built_in=False,
            global_permissions=permissions,
            project_permissions=permissions,
            revision=catalogue.revision,
        )

    @classmethod
    def _built_in(cls, name: str, revision: str | None) -> Role:
        everywhere, in_project = GLOBAL_ROLES.get(name), PROJECT_ROLES.get(name)
        return cls(
            id=node_id("Role", name),
            name=name,
            description=_BUILT_IN[name],
            built_in=True,
            global_permissions=sorted(everywhere) if everywhere is not None else None,
            # Deleting a project is no permission of its own: it comes with `project:write`, except for an editor.
            project_permissions=sorted(in_project - {"project:delete"}) if in_project is not None else None,
            revision=revision,
        )


_BUILT_IN: Mapping[str, str] = {
    "admin": "May do everything; in a project, everything there, deleting it included.",
    "operator": "May do everything but change people and settings.",
    "editor": "Changes a project, but not its tokens, members or limits, and does not delete it.",
    "viewer": "Sees, and changes nothing.",
}


def custom_roles(catalogue: Catalogue) -> Mapping[str, config.Role]:
    """The roles of `roles.yaml`, by name."""
    roles = catalogue.config.files.get(ROLES_PATH)
    return roles.roles if isinstance(roles, config.Roles) else {}


def all_roles(catalogue: Catalogue) -> list[Role]:
    """The built-in ones, then the custom ones by name."""
    names = [*_BUILT_IN, *sorted(custom_roles(catalogue))]
    return [role for name in names if (role := Role.at(catalogue, name)) is not None]
