"""What roles grant: built-in and custom, everywhere and in a project. Pure; made once a revision from its configuration.

A built-in name means the built-in role whatever `roles.yaml` says, and a role that no longer exists grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from api.access import ALL_PERMISSIONS, Viewer
from core.config import Config, Member, Project, Roles
from core.paths import ROLES_PATH, project_path, slug_of

_READ: Final = frozenset({"project:read", "model:read", "report:read"})
_MOST_VIEWERS: Final = 10_000
NOTHING: Final[frozenset[str]] = frozenset()

# By name: what a user's own role grants everywhere …
GLOBAL_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "admin": ALL_PERMISSIONS,
    "operator": ALL_PERMISSIONS - {"user:write", "settings:write"},
    "viewer": _READ,
}
# … and what a member's role grants in their project. `project:delete` is what the editor's `project:write` lacks.
PROJECT_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "viewer": _READ,
    "editor": _READ | {"project:write"},
    "admin": _READ | {"project:write", "project:delete", "token:write", "member:write", "limit:write"},
}


class Grants:
    """Everybody's roles under one revision."""

    def __init__(self, config: Config) -> None:
        self.custom = _custom(config)
        # By slug, and by e-mail in lower case: a request costs a look-up and never a walk.
        self._of_project = {
            slug_of(path) or "": file.members for path, file in config.files.items() if isinstance(file, Project)
        }
        self._of_user: dict[str, dict[str, str]] = {}
        for slug, members in self._of_project.items():
            self._add(slug, members)
        self._viewers: dict[tuple[str, ...], Viewer] = {}

    def updated(self, config: Config, touched: Iterable[str]) -> Grants:
        """The grants of `config`, which differs from these in no path but those `touched`; these, if nobody's change."""
        paths = set(touched)
        custom = _custom(config) if ROLES_PATH in paths else self.custom
        changed: dict[str, tuple[Member, ...]] = {}
        for path in paths:
            slug, file = slug_of(path), config.files.get(path)
            if slug is not None and path == project_path(slug):
                members = file.members if isinstance(file, Project) else ()
                if members != self._of_project.get(slug, ()):
                    changed[slug] = members
        return self if custom == self.custom and not changed else self._with(custom, changed)

    def _with(self, custom: dict[str, frozenset[str]], changed: dict[str, tuple[Member, ...]]) -> Grants:
        fresh = Grants(Config())
        fresh.custom = custom
        fresh._of_project = self._of_project | changed
        fresh._of_user = dict(self._of_user)
        for slug, members in changed.items():
            for member in self._of_project.get(slug, ()):
                roles = fresh._of_user.get(_email(member), {})
                fresh._of_user[_email(member)] = {other: role for other, role in roles.items() if other != slug}
            fresh._add(slug, members)
        return fresh

    def _add(self, slug: str, members: tuple[Member, ...]) -> None:
        for member in members:
            self._of_user[_email(member)] = {**self._of_user.get(_email(member), {}), slug: member.role}

    def roles_of(self, email: str) -> Mapping[str, str]:
        """The project roles of the user with this e-mail, by slug."""
        return self._of_user.get(email, {})

    def of_global_role(self, name: str) -> frozenset[str]:
        """What a user with this role may do everywhere."""
        built_in = GLOBAL_ROLES.get(name)
        if built_in is not None:
            return built_in
        # The project's editor is no global role, and no custom role may take a built-in's name.
        return NOTHING if name in PROJECT_ROLES else self.custom.get(name, NOTHING)

    def of_project_role(self, name: str) -> frozenset[str]:
        """What a member with this role may do in their project, `project:delete` included."""
        built_in = PROJECT_ROLES.get(name)
        if built_in is not None:
            return built_in
        found = NOTHING if name in GLOBAL_ROLES else self.custom.get(name, NOTHING)
        return found | {"project:delete"} if "project:write" in found else found

    def viewer(self, known: Viewer) -> Viewer:
        """The user `known` with what they may do now."""
        key = (known.user_id, known.email, known.name, known.role, known.via, known.credential_id)
        found = self._viewers.get(key)
        if found is None:
            if len(self._viewers) >= _MOST_VIEWERS:
                self._viewers.clear()
            found = self._viewers[key] = self._with_grants(known)
        return found

    def _with_grants(self, known: Viewer) -> Viewer:
        permissions = self.of_global_role(known.role)
        memberships = self.roles_of(known.email)
        return msgspec.structs.replace(
            known,
            permissions=permissions,
            restricted=bool(memberships) and "project:write" not in permissions,
            grants={slug: self.of_project_role(role) for slug, role in sorted(memberships.items())},
        )


def _custom(config: Config) -> dict[str, frozenset[str]]:
    roles = config.files.get(ROLES_PATH)
    return {name: frozenset(role.permissions) for name, role in roles.roles.items()} if isinstance(roles, Roles) else {}


def _email(member: Member) -> str:
    return member.user.strip().lower()


BUILT_IN: Final = Grants(Config())
