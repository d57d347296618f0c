"""What one project's requests run on, all that depends on the revision alone resolved: candidates, prices, timeouts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from core.config import Model, Project, Provider, Routing, Settings, Timeouts
from core.dialects import SERVED, unfit
from core.facts import Dialect
from core.fields import PRICED, Limits, Prices, PriceTier
from core.money import PriceTable, RateCard
from core.routing.candidates import Candidate
from core.routing.engine import Ranking
from core.routing.policies import Policy

DEFAULT_TIMEOUT_MS = 600_000
DEFAULT_ATTEMPT_TIMEOUT_STREAMED_MS = 30_000
DEFAULT_ATTEMPT_TIMEOUT_MS = 120_000
DEFAULT_IDLE_TIMEOUT_MS = 60_000
DEFAULT_CONNECT_TIMEOUT_MS = 5_000
_NO_LIMITS = Limits()


class ResolvedTimeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds: the project's, else those of `waybill.yaml`, else the defaults (product.md, section 2)."""

    timeout_ms: int = DEFAULT_TIMEOUT_MS
    attempt_timeout_streamed_ms: int = DEFAULT_ATTEMPT_TIMEOUT_STREAMED_MS  # to the first content event
    attempt_timeout_ms: int = DEFAULT_ATTEMPT_TIMEOUT_MS  # the same, for an answer that is not streamed
    idle_timeout_ms: int = DEFAULT_IDLE_TIMEOUT_MS
    connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS


class Able(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a project's models can be sent the requests of one dialect."""

    candidates: tuple[Candidate, ...]
    ranking: Ranking  # of them, ready to decide
    unable: dict[str, str]  # the others: model -> reason


class ProjectPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A project as its requests see it."""

    slug: str
    project: Project
    able: Mapping[Dialect, Able]  # of the candidates below, by the dialect of the request
    candidates: tuple[Candidate, ...]  # enabled, of enabled providers that are this project's own or nobody's; in its order
    policies: tuple[Policy, ...]  # the enabled ones, in order
    timeouts: ResolvedTimeouts
    listed: tuple[str, ...]  # the candidates' ids, for `/v1/models`
    entry_limits: Mapping[str, Limits] = {}  # the project's own limits on some of its models, by their id


def plan_project(
    slug: str,
    project: Project,
    routing: Routing,
    settings: Settings,
    models: Mapping[str, Model],
    providers: Mapping[str, Provider],
) -> ProjectPlan:
    """Compile one project."""
    candidates: list[Candidate] = []
    for routed in routing.models:
        model = models.get(routed.id)
        if model is None or not model.enabled or not usable(providers.get(model.provider), slug):
            continue
        candidates.append(candidate(routed.id, model, routed.guidance))
    policies = tuple(policy for policy in routing.policies if policy.enabled)
    return ProjectPlan(
        slug=slug,
        project=project,
        able=_able(candidates, policies, providers),
        candidates=tuple(candidates),
        policies=policies,
        timeouts=resolve_timeouts(project.timeouts, settings.timeouts),
        listed=tuple(found.id for found in candidates),
        entry_limits={routed.id: routed.limits for routed in routing.models if routed.limits != _NO_LIMITS},
    )


def _able(candidates: list[Candidate], policies: tuple[Policy, ...], providers: Mapping[str, Provider]) -> dict[Dialect, Able]:
    """Sort the candidates for each dialect; mostly those of one dialect are those of another, and compiled once."""
    compiled: dict[tuple[str, ...], tuple[tuple[Candidate, ...], Ranking]] = {}
    able: dict[Dialect, Able] = {}
    for dialect in SERVED:
        unable = {
            found.id: reason
            for found in candidates
            if (reason := unfit(found.capabilities, found.provider, providers[found.provider].kind, dialect)) is not None
        }
        fit = tuple(found for found in candidates if found.id not in unable)
        ids = tuple(found.id for found in fit)
        if ids not in compiled:
            compiled[ids] = fit, Ranking(fit, policies)
        able[dialect] = Able(candidates=compiled[ids][0], ranking=compiled[ids][1], unable=unable)
    return able


def usable(provider: Provider | None, slug: str) -> bool:
    """Whether a project may be sent to this provider: it is enabled, and the project's own or nobody's."""
    return provider is not None and provider.enabled and provider.project in (None, slug)


def candidate(model_id: str, model: Model, guidance: str = "") -> Candidate:
    """Return what policies see of a model."""
    return Candidate(
        id=model_id,
        provider=model.provider,
        upstream_name=model.upstream_name,
        prices=None if model.prices is None else price_table(model.prices),
        unpriced_allowed=model.unpriced == "allow",
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        capabilities=model.capabilities,
        guidance=guidance,
        calls_limited=any(rule.metric == "calls" for rule in model.limits.rules),
    )


def resolve_timeouts(project: Timeouts, settings: Timeouts) -> ResolvedTimeouts:
    """Return the timeouts that hold; one `attempt_timeout_ms` rules streamed and whole answers alike."""
    given = {
        name: value
        for name in Timeouts.__struct_fields__
        if (value := _first(getattr(project, name), getattr(settings, name))) is not None
    }
    if "attempt_timeout_ms" in given:
        given["attempt_timeout_streamed_ms"] = given["attempt_timeout_ms"]
    return ResolvedTimeouts(**given)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def price_table(prices: Prices) -> PriceTable:
    """Return prices in pico-USD a token with every fallback resolved.

    A tier first takes each price that it does not give from the base as written; only a price that neither gives falls back to
    the input's or the output's, and then to the tier's own. So a tier that gives `input` alone bills cache reads at the base's
    cache price where the base has one, else at the tier's input price: the dearer, never a discount that nobody wrote.
    """
    return PriceTable(
        base=_rates((prices,)),
        tiers=tuple((tier.above_input_tokens, _rates((tier, prices))) for tier in prices.tiers),
    )


def _rates(sources: Iterable[Prices | PriceTier]) -> RateCard:
    given: dict[str, int | None] = {
        name: _pico_usd_per_token(next((price for source in sources if (price := getattr(source, name)) is not None), None))
        for name in PRICED
    }
    fallback = {name: given["output" if name in ("reasoning", "audio_output") else "input"] for name in PRICED}
    return RateCard(**{name: _known(price, fallback[name]) for name, price in given.items()})


def _known(price: int | None, fallback: int | None) -> int:
    found = price if price is not None else fallback
    assert found is not None  # `Prices` always gives input and output
    return found


def _pico_usd_per_token(price: Decimal | None) -> int | None:
    """USD per million tokens as pico-USD a token: both scales are 10^6 apart, and `fields.py` allows six decimals."""
    return None if price is None else int(price.scaleb(6))
