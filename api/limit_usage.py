"""How limits stand: each one that is in force for a scope, with its use now, from rollups and at most an hour's rows.

A scope is named as `core.limits.Scope` names it: the platform, a project, a token, a model, a project's model, a token's model.
What is answered for it are the limits that a request in it is held to, those of the levels around it too, each with the use of
the scope that it counts. What is reserved by requests in flight only the proxy knows; it is not in `used`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database import windows
from api.database.windows import Run
from core.config import Config, Model, Project, Routing, Settings, Token
from core.fields import Limits, Metric
from core.limits import (
    METRICS,
    NO_LIMITS,
    Amounts,
    Effective,
    Scope,
    Window,
    effective_per_model,
    effective_totals,
    model_scopes,
    total_scopes,
    window_of,
)
from core.limits.windows import reset_ms, start_ms, window_name
from core.paths import SETTINGS_PATH, model_path, project_path, routing_path, token_path

_NO_TOKEN = Token(name="none", sha256="0" * 64, prefix="")


class LimitUse(msgspec.Struct, frozen=True, kw_only=True):
    """One limit and its use. Amounts in nano-USD for cost, else counts; `remaining` may be negative."""

    scope: Scope  # whose use it counts
    metric: Metric
    window: Window
    window_name: str
    start_ms: int  # the first instant of the window at present
    reset_ms: int | None  # None: it rolls
    value: int
    used: int

    @property
    def remaining(self) -> int:
        """What is left."""
        return self.value - self.used

    @property
    def share(self) -> float:
        """How much of it is used: 1.0 is all of it, and it may be more. A limit of 0 is used up."""
        return self.used / self.value if self.value else 1.0

    @property
    def exhausted(self) -> bool:
        """Whether it refuses everything."""
        return self.used >= self.value


def effective_limits(config: Config, scope: Scope) -> tuple[Effective, ...]:
    """The limits that a request in this scope is held to, from the outside in; without those of scopes it does not name.

    The totals for the platform, a project or a token; those on the model where the scope names one.
    """
    files = config.files
    project = _limits(files, project_path(scope.project), Project) if scope.project else NO_LIMITS
    token = files.get(token_path(scope.project, scope.token)) if scope.token else None
    held_to = token if isinstance(token, Token) else _NO_TOKEN
    if not scope.model:
        platform = _limits(files, SETTINGS_PATH, Settings)
        return effective_totals(platform, project, held_to.limits, total_scopes(scope.project, scope.token))
    routing = files.get(routing_path(scope.project)) if scope.project else None
    entries = routing.models if isinstance(routing, Routing) else ()
    entry = next((routed.limits for routed in entries if routed.id == scope.model), NO_LIMITS)
    model = _limits(files, model_path(scope.model), Model)
    return effective_per_model(model, entry, held_to, scope.model, model_scopes(scope.project, scope.token, scope.model))


async def limit_uses(
    engine: AsyncEngine, config: Config, scopes: Sequence[Scope], now_ms: int
) -> dict[Scope, tuple[LimitUse, ...]]:
    """For each of these scopes the limits that hold in it, as they stand at this instant. Each count is asked for once."""
    held = {scope: effective_limits(config, scope) for scope in scopes}
    counts = dict.fromkeys(
        (effective.scope, window_of(effective.rule.window)) for found in held.values() for effective in found
    )
    if not counts:
        return dict.fromkeys(scopes, ())

    def ask(run: Run) -> dict[tuple[Scope, Window], Amounts]:
        return {(scope, window): windows.window_use(run, scope, window, now_ms) for scope, window in counts}

    used = await windows.with_run(engine, ask)
    return {scope: tuple([_standing(effective, used, now_ms) for effective in found]) for scope, found in held.items()}


async def limit_usage(engine: AsyncEngine, config: Config, scope: Scope, now_ms: int) -> tuple[LimitUse, ...]:
    """The same for one scope."""
    return (await limit_uses(engine, config, [scope], now_ms))[scope]


def _standing(effective: Effective, used: Mapping[tuple[Scope, Window], Amounts], now_ms: int) -> LimitUse:
    window = window_of(effective.rule.window)
    return LimitUse(
        scope=effective.scope,
        metric=effective.rule.metric,
        window=window,
        window_name=window_name(window),
        start_ms=start_ms(window, now_ms),
        reset_ms=reset_ms(window, now_ms),
        value=effective.amount,
        used=used[effective.scope, window][METRICS.index(effective.rule.metric)],
    )


def _limits(files: Mapping[str, object], path: str, kind: type[Settings] | type[Project] | type[Model]) -> Limits:
    found = files.get(path)
    return found.limits if isinstance(found, kind) else NO_LIMITS
