"""Small configurations under limits, requests and their events, for the tests of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.config import Model, ModelEntry, Project, RoutedModel, Routing, Settings, Token
from core.events import AttemptFinished, RequestAdmitted, RequestFinished, Status
from core.facts import Facts
from core.fields import LimitRule, Limits, Prices, RollingWindow
from core.limits import NO_LIMITS, Block
from core.money import Usage
from core.plans import ProjectPlan, plan_project
from core.providers import Provider
from core.snapshot import TokenEntry
from proxy.ledger.memory import MemoryLedger
from proxy.ledger.reservations import Grant
from proxy.ledger.terms import Book, Terms

NOW_MS = 1_795_424_460_123  # 2026-11-23T09:01:00.123Z, a Monday
MODELS = ("a", "b", "c")


def rule(metric: str, window: str | int, value: object) -> LimitRule:
    """At most `value` a calendar window, or a rolling one of so many seconds."""
    written: Any = RollingWindow(rolling=window, unit="seconds") if isinstance(window, int) else window
    return LimitRule(metric=metric, window=written, value=Decimal(str(value)))  # type: ignore[arg-type]  # a test's word


def limits(*rules: LimitRule, mode: Any = "replace") -> Limits:
    return Limits(mode=mode, rules=rules)


class World:
    """A ledger and one configuration: models a, b and c at 1,000 nano-USD a token, any projects and tokens."""

    def __init__(self, ledger: MemoryLedger | None = None, **levels: Any) -> None:
        self.ledger = ledger if ledger is not None else MemoryLedger(new=True)
        self.now_ms = NOW_MS
        self.book: Book
        self.reload(**levels)

    def reload(
        self,
        platform: Limits = NO_LIMITS,
        project: Limits = NO_LIMITS,
        token: Limits = NO_LIMITS,
        model: Limits = NO_LIMITS,
        entry: Limits = NO_LIMITS,
        own: Limits = NO_LIMITS,
        models: Mapping[str, dict[str, Any]] | None = None,
        default: int | None = 100,
    ) -> None:
        """Another revision. Limits on models are on `a`; a token's name may have its own in `tokens`."""
        given = models or {}
        self._settings = Settings(format=1, limits=platform)
        self._models = {name: _model(model if name == "a" else Limits(), given.get(name, {})) for name in MODELS}
        self._project = Project(id="p", name="P", limits=project, default_max_output_tokens=default)
        self._routing = Routing(
            models=tuple(RoutedModel(id=name, limits=entry if name == "a" else Limits()) for name in MODELS)
        )
        self._token = Token(name="t", sha256="0" * 64, prefix="sk", limits=token, models=(ModelEntry(id="a", limits=own),))
        self.book = self.ledger.book(self._settings, self._models)

    def plan(self, project: str = "p") -> ProjectPlan:
        return plan_project(
            project, self._project, self._routing, self._settings, self._models, {"sim": Provider(kind="simulated")}
        )

    def terms(self, token: str = "t", project: str = "p") -> Terms:
        return self.book.terms(self.plan(project), TokenEntry(token, project, self._token), self.now_ms)

    def reserve(
        self, request: str, model: str = "a", token: str = "t", project: str = "p", tokens: int = 0, **facts: Any
    ) -> Grant | tuple[Block, ...]:
        asked = Facts(input_tokens_bound=tokens, **facts)
        return self.ledger.reserve(request, self.terms(token, project), model, asked, self.now_ms)

    def blocked(self, token: str = "t", project: str = "p") -> Mapping[str, tuple[Block, ...]]:
        terms = self.terms(token, project)
        return self.ledger.exhausted(terms, self.plan(project).candidates, self.now_ms)

    def held(self, token: str = "t", project: str = "p", model: str = "a") -> list[tuple[str, str, int, int]]:
        """(whose, metric, used, reserved) of each limit that holds."""
        found = self.ledger.standings(self.terms(token, project), self.now_ms, model)
        return [(standing.scope, standing.metric, standing.used, standing.reserved) for standing in found]


def _model(own: Limits, given: dict[str, Any]) -> Model:
    prices = Prices(input=Decimal(1), output=Decimal(1))
    return Model(**{"provider": "sim", "upstream_name": "x", "prices": prices, "limits": own, **given})


def used(tokens: int, output: int = 0) -> Usage:
    return Usage(input_tokens=tokens, output_tokens=output)


def attempt(model: str, status: Any = "success", usage: Usage | None = None, cost: int | None = None) -> AttemptFinished:
    """An attempt; what was used costs 1,000 nano-USD a token where nothing else is said."""
    if usage is not None and cost is None:
        cost = (usage.input_tokens + usage.output_tokens) * 1_000
    return AttemptFinished(model=model, provider="sim", status=status, usage=usage, cost_nano_usd=cost)


def finished(
    request: str,
    *attempts: AttemptFinished,
    status: Status = "success",
    at_ms: int = NOW_MS,
    token: str = "t",
    project: str = "p",
) -> RequestFinished:
    return RequestFinished(
        id=request, at_ms=at_ms, project=project, token=token, revision="r", status=status, http_status=200, attempts=attempts
    )


def admitted(request: str, grant: Grant, at_ms: int = NOW_MS, token: str = "t", project: str = "p") -> RequestAdmitted:
    return RequestAdmitted(
        id=request,
        at_ms=at_ms,
        project=project,
        token=token,
        revision="r",
        model=grant.model,
        reserved=grant.reserved,
        spent=grant.spent,
    )


def crashed(event: RequestAdmitted) -> RequestFinished:
    """The end of a request whose process died, at all that was reserved for it."""
    parts = [event.reserved, *event.spent.values()]
    usage = Usage(
        input_tokens=sum(part["input_tokens"] for part in parts),
        output_tokens=sum(part["output_tokens"] for part in parts),
        estimated=True,
    )
    return RequestFinished(
        id=event.id,
        at_ms=event.at_ms,
        project=event.project,
        token=event.token,
        revision="r",
        status="error",
        http_status=0,
        error_code="crashed",
        model=event.model,
        usage=usage,
        cost_nano_usd=sum(part.get("cost", 0) for part in parts),
    )
