"""Which limits a request is held to: the two chains, resolved from the outside in, and the scopes that count.

    totals       platform -> project -> token
    per model    model -> the project's entry for it -> the token's entry for it

A level's mode: `replace` only its own limits, `extend` its own and the inherited, `disable` none from here outward. `replace`
and `extend` without limits are no entry. Platform limits hold whatever the levels inside them say. A token's own `disable`
empties both chains but for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from core.config import ModelEntry, Token
from core.fields import LimitRule, Limits

Kind: TypeAlias = Literal["platform", "project", "token", "model", "project_model", "token_model"]
_KINDS: dict[tuple[bool, bool, bool], Kind] = {
    (False, False, False): "platform",
    (True, False, False): "project",
    (True, True, False): "token",
    (False, False, True): "model",
    (True, False, True): "project_model",
    (True, True, True): "token_model",
}


class Scope(NamedTuple):
    """Whose use is counted; "" stands for all of them. A token's id is unique in its project alone, so it comes with it."""

    project: str = ""
    token: str = ""
    model: str = ""

    @property
    def kind(self) -> Kind:
        """What sort of scope it is."""
        return _KINDS[bool(self.project), bool(self.token), bool(self.model)]

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        whose = f"token {self.token} of project {self.project}" if self.token else f"project {self.project}"
        if not self.model:
            return whose if self.project else "the platform"
        return f"model {self.model} for {whose}" if self.project else f"model {self.model}"


PLATFORM = Scope()
NO_LIMITS = Limits()


class Effective(NamedTuple):
    """A rule that holds, and whose use it counts."""

    scope: Scope
    rule: LimitRule

    @property
    def amount(self) -> int:
        """The limit's value in the unit of its metric: nano-USD for cost, else as it is written."""
        value = self.rule.value
        return int(value.scaleb(9)) if self.rule.metric == "cost" else int(value)


def total_scopes(project: str, token: str) -> tuple[Scope, Scope, Scope]:
    """The scopes that count a token's requests whatever the model, from the outside in."""
    return PLATFORM, Scope(project), Scope(project, token)


def model_scopes(project: str, token: str, model: str) -> tuple[Scope, Scope, Scope]:
    """The scopes that count a token's requests to a model, from the outside in."""
    return Scope("", "", model), Scope(project, "", model), Scope(project, token, model)


def effective_totals(platform: Limits, project: Limits, token: Limits, scopes: tuple[Scope, ...]) -> tuple[Effective, ...]:
    """The totals that hold for a token; `scopes` are those of `total_scopes`."""
    held, *inner = zip(scopes, (platform, project, token), strict=True)
    return (*_resolved([held]), *_resolved(inner))


def effective_per_model(
    model: Limits, project_entry: Limits, token: Token, model_id: str, scopes: tuple[Scope, ...]
) -> tuple[Effective, ...]:
    """The limits on one model that hold for a token; `scopes` are those of `model_scopes`."""
    if token.limits.mode == "disable":
        return ()
    return _resolved(zip(scopes, (model, project_entry, token_entry(token.models, model_id)), strict=True))


def token_entry(entries: Iterable[ModelEntry], model_id: str) -> Limits:
    """A token's own limits on a model."""
    return next((entry.limits for entry in entries if entry.id == model_id), NO_LIMITS)


def _resolved(levels: Iterable[tuple[Scope, Limits]]) -> tuple[Effective, ...]:
    """What is left of these levels, from the outside in."""
    held: tuple[Effective, ...] = ()
    for scope, limits in levels:
        if limits.mode == "disable":
            held = ()
        elif limits.rules:
            own = tuple(Effective(scope, rule) for rule in limits.rules)
            held = (*held, *own) if limits.mode == "extend" else own
    return held
