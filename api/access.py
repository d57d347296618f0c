"""Who may do what: the one place where access is decided.

`TYPE_RULES` says what entering a GraphQL type takes, `FIELD_RULES` what a field takes on top; `api/grants.py` says what roles
grant, and `Viewer.may` (`api/viewers.py`) decides. A field of the schema without a rule fails the tests and the start, so that
nothing becomes public by being forgotten.

What a permission is worth (docs/decisions/0023):

- A restricted viewer, a member of projects whose global role lacks `project:write`, sees only those projects: permissions over
  projects (project, token, member, limit, report, content) hold there alone. Users, roles, settings and models that are
  everybody's are of no project: a membership takes nothing of them away.
- Nothing is done unseen. In a project all permissions count only beside `project:read` there; `model:write`, `user:write` and
  `settings:write` only beside `model:read`, `user:read` and sight of some project. Who changes something gets it in the answer.
- Nobody grants what they lack. A role of roles.yaml counts in every project, so to put something into one (`Grant`) takes it in
  every project.

How a rule learns its project (`api/graphql/guard.py` asks):

- A plain rule, `"user:write"`, asks for the permission for what is of no project, or of all.
- `In("project:write", "input.slug")` asks for it in the project that an argument names (slug, or node id of a project or of
  something in one). Whoever may not see that project is answered as if there were none: null, or the union's `NotFound`.
- `Somewhere("report:read")` asks for it in any project; the resolver then narrows what it answers to
  `viewer.projects("report:read")`: None for all of them, else a frozenset of slugs.
- `OrNull("report:read")` asks for it where the object is: whoever lacks it reads null there, and the rest of the object.
- A GraphQL type whose class has `project_slug` (an attribute, a property or a `strawberry.Private` field) is of that project:
  its fields' rules are asked there, and a field that answers with it asks the type's rule in the project of what it found
  (null, or left out of a list, for whoever may not see that project).

    AccessError
    ├── Unauthenticated   nobody is known: 401, code UNAUTHENTICATED, retry only after a login
    ├── Forbidden         somebody is known and lacks a permission: code FORBIDDEN, retrying does not help
    └── NotVisible        it is in a project that the viewer may not see, or does not exist: code NOT_FOUND
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from api.viewers import ALL_PERMISSIONS as ALL_PERMISSIONS
from api.viewers import GlobalRole as GlobalRole
from api.viewers import Rule as Rule
from api.viewers import Viewer as Viewer
from core.config import Permission


class In(msgspec.Struct, frozen=True):
    """`rule` in the project that the argument at the dotted path `project` names, such as `input.slug`; or one of `others`,
    where what is asked for decides which (`api/edits/permissions.py` asks for exactly that)."""

    rule: Rule
    project: str
    others: tuple[Rule, ...] = ()


class Somewhere(msgspec.Struct, frozen=True):
    """`rule` in any project; the resolver narrows its answer to `viewer.projects(rule)`."""

    rule: Rule


class OrNull(msgspec.Struct, frozen=True):
    """`rule` in the object's project; a viewer without it reads null, which is no denied attempt: lists mix projects."""

    rule: Rule


Asked: TypeAlias = Rule | In | Somewhere | OrNull


class Grant(msgspec.Struct, frozen=True):
    """To grant `rule` by a role: in every project, so it takes to have it in every one."""

    rule: Permission


