"""What the money soak runs on: models at awkward prices, three projects, and a count in every scope there is. Pure.

`broad` takes whatever model the client names; `tight` has limits that run out every few seconds; `judged` asks two models
before each request. Each scope has a limit that is never reached, over the year: so the ledger counts all of it.
"""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from typing import Any

from core.limits import Scope
from core.money import Usage

Rule = dict[str, Any]
PROJECTS = ("broad", "tight", "judged")
TOKENS = ("t1", "t2")
# USD for a million tokens, in all the decimals that there may be.
PRICES: dict[str, dict[str, Any]] = {
    "large": {
        "input": "2.5", "output": "10.000001", "cached_input": "1.250003", "reasoning": "12.7",
        "tiers": [
            {"above_input_tokens": 300, "input": "3.1", "cached_input": "1.7"},
            {"above_input_tokens": 900, "input": "5.000007", "output": "15.3"},
        ],
    },
    "small": {"input": "0.333333", "output": "0.777777"},
    "odd": {"input": "1.000001", "output": "0.199999", "cached_input": "0.000001"},
    "steady": {"input": "0.15", "output": "0.61"},
    "shaky": {"input": "1.1", "output": "4.4"},
    "claude": {
        "input": "3", "output": "15", "cached_input": "0.3", "cache_write_5m": "3.750001", "cache_write_1h": "6",
        "tiers": [{"above_input_tokens": 600, "input": "6", "output": "22.5"}],
    },
    "embedder": {"input": "0.020001", "output": "0"},
    "judge": {"input": "0.05", "output": "0.4"},
}  # fmt: skip
UNPRICED = "gift"
MODELS = (*PRICES, UNPRICED)
_SIMULATED = {
    "steady": {"seed": 1, "output_tokens": 12},
    "shaky": {"seed": 2, "failure_rate": 0.3, "output_tokens": 20},
    "embedder": {"seed": 3},
    "judge": {
        "seed": 4, "failure_rate": 0.1,
        "answers": [{"when": "", "text": '{"routing": [{"model": "small", "point": 0.9}, {"model": "steady", "point": 0.4}]}'}],
    },
}  # fmt: skip
ROUTED = {
    "broad": ("large", "small", "odd", "steady", "shaky", "claude", UNPRICED),
    "tight": ("small", "large", "shaky", "claude"),
    "judged": ("shaky", "small", "steady", "large"),
}
_FEW_SECONDS = {"rolling": 5, "unit": "seconds"}
_POLICIES: dict[str, list[dict[str, Any]]] = {
    "broad": [{"kind": "model-preference"}],
    "tight": [{"kind": "model-preference"}, {"kind": "health", "probe_seconds": 1}, {"kind": "budget-remaining"}],
    "judged": [
        {"kind": "llm", "model": "judge", "cache_ttl_seconds": 0},
        {
            "kind": "semantic-intent",
            "embedding_model": "embedder",
            "intents": {"numbers": {"examples": ["one two three"], "models": ["small", "steady", "shaky"]}},
        },
        {"kind": "cheapest"},
    ],
}
_NEVER = [
    {"metric": "cost", "window": "yearly", "value": 1_000_000},
    *({"metric": metric, "window": "yearly", "value": 10**12} for metric in ("calls", "input_tokens", "total_tokens")),
]


def tight_rules(requests_a_second: float) -> dict[Scope, list[Rule]]:
    """Limits that refuse some of so many requests a second, by the scope that they count."""
    calls = max(4, int(requests_a_second))
    return {
        Scope("tight"): [
            {"metric": "calls", "window": _FEW_SECONDS, "value": calls},
            {"metric": "cost", "window": {"rolling": 7, "unit": "seconds"}, "value": f"{calls * 600_000e-9:.9f}"},
        ],
        Scope("tight", "t2"): [{"metric": "total_tokens", "window": _FEW_SECONDS, "value": calls * 70}],
        Scope("tight", "", "small"): [{"metric": "output_tokens", "window": _FEW_SECONDS, "value": calls * 15}],
        Scope("tight", "t1", "large"): [{"metric": "input_tokens", "window": _FEW_SECONDS, "value": calls * 15}],
    }


