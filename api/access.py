"""Who may do what: the one place where access is decided.

Three tables and one function. `GLOBAL_ROLES` says what a role grants; `TYPE_RULES` what entering a GraphQL type takes;
`FIELD_RULES` what a field takes on top. A field of the schema without a rule fails the tests and the start, so that nothing
becomes public by being forgotten.

    AccessError
    ├── Unauthenticated   nobody is known: 401, code UNAUTHENTICATED, retry only after a login
    └── Forbidden         somebody is known and lacks a permission: code FORBIDDEN, retrying does not help
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from core.config import Permission

GlobalRole: TypeAlias = Literal["admin", "operator", "viewer"]

ALL_PERMISSIONS: Final[frozenset[str]] = frozenset(get_args(Permission))
GLOBAL_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "admin": ALL_PERMISSIONS,
    "operator": ALL_PERMISSIONS - {"user:write", "settings:write"},
    "viewer": frozenset({"project:read", "model:read", "report:read"}),
}

Rule: TypeAlias = Permission | Literal["anonymous", "signed-in"]

# What it takes to see any field of a type; a field whose type differs from its parent's asks for this on entering.
TYPE_RULES: Final[Mapping[str, Rule]] = {
    "Attempt": "report:read",
    "CandidateDrop": "report:read",
    "Conflict": "signed-in",
    "ConnectionInfo": "project:read",
    "FileVersions": "signed-in",
    "Label": "signed-in",
    "LoggedIn": "signed-in",
    "LoggedOut": "anonymous",
    "LoginRefused": "anonymous",
    "ModelScore": "report:read",
    "ModelTotal": "report:read",
    "NotAllowed": "signed-in",
    "NotFound": "signed-in",
    "PageInfo": "signed-in",
    "PolicyInput": "report:read",
    "PolicyOutcome": "report:read",
    "Project": "project:read",
    "ProjectConnection": "project:read",
    "ProjectEdge": "project:read",
    "ProjectTimeouts": "project:read",
    "ProjectUpdated": "signed-in",
    "RequestFacts": "report:read",
    "RequestLog": "report:read",
    "RequestLogBatch": "report:read",
    "RequestLogConnection": "report:read",
    "RequestLogEdge": "report:read",
    "RequestLogGap": "report:read",
    "RequestTrace": "report:read",
    "Revision": "project:read",
    "TodayUsage": "report:read",
    "Usage": "report:read",
    "ValidationFailed": "signed-in",
    "ValidationProblem": "signed-in",
    "Viewer": "signed-in",
}

# What a field takes on top of its type; every root field is named here.
FIELD_RULES: Final[Mapping[str, Rule]] = {
    "Query.viewer": "signed-in",
    "Query.node": "signed-in",
    "Query.projects": "project:read",
    "Query.project": "project:read",
    "Query.requestLogs": "report:read",
    "Query.requestLog": "report:read",
    "Query.revision": "project:read",
    "Mutation.login": "anonymous",
    "Mutation.logout": "signed-in",
    "Mutation.projectUpdate": "project:write",
    "Subscription.requestLogFeed": "report:read",
    "Subscription.requestLogFirehose": "report:read",
    "RequestTrace.content": "content:read",
}


class AccessError(Exception):
    """Somebody asked for what they may not have; `code` is what GraphQL answers in `extensions`."""

    code: str = "FORBIDDEN"


class Unauthenticated(AccessError):
    """Nobody is known behind this request."""

    code = "UNAUTHENTICATED"


class Forbidden(AccessError):
    """The viewer is known and lacks `permission`."""

    def __init__(self, permission: str, project: str | None = None) -> None:
        where = f" in project {project}" if project else ""
        super().__init__(f"this needs the permission {permission}{where}, which you do not have")
        self.permission = permission
        self.project = project


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever is behind a request: a user by session or by key, with what their roles grant."""

    user_id: str
    email: str
    name: str = ""
    role: str
    permissions: frozenset[str]
    via: Literal["session", "key"] = "key"

    @classmethod
    def of(cls, user_id: str, email: str, role: str, *, name: str = "", via: Literal["session", "key"] = "key") -> Viewer:
        """A user with the permissions of `role`; a role that no longer exists grants nothing."""
        permissions = GLOBAL_ROLES.get(role, frozenset())
        return cls(user_id=user_id, email=email, name=name, role=role, permissions=permissions, via=via)

    def may(self, rule: Rule, project: str | None = None) -> bool:
        """Whether `rule` is met, in `project` where one is named (no role is bound to a project yet)."""
        return rule in ("anonymous", "signed-in") or rule in self.permissions


def require(viewer: Viewer | None, rule: Rule, project: str | None = None) -> None:
    """Raise Unauthenticated or Forbidden unless `viewer` meets `rule`, in `project` where one is named."""
    if rule == "anonymous":
        return
    if viewer is None:
        raise Unauthenticated("log in, or send an API key as `Authorization: Bearer wb-…`")
    if not viewer.may(rule, project):
        raise Forbidden(rule, project)


def rules_for(type_name: str, field_name: str, entered_type: str) -> tuple[Rule, ...]:
    """What resolving `type_name.field_name`, whose value is of `entered_type`, asks of a viewer already inside `type_name`.

    Raises KeyError for a field without any rule.
    """
    own = FIELD_RULES.get(f"{type_name}.{field_name}")
    if own is None and type_name not in TYPE_RULES:
        raise KeyError(f"{type_name}.{field_name} has no rule in api/access.py")
    met = TYPE_RULES.get(type_name)
    asked = [rule for rule in (own, TYPE_RULES.get(entered_type)) if rule is not None and rule != met]
    if own == "anonymous":
        return ("anonymous",)
    return tuple(dict.fromkeys(rule for rule in asked if rule not in ("anonymous",)))