# What it takes to see any field of a type; a field whose type differs from its parent's asks for this on entering.
TYPE_RULES: Final[Mapping[str, Rule]] = {
    "AlertWebhook": "settings:write",
    "ApiKey": "signed-in",
    "ApiKeyCreated": "signed-in",
    "ApiKeyRevoked": "signed-in",
    "Attempt": "report:read",
    "AuditConnection": "user:read",
    "AuditEdge": "user:read",
    "AuditEntry": "user:read",
    "Blame": "signed-in",
    "BlameLine": "signed-in",
    "CandidateDrop": "report:read",
    "Capabilities": "model:read",
    "ChangeResult": "signed-in",
    "ConfigurationFile": "signed-in",
    "ConfigurationState": "project:read",
    "Conflict": "signed-in",
    "ConnectionInfo": "project:read",
    "CredentialReference": "signed-in",
    "DegradedFile": "project:read",
    "FileDiff": "signed-in",
    "FileVersions": "signed-in",
    "Header": "model:read",
    "InstallationTimeouts": "project:read",
    "Label": "signed-in",
    "Explanation": "report:read",
    "LimitEvent": "report:read",
    "LimitStanding": "report:read",
    "LimitEventBatch": "report:read",
    "LimitEventConnection": "report:read",
    "LimitEventEdge": "report:read",
    "LimitEventGap": "report:read",
    "LimitRule": "signed-in",
    "LimitUse": "report:read",
    "Limits": "signed-in",
    "LoggedIn": "signed-in",
    "LoggedOut": "anonymous",
    "LoginRefused": "anonymous",
    "Member": "project:read",
    "MemberRemoved": "signed-in",
    "MemberSet": "signed-in",
    "Membership": "signed-in",
    "Model": "model:read",
    "ModelConnection": "model:read",
    "ModelCreated": "signed-in",
    "ModelDeleted": "signed-in",
    "ModelEdge": "model:read",
    "ModelPreset": "model:read",
    "ModelScore": "report:read",
    "ModelTotal": "report:read",
    "ModelUpdated": "signed-in",
    "NotAllowed": "signed-in",
    "NotFound": "signed-in",
    "PageInfo": "signed-in",
    "PassThrough": "project:read",
    "PasswordChanged": "signed-in",
    "PolicyDescription": "signed-in",
    "PolicyInput": "report:read",
    "PolicyOutcome": "report:read",
    "PolicyParameter": "signed-in",
    "PriceTier": "model:read",
    "Prices": "model:read",
    "ProgressDecision": "report:read",
    "Project": "project:read",
    "ProjectConnection": "project:read",
    "ProjectCreated": "signed-in",
    "ProjectDeleted": "signed-in",
    "ProjectEdge": "project:read",
    "ProjectRouting": "project:read",
    "ProjectTimeouts": "project:read",
    "ProjectUpdated": "signed-in",
    "Provider": "model:read",
    "ProviderConnection": "model:read",
    "ProviderCreated": "signed-in",
    "ProviderDeleted": "signed-in",
    "ProviderEdge": "model:read",
    "ProviderKeySet": "signed-in",
    "ProviderPreset": "model:read",
    "ProviderUpdated": "signed-in",
    "ProxyRefusal": "project:read",
    "ProxyState": "project:read",
    "RequestFacts": "report:read",
    "RequestLog": "report:read",
    "RequestLogBatch": "report:read",
    "RequestLogConnection": "report:read",
    "RequestLogEdge": "report:read",
    "RequestLogGap": "report:read",
    "RequestProgress": "report:read",
    "RequestTrace": "report:read",
    "Retention": "project:read",
    "Reverted": "signed-in",
    "ReviewRule": "project:read",
    "Revision": "signed-in",
    "RevisionAuthor": "signed-in",
    "RevisionBatch": "signed-in",
    "RevisionConnection": "signed-in",
    "RevisionEdge": "signed-in",
    "Role": "signed-in",
    "RoleCreated": "signed-in",
    "RoleDeleted": "signed-in",
    "RoleUpdated": "signed-in",
    "RollingWindow": "signed-in",
    "RoutedModel": "project:read",
    "RoutedPolicy": "project:read",
    "RoutingUpdated": "signed-in",
    "Session": "signed-in",
    "SessionsEnded": "signed-in",
    "Settings": "project:read",
    "SettingsUpdated": "signed-in",
    "Token": "project:read",
    "TokenConnection": "project:read",
    "TokenCreated": "signed-in",
    "TokenEdge": "project:read",
    "TokenModel": "project:read",
    "TokenRegenerated": "signed-in",
    "TokenRevoked": "signed-in",
    "TokenUpdated": "signed-in",
    "Usage": "report:read",
    "UsageFigures": "report:read",
    "UsageGroup": "report:read",
    "UsageLatency": "report:read",
    "UsagePoint": "report:read",
    "UsageReport": "report:read",
    "UsageTrend": "report:read",
    "User": "user:read",
    "UserConnection": "user:read",
    "UserCreated": "signed-in",
    "UserDeleted": "signed-in",
    "UserEdge": "user:read",
    "UserKeysRevoked": "signed-in",
    "UserPasswordReset": "signed-in",
    "UserUpdated": "signed-in",
    "ValidationFailed": "signed-in",
    "ValidationProblem": "signed-in",
    "Viewer": "signed-in",
}