def counted() -> list[Scope]:
    """Every scope that is counted over the year."""
    found = [Scope(), *(Scope("", "", model) for model in MODELS)]
    for project in PROJECTS:
        found.append(Scope(project))
        found += [Scope(project, "", model) for model in ROUTED[project]]
        for token in TOKENS:
            found.append(Scope(project, token))
            asked = ("judge", "embedder") if project == "judged" else ()
            found += [Scope(project, token, model) for model in (*ROUTED[project], *asked)]
    return found


def files(port: int, tight: dict[Scope, list[Rule]]) -> dict[str, bytes]:
    """The repository's files for a provider on this port. JSON is YAML."""

    def limits(*scope: str) -> dict[str, Any]:
        return {"mode": "extend", "rules": [*_NEVER, *tight.get(Scope(*scope), ())]}

    made: dict[str, Any] = {
        "waybill.yaml": {"format": 1, "timeouts": {"attempt_timeout_ms": 1_500}, "limits": limits()},
        "providers/local.yaml": {"kind": "openai-compatible", "base_url": f"http://127.0.0.1:{port}/v1"},
        "providers/claude.yaml": {"kind": "anthropic", "base_url": f"http://127.0.0.1:{port}"},
    }
    for model in MODELS:
        simulated = _SIMULATED.get(model)
        provider = "simulated" if simulated else "claude" if model == "claude" else "local"
        made[f"models/{model}.yaml"] = {
            "provider": provider,
            "upstream_name": model,
            "limits": limits("", "", model),
            **({"simulation": simulated} if simulated else {}),
            **({"prices": _numbers(PRICES[model])} if model in PRICES else {"unpriced": "allow"}),
        }
    for project in PROJECTS:
        listed = [{"id": model, "limits": limits(project, "", model)} for model in ROUTED[project]]
        made[f"projects/{project}/project.yaml"] = {
            "id": f"id-{project}", "name": f"Money {project}", "limits": limits(project), "default_max_output_tokens": 200,
        }  # fmt: skip
        made[f"projects/{project}/routing.yaml"] = {"models": listed, "policies": _POLICIES[project]}
        for token in TOKENS:
            value = token_value(project, token)
            made[f"projects/{project}/tokens/{token}.yaml"] = {
                "name": token,
                "sha256": hashlib.sha256(value.encode()).hexdigest(),
                "prefix": value[:10],
                "limits": limits(project, token),
                "models": [{"id": model, "limits": limits(project, token, model)} for model in MODELS],
            }
    return {path: json.dumps(value, indent=1).encode() for path, value in made.items()}


def token_value(project: str, token: str) -> str:
    """The same at each run: it protects nothing but a test."""
    return "sk-lr-" + hashlib.sha256(f"{project}/{token}".encode()).hexdigest()[:43]


def bill(model: str, usage: Usage) -> int | None:
    """What a call costs in nano-USD, worked out in fractions from the prices above, and by no code of the product."""
    prices = PRICES.get(model)
    if prices is None:
        return None
    held = dict(prices)
    for tier in prices.get("tiers", ()):
        if usage.input_tokens > tier["above_input_tokens"]:
            held = {**prices, **tier}
    dollars = Fraction(0)
    inputs, outputs = usage.input_tokens, usage.output_tokens
    for name, tokens in (
        ("cached_input", usage.cached_input_tokens),
        ("cache_write_5m", usage.cache_write_5m_tokens),
        ("cache_write_1h", usage.cache_write_1h_tokens),
    ):
        dollars += tokens * Fraction(held.get(name, held["input"]))
        inputs -= tokens
    dollars += usage.reasoning_tokens * Fraction(held.get("reasoning", held["output"]))
    outputs -= usage.reasoning_tokens
    dollars += inputs * Fraction(held["input"]) + outputs * Fraction(held["output"])
    nano_usd = dollars * 1_000  # a million tokens and 10^9 nano-USD
    return int(nano_usd + Fraction(1, 2))


def _numbers(prices: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [_numbers(tier) for tier in value] if name == "tiers" else float(value) if isinstance(value, str) else value
        for name, value in prices.items()
    }
