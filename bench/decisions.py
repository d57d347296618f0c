"""What decisions and reservations cost inside one process, without a request around them. CPU of this thread.

The least of many runs: what a machine does besides only ever adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import count

from core.config import Model
from core.events import AttemptFinished, RequestFinished
from core.facts import Facts
from core.fields import Prices
from core.files import load
from core.money import Usage
from core.plans import candidate
from core.routing.candidates import Candidate
from core.routing.engine import Ranking
from core.routing.policies import Policy
from core.routing.policies.budget_remaining import BudgetRemaining
from core.routing.policies.capability import Capability
from core.routing.policies.cheapest import Cheapest
from core.routing.policies.context import Context
from core.routing.policies.fairness import Fairness
from core.routing.policies.health import Health
from core.routing.policies.performance import Performance
from core.routing.policies.rate_limit import RateLimit
from core.routing.stats import Statistics
from core.snapshot import Snapshot, full_delta
from proxy.ledger import Grant, MemoryLedger

EIGHT: tuple[Policy, ...] = (
    Cheapest(), Health(), Performance(), Capability(), Context(), RateLimit(), Fairness(), BudgetRemaining(),
)  # fmt: skip
PROJECT = "p"
CALLS = 100
BEGAN_MS = 1_795_424_460_000
_FACTS = Facts(model_named="auto", input_tokens_estimate=240, input_tokens_bound=1_000, output_tokens_cap=64)


def least_us(acts: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """CPU microseconds a call of each: the least of so many rounds, in which each has its turn."""
    least = dict.fromkeys(acts, float("inf"))
    for _ in range(rounds):
        for name, act in acts.items():
            began = time.thread_time_ns()
            for _ in range(CALLS):
                act()
            least[name] = min(least[name], (time.thread_time_ns() - began) / CALLS / 1_000)
    return least


def deciding(candidates: int, records: int) -> Callable[[], object]:
    """One decision of eight policies, in a millisecond of its own: nothing of the one before can be used again."""
    models = [_candidate(number) for number in range(candidates)]
    ranking, statistics = Ranking(models, EIGHT), Statistics()
    # So much in the last 20 minutes, which is what health and performance look at.
    now_ms = BEGAN_MS
    for number in range(records):
        now_ms = BEGAN_MS + number * 1_100_000 // records
        statistics.fold(_finished(f"r{number}", now_ms, f"m{number % candidates}"))
    budgets = {model.id: 0.5 for model in models}
    clock = count(now_ms + 1)

    def decide() -> None:
        ranking.decide(_FACTS, statistics, next(clock), budgets=budgets, project=PROJECT)

    return decide


def admitting(files: Mapping[str, bytes], project: str, used: int) -> Callable[[], object]:
    """What limits cost a request that knows its candidates: exhausted, remaining, reserve, settle."""
    snapshot = Snapshot.build(full_delta(load(files), "0" * 40))
    ledger = MemoryLedger(new=True)
    book = ledger.book(snapshot.settings, snapshot.models)
    plan, entry = snapshot.plan(project), snapshot.token_of(project, "t0")
    assert plan is not None
    assert entry is not None
    for other in range(len([path for path in files if path.startswith(f"projects/{project}/tokens/")])):
        held = snapshot.token_of(project, f"t{other}")
        assert held is not None
        book.terms(plan, held, BEGAN_MS)
    candidates, terms = plan.candidates, book.terms(plan, entry, BEGAN_MS)
    clock, model = count(BEGAN_MS), candidates[0].id
    end = _finished("r", BEGAN_MS, model, project)

    def admit() -> None:
        now_ms = next(clock)
        ledger.exhausted(terms, candidates, now_ms)
        ledger.remaining(terms, candidates, now_ms)
        granted = ledger.reserve("r", terms, model, _FACTS, now_ms)
        assert isinstance(granted, Grant), granted
        ledger.settle(end)

    for _ in range(used):
        admit()
    return admit


def line(points: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """(at 0, a step, the largest relative distance from it) of the straight line through points, by least squares."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / sum((x - middle_x) ** 2 for x, _ in points)
    start = middle_y - slope * middle_x
    return start, slope, max(abs(y - start - slope * x) / y for x, y in points)


def _candidate(number: int) -> Candidate:
    price = Decimal(number + 1)
    model = Model(provider="u", upstream_name="m", prices=Prices(input=price, output=2 * price), context_window=128_000)
    return candidate(f"m{number}", model)


def _finished(request: str, at_ms: int, model: str, project: str = PROJECT) -> RequestFinished:
    attempt = AttemptFinished(
        model=model, provider="u", status="success", ended_ms=20.0, usage=Usage(input_tokens=200, output_tokens=9),
        cost_nano_usd=218_000,
    )  # fmt: skip
    return RequestFinished(
        id=request, at_ms=at_ms, project=project, token="t0", revision="0" * 40, status="success", http_status=200,
        attempts=(attempt,), model=model, usage=attempt.usage, cost_nano_usd=attempt.cost_nano_usd, latency_ms=20.0,
    )  # fmt: skip