# What a field takes on top of its type; every root field is named here.
FIELD_RULES: Final[Mapping[str, Asked]] = {
    "Query.viewer": "signed-in",
    "Query.node": "signed-in",
    "Query.model": "model:read",
    "Query.modelPresets": "model:read",
    "Query.models": "model:read",
    "Query.policies": "signed-in",
    "Query.provider": "model:read",
    "Query.providerPresets": "model:read",
    "Query.providers": "model:read",
    "Query.roles": "signed-in",
    "Query.settings": Somewhere("project:read"),
    "Query.projects": Somewhere("project:read"),
    "Query.project": In("project:read", "slug"),
    "Query.token": In("project:read", "project"),
    "Query.limits": In("report:read", "project"),
    "Query.usage": Somewhere("report:read"),
    "Query.limitEvents": Somewhere("report:read"),
    "Query.requestLogs": Somewhere("report:read"),
    "Query.requestLog": Somewhere("report:read"),
    "Query.revision": Somewhere("project:read"),
    "Query.explain": In("project:read", "project"),
    "Query.explainRequest": Somewhere("report:read"),
    "Query.history": "signed-in",
    "Query.blame": "signed-in",
    "Query.file": "signed-in",
    "Query.projectAt": In("project:read", "slug"),
    "Query.configuration": Somewhere("project:read"),
    "Query.proxies": Somewhere("project:read"),
    "Query.users": "user:read",
    "Query.auditLog": "user:read",
    "Mutation.login": "anonymous",
    # Who owns a provider, whose it is to be, and limits ask for more: `api/edits/permissions.py`.
    "Mutation.modelClone": "model:write",
    "Mutation.modelCreate": "model:write",
    "Mutation.modelDelete": "model:write",
    "Mutation.modelUpdate": "model:write",
    "Mutation.providerCreate": Somewhere("model:write"),
    "Mutation.providerDelete": Somewhere("model:write"),
    "Mutation.providerKeySet": Somewhere("model:write"),
    "Mutation.providerUpdate": Somewhere("model:write"),
    "Mutation.roleCreate": "user:write",
    "Mutation.roleDelete": "user:write",
    "Mutation.roleUpdate": "user:write",
    "Mutation.settingsUpdate": "settings:write",
    "Mutation.logout": "signed-in",
    "Mutation.sessionEnd": "signed-in",
    "Mutation.sessionsEnd": "signed-in",
    "Mutation.passwordChange": "signed-in",
    "Mutation.apiKeyCreate": "signed-in",
    "Mutation.apiKeyRevoke": "signed-in",
    "Mutation.userCreate": "user:write",
    "Mutation.userUpdate": "user:write",
    "Mutation.userDelete": "user:write",
    "Mutation.userKeysRevoke": "user:write",
    "Mutation.userPasswordReset": "user:write",
    "Mutation.projectCreate": "project:write",
    "Mutation.projectDelete": In("project:delete", "input.slug"),
    "Mutation.projectUpdate": In("project:write", "input.slug", ("limit:write",)),
    # What the files of a change take on top (limits, members, modes) is asked in `api/edits/permissions.py`.
    "Mutation.routingUpdate": In("project:write", "input.project", ("limit:write",)),
    "Mutation.routingModelAdd": In("project:write", "input.project"),
    "Mutation.routingModelRemove": In("project:write", "input.project"),
    "Mutation.routingModelMove": In("project:write", "input.project"),
    "Mutation.routingModelUpdate": In("project:write", "input.project", ("limit:write",)),
    "Mutation.routingPolicyAdd": In("project:write", "input.project"),
    "Mutation.routingPolicyRemove": In("project:write", "input.project"),
    "Mutation.routingPolicyMove": In("project:write", "input.project"),
    "Mutation.routingPolicyUpdate": In("project:write", "input.project"),
    "Mutation.tokenCreate": In("token:write", "input.project"),
    "Mutation.tokenRegenerate": In("token:write", "input.project"),
    "Mutation.tokenUpdate": In("token:write", "input.project"),
    "Mutation.tokenRevoke": In("token:write", "input.project"),
    "Mutation.memberSet": In("member:write", "input.project"),
    "Mutation.revert": "signed-in",
    "Mutation.memberRemove": In("member:write", "input.project"),
    "Subscription.limitEvents": Somewhere("report:read"),
    "Subscription.proxyState": Somewhere("project:read"),
    "Subscription.revisions": Somewhere("project:read"),
    "Subscription.requestLogFeed": Somewhere("report:read"),
    "Subscription.requestLogFirehose": Somewhere("report:read"),
    "Subscription.requestProgress": In("report:read", "project"),
    "RequestTrace.content": "content:read",
    "Project.limitUse": OrNull("report:read"),
    "Project.today": OrNull("report:read"),
    "Project.trend": OrNull("report:read"),
    "Token.lastUsedAt": "report:read",
    "Token.limitUse": OrNull("report:read"),
    "Model.limitUse": OrNull("report:read"),
}


