"""Requests of every kind of end, for what has to agree about them: rows, rollups, counters, balances."""

from __future__ import annotations

from random import Random
from typing import Any

from core.events import AttemptFinished, RequestFinished
from core.limits import Amounts, Scope, booked
from core.limits.amounts import NOTHING, added
from core.money import Usage
from tests.api.journalled import request_id

PROJECTS = ("a", "b")
TOKENS = ("t", "u")
MODELS = ("m0", "m1", "m2")


def mixed(count: int, now_ms: int, span_ms: int, seed: int = 1, first: int = 1) -> list[RequestFinished]:
    """Requests admitted within `span_ms` before an instant: successes, fallbacks that cost, failures, crashes, no price."""
    dice = Random(seed)
    return [_request(dice, first + number, now_ms, span_ms) for number in range(count)]


def _request(dice: Random, number: int, now_ms: int, span_ms: int) -> RequestFinished:
    admitted_ms = dice.choice((0, 3, 2_500))
    attempts = [_attempt(dice, dice.choice(("error", "timeout", "skipped"))) for _ in range(dice.choice((0, 0, 0, 1, 2)))]
    kind = dice.choice(("success", "success", "success", "failure", "cancelled", "refused", "crashed"))
    if kind in ("success", "cancelled"):
        attempts.append(_attempt(dice, kind))
    last = attempts[-1] if attempts and kind in ("success", "cancelled") else None
    values: dict[str, Any] = {
        "usage": last.usage if last else None,
        "cost_nano_usd": sum(attempt.cost_nano_usd or 0 for attempt in attempts),
        "model": last.model if last else None,
        "status": {"failure": "error", "refused": "budget_exceeded", "crashed": "error"}.get(kind, kind),
    }
    if kind == "refused":
        attempts = []
        values["cost_nano_usd"] = 0
    if kind == "crashed":
        attempts = []
        used = Usage(input_tokens=dice.randrange(9_000), output_tokens=100, estimated=True)
        values |= {"usage": used, "cost_nano_usd": dice.randrange(10**7), "model": dice.choice(MODELS)}
    return RequestFinished(
        id=request_id(number),
        at_ms=now_ms - dice.randrange(span_ms) - admitted_ms,
        admitted_ms=admitted_ms,
        project=dice.choice(PROJECTS),
        token=dice.choice(TOKENS),
        revision="f" * 40,
        http_status=200,
        attempts=tuple(attempts),
        **values,
    )


def _attempt(dice: Random, status: Any) -> AttemptFinished:
    used = None
    if status in ("success", "cancelled") or (status == "error" and dice.random() < 0.5):
        used = Usage(input_tokens=dice.randrange(1, 5_000), output_tokens=dice.randrange(900), cached_input_tokens=1)
    cost = None if used is None or dice.random() < 0.1 else dice.randrange(10**7)
    return AttemptFinished(model=dice.choice(MODELS), provider="p", status=status, usage=used, cost_nano_usd=cost)


def used_by(events: list[RequestFinished], scope: Scope, start_ms: int, end_ms: int) -> Amounts:
    """What these requests are booked at in a scope, admitted from one instant to another, both inside: by definition."""
    total = NOTHING
    for event in events:
        at_ms = event.at_ms + event.admitted_ms
        if scope.project not in ("", event.project) or scope.token not in ("", event.token) or not start_ms <= at_ms <= end_ms:
            continue
        totals, models = booked(event)
        total = added(total, models.get(scope.model, NOTHING) if scope.model else totals)
    return total


SCOPES = (
    Scope(),
    Scope("a"),
    Scope("a", "t"),
    Scope("", "", "m1"),
    Scope("b", "", "m0"),
    Scope("b", "u", "m2"),
    Scope("nobody"),
)
