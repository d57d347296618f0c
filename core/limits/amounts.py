"""What a request uses of each metric, and what of it is booked when it is over. Exact integers; cost in nano-USD."""

from __future__ import annotations

from typing import Final, TypeAlias

from core.events import AttemptFinished, RequestFinished
from core.fields import Metric
from core.money import Usage

METRICS: Final[tuple[Metric, ...]] = ("cost", "calls", "input_tokens", "output_tokens", "total_tokens")
COST, CALLS, INPUT, OUTPUT, TOTAL = range(5)
Amounts: TypeAlias = tuple[int, int, int, int, int]  # in the order of METRICS
NOTHING: Final[Amounts] = (0, 0, 0, 0, 0)


def amounts(cost: int, calls: int, input_tokens: int, output_tokens: int) -> Amounts:
    """The five figures of four: total tokens are input and output."""
    return (cost, calls, input_tokens, output_tokens, input_tokens + output_tokens)


def added(one: Amounts, other: Amounts) -> Amounts:
    """Both together."""
    a, b, c, d, e = one
    v, w, x, y, z = other
    return (a + v, b + w, c + x, d + y, e + z)


def taken(one: Amounts, other: Amounts) -> Amounts:
    """The one without the other."""
    a, b, c, d, e = one
    v, w, x, y, z = other
    return (a - v, b - w, c - x, d - y, e - z)


def booked(event: RequestFinished) -> tuple[Amounts, dict[str, Amounts]]:
    """What a finished request counts for: in its totals, and for each model that was used.

    A call is one a request in totals and one a successful model per model. A request that failed gives it back unless it cost
    money; what was used without a price may have, and keeps it.
    """
    if not event.attempts and event.usage is not None:
        return _crashed(event, event.usage)
    success = event.status == "success"
    cost = input_tokens = output_tokens = 0
    paid = False
    models: dict[str, Amounts] = {}
    last: AttemptFinished | None = None
    for attempt in event.attempts:
        if attempt.status == "skipped":
            continue
        last = attempt
        usage = attempt.usage
        used, written = (0, 0) if usage is None else (usage.input_tokens, usage.output_tokens)
        price = attempt.cost_nano_usd or 0
        cost += price
        input_tokens += used
        output_tokens += written
        paid |= cost_money(attempt)
        call = 1 if attempt.status == "success" else 0
        if usage is not None or call:
            own = amounts(price, call, used, written)
            models[attempt.model] = added(models[attempt.model], own) if attempt.model in models else own
    if not success and last is not None and last.status != "success" and cost_money(last):
        models[last.model] = added(models[last.model], (0, 1, 0, 0, 0))
    return amounts(cost, 1 if success or paid else 0, input_tokens, output_tokens), models


def _crashed(event: RequestFinished, usage: Usage) -> tuple[Amounts, dict[str, Amounts]]:
    """One that died with its process: booked at its reserve, its call too."""
    reserve = amounts(event.cost_nano_usd or 0, 1, usage.input_tokens, usage.output_tokens)
    return reserve, {} if event.model is None else {event.model: reserve}


def cost_money(attempt: AttemptFinished) -> bool:
    """Whether an attempt cost something, or used something that has no price."""
    if attempt.cost_nano_usd is not None:
        return attempt.cost_nano_usd > 0
    return attempt.usage is not None