class AccessError(Exception):
    """Somebody asked for what they may not have; `code` is what GraphQL answers in `extensions`."""

    code: str = "FORBIDDEN"


class Unauthenticated(AccessError):
    """Nobody is known behind this request."""

    code = "UNAUTHENTICATED"


class Forbidden(AccessError):
    """The viewer is known and lacks `permission`; `everywhere`: has it, but in some projects alone."""

    def __init__(self, permission: str, project: str | None = None, *, everywhere: bool = False) -> None:
        where = f" in project {project}" if project else " in every project" if everywhere else ""
        super().__init__(f"this needs the permission {permission}{where}, which you do not have")
        self.permission = permission
        self.project = project


class NotVisible(AccessError):
    """What was named is in a project that the viewer may not see, which is said like what does not exist."""

    code = "NOT_FOUND"

    def __init__(self, project: str, named: str | None = None) -> None:
        # `named` is what the client called it by: the slug of what it may not see is not told for an id.
        super().__init__(f"there is no project {project if named is None else named!r}")
        self.project = project


def require(viewer: Viewer | None, rule: Rule | Grant, project: str | None = None) -> None:
    """Raise Unauthenticated, Forbidden or NotVisible unless `viewer` meets `rule`, in `project` where one is named."""
    if rule == "anonymous":
        return
    asker = signed_in(viewer)
    if isinstance(rule, Grant):
        if asker.lacks((rule.rule,), project):
            raise _forbidden(asker, rule.rule, project)
    elif not asker.may(rule, project):
        if project is not None and not asker.may("project:read", project):
            raise NotVisible(project)
        raise _forbidden(asker, rule, project)


def _forbidden(asker: Viewer, rule: Rule, project: str | None = None) -> Forbidden:
    missing = asker.missing(rule, project)
    return Forbidden(missing or rule, project, everywhere=missing is None)


def require_in(viewer: Viewer | None, asked: In, project: str | None) -> None:
    """Raise as `require` does unless `viewer` meets what is asked, or one of its others."""
    if project is None:
        require_somewhere(viewer, asked.rule)
    elif not any(signed_in(viewer).may(rule, project) for rule in asked.others):
        require(viewer, asked.rule, project)


def require_somewhere(viewer: Viewer | None, rule: Rule) -> None:
    """Raise Unauthenticated or Forbidden unless there is a project in which `viewer` meets `rule`."""
    asker = signed_in(viewer)
    if not asker.may_somewhere(rule):
        raise _forbidden(asker, rule)


def signed_in(viewer: Viewer | None) -> Viewer:
    """The viewer. Raises Unauthenticated where nobody is known."""
    if viewer is None:
        raise Unauthenticated("log in, or send an API key as `Authorization: Bearer wb-…`")
    return viewer


def permission_of(asked: Asked) -> Rule:
    """The permission that is asked for, wherever that is."""
    return asked.rule if isinstance(asked, In | Somewhere | OrNull) else asked


def rules_for(type_name: str, field_name: str, entered_type: str) -> tuple[Asked, ...]:
    """What resolving `type_name.field_name`, whose value is of `entered_type`, asks of a viewer already inside `type_name`.

    Raises KeyError for a field without any rule.
    """
    own = FIELD_RULES.get(f"{type_name}.{field_name}")
    if own is None and type_name not in TYPE_RULES:
        raise KeyError(f"{type_name}.{field_name} has no rule in api/access.py")
    if own == "anonymous":
        return ("anonymous",)
    met = {"anonymous", TYPE_RULES.get(type_name)}
    asked: list[Asked] = []
    for rule in (own, TYPE_RULES.get(entered_type)):
        if rule is not None and permission_of(rule) not in met:
            met.add(permission_of(rule))
            asked.append(rule)
    return tuple(asked)
