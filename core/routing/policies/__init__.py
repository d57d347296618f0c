"""The routing policies: one module each, and this registry, the only place that knows them all.

A policy is a frozen type of parameters, which is its schema too, and a pure function
`score(situation, pool, params) -> Scores`. A new one is a module and a line in each of the tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from core.routing.candidates import Scores
from core.routing.policies import (
    budget_remaining,
    capability,
    cheapest,
    context,
    fairness,
    health,
    llm,
    model_preference,
    performance,
    rate_limit,
    semantic_intent,
)
from core.routing.policies.budget_remaining import BudgetRemaining
from core.routing.policies.capability import Capability
from core.routing.policies.cheapest import Cheapest
from core.routing.policies.context import Context
from core.routing.policies.fairness import Fairness
from core.routing.policies.health import Health
from core.routing.policies.llm import Llm
from core.routing.policies.model_preference import ModelPreference
from core.routing.policies.performance import Performance
from core.routing.policies.rate_limit import RateLimit
from core.routing.policies.semantic_intent import SemanticIntent

Policy: TypeAlias = (
    Cheapest
    | Health
    | Performance
    | Capability
    | Context
    | RateLimit
    | Fairness
    | BudgetRemaining
    | Llm
    | SemanticIntent
    | ModelPreference
)

KINDS: Final[dict[type[Policy], str]] = {
    Cheapest: "cheapest",
    Health: "health",
    Performance: "performance",
    Capability: "capability",
    Context: "context",
    RateLimit: "rate-limit",
    Fairness: "fairness",
    BudgetRemaining: "budget-remaining",
    Llm: "llm",
    SemanticIntent: "semantic-intent",
    ModelPreference: "model-preference",
}
SCORERS: Final[dict[str, Callable[..., Scores]]] = {
    "cheapest": cheapest.score,
    "health": health.score,
    "performance": performance.score,
    "capability": capability.score,
    "context": context.score,
    "rate-limit": rate_limit.score,
    "fairness": fairness.score,
    "budget-remaining": budget_remaining.score,
    "llm": llm.score,
    "semantic-intent": semantic_intent.score,
    "model-preference": model_preference.score,
}
# Those whose answer takes a call, which somebody else makes beforehand.
ASKED: Final = frozenset({"llm", "semantic-intent"})
# What every candidate scores when there is no answer; a policy that is not here is skipped then.
SCORES_WHEN_FAILED: Final[dict[str, float]] = {"semantic-intent": 1.0}


def models_named(policy: Policy) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The models that a policy's parameters name, each with its place below the policy."""
    match policy:
        case Llm():
            yield ("model",), policy.model
            for position, model in enumerate(policy.fallback_models):
                yield ("fallback_models", position), model
        case SemanticIntent():
            yield ("embedding_model",), policy.embedding_model
            for name, intent in policy.intents.items():
                for position, model in enumerate(intent.models):
                    yield ("intents", name, "models", position), model
