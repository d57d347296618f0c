"""The routing policies: one module each, and this registry, the only place that knows them all.

A policy is a frozen type of parameters, which is its schema too, and a pure function
`score(situation, pool, params) -> Scores`. A new one is a module and a line in each of the tables below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from core.routing.candidates import Scores
from core.routing.policies import cheapest, health, performance
from core.routing.policies.cheapest import Cheapest
from core.routing.policies.health import Health
from core.routing.policies.performance import Performance

Policy: TypeAlias = Cheapest | Health | Performance

KINDS: Final[dict[type[Policy], str]] = {Cheapest: "cheapest", Health: "health", Performance: "performance"}
SCORERS: Final[dict[str, Callable[..., Scores]]] = {
    "cheapest": cheapest.score,
    "health": health.score,
    "performance": performance.score,
}
# What every candidate scores when there is no answer; a policy that is not here is skipped then.
SCORES_WHEN_FAILED: Final[dict[str, float]] = {}
