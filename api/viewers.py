"""Somebody who asks, and what they may do: the rules are told at the head of `api/access.py`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from functools import cached_property
from typing import Final, Literal, TypeAlias, cast, get_args

import msgspec

from core.config import Permission

GlobalRole: TypeAlias = Literal["admin", "operator", "viewer"]

ALL_PERMISSIONS: Final[frozenset[str]] = frozenset(get_args(Permission))

# `project:delete` is no permission of its own: `project:write` includes it, except that of the built-in project role `editor`.
Rule: TypeAlias = Permission | Literal["anonymous", "signed-in", "project:delete"]

# What reaches into no project, whoever has it.
_OF_NO_PROJECT: Final[frozenset[str]] = frozenset({"user:read", "user:write", "settings:write"})
READ: Final[Rule] = "project:read"  # what all permissions in a project count only beside
# What counts only beside another permission: whoever changes something reads in the answer what it is then.
_BESIDE: Final[Mapping[str, Rule]] = {"user:write": "user:read", "model:write": "model:read", "settings:write": "project:read"}


class Viewer(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Whoever is behind a request: a user by session or by key, with what their roles grant in the published configuration.

    `permissions` are the global role's; `grants` is what each project role adds: (slug, permissions), by slug. `restricted` is
    a member of projects whose global role lacks `project:write`: the head of `api/access.py` says what that means.
    """

    user_id: str
    email: str
    name: str = ""
    role: str
    permissions: frozenset[str] = frozenset()
    via: Literal["session", "key"] = "key"
    credential_id: str = ""  # of the session or the key that this request came with
    restricted: bool = False
    grants: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)

    def may(self, rule: Rule, project: str | None = None) -> bool:
        """Whether `rule` is met: in `project`, or where none is named for what is of no project, or of all of them."""
        if rule in ("anonymous", "signed-in"):
            return True
        if project is not None:
            return all(self._has(each, project) for each in (rule, _BESIDE.get(rule, rule), READ))
        if rule in ("project:read", "model:read"):
            # The state of the installation is shown to whoever sees a project, models to whoever may read them for one.
            shared = rule == "model:read" and self._globally(rule)
            return shared or self._everywhere(rule) or any(self.may(rule, slug) for slug in self.grants)
        if rule in _BESIDE:
            return self._globally(rule) and self.may(_BESIDE[rule])
        # Whoever creates a project becomes its admin, and so sees it.
        return self._globally(rule) if rule in ("user:read", "project:write") else self._everywhere(rule)

    def may_somewhere(self, rule: Rule) -> bool:
        """Whether `rule` is met for what is of no project, or in one, perhaps one still to come."""
        return self.may(rule) or any(self.may(rule, slug) for slug in self.grants)

    def projects(self, rule: Rule = "project:read") -> frozenset[str] | None:
        """The slugs of the projects in which `rule` is met; None for all there are."""
        return None if self._everywhere(rule) else frozenset(slug for slug in self.grants if self.may(rule, slug))

    def visible_projects(self) -> frozenset[str] | None:
        """The slugs of the projects that exist for this viewer; None for all."""
        return self.projects("project:read")

    def lacks(self, permissions: Collection[str], project: str | None = None) -> frozenset[str]:
        """Those of `permissions` that this viewer does not have, in `project` or in every one, and so must not grant there."""
        if project is not None:
            return frozenset(rule for rule in permissions if not self.may(cast("Rule", rule), project))
        return frozenset(rule for rule in permissions if not self._everywhere(cast("Rule", rule)))

    def lacks_of(self, other: Viewer) -> frozenset[str]:
        """What `other` may do and this viewer may not: whoever lacks something of somebody may not change who that is."""
        missing = frozenset(other.permissions) - self.permissions
        if self.restricted and not other.restricted:
            missing |= self.lacks(other.permissions)
        for slug, granted in other.grants.items():
            here = (rule for rule in other.permissions if other.may(cast("Rule", rule), slug))
            missing |= self.lacks(granted.union(here), slug)
        return missing

    def missing(self, rule: Rule, project: str | None = None) -> Rule | None:
        """Of `rule` and what it counts beside, what neither the global role grants nor that in `project`; None where it is all
        there, but not in every project."""
        for each in (rule, _BESIDE.get(rule, rule), READ):
            if not (self._has(each, project) if project is not None else self._globally(each)):
                return each
        return None

    @cached_property
    def scope(self) -> Hashable:
        """Equal for viewers who may do the same everywhere: what a shared answer depends on."""
        return self.permissions, self.restricted, frozenset(self.grants.items())

    def _everywhere(self, rule: Rule) -> bool:
        """Whether `rule` is met in every project there is or will be, or reaches into none."""
        if rule in _OF_NO_PROJECT:
            return self.may(rule)
        needed = (rule, _BESIDE.get(rule, rule), READ)
        return not self.restricted and all(self._globally(each) for each in needed)

    def _has(self, rule: str, project: str) -> bool:
        granted = self.grants.get(project)
        if granted is None:
            return not self.restricted and self._globally(rule)
        return rule in granted or self._globally(rule)

    def _globally(self, rule: str) -> bool:
        return ("project:write" if rule == "project:delete" else rule) in self.permissions
