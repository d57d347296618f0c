"""What limits leave of the candidates: which hold, how each stands, and what they drop before any policy runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from core.config import Model, ModelEntry, Routing, Token
from core.fields import Limits
from core.limits import (
    NO_LIMITS,
    Block,
    Effective,
    Standing,
    effective_per_model,
    effective_totals,
    model_scopes,
    reasons,
    standing,
    total_scopes,
    window_of,
)
from core.limits.windows import reset_ms
from core.routing.candidates import Candidate


class Levels(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The limits of a request's platform, project and token, and the token's own on some models."""

    platform: Limits = NO_LIMITS
    project: Limits = NO_LIMITS
    token: Limits = NO_LIMITS
    token_models: dict[str, Limits] = {}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that holds, for every model or for one (`model`), with what is used and reserved of it."""

    effective: Effective
    model: str
    used: int
    reserved: int

    @property
    def exhausted(self) -> bool:
        """Whether its use has reached it."""
        return self.used >= self.effective.amount

    def standing(self, now_ms: int) -> Standing:
        """How it stands at an instant."""
        return standing(self.effective, now_ms, self.used, self.reserved)


def held_by(
    levels: Levels,
    routing: Routing,
    models: Mapping[str, Model],
    project: str,
    token: str,
    count: Callable[[Effective], tuple[int, int]],
) -> tuple[Held, ...]:
    """Every limit that holds for the token's requests, the totals first; `count` says what is used and reserved of one."""
    totals = effective_totals(levels.platform, levels.project, levels.token, total_scopes(project, token))
    held = [_held(effective, "", count) for effective in totals]
    own = _token(levels)
    for routed in routing.models:
        model = models.get(routed.id)
        limits = NO_LIMITS if model is None else model.limits
        chain = effective_per_model(limits, routed.limits, own, routed.id, model_scopes(project, token, routed.id))
        held += [_held(effective, routed.id, count) for effective in chain]
    return tuple(held)


def _held(effective: Effective, model: str, count: Callable[[Effective], tuple[int, int]]) -> Held:
    used, reserved = count(effective)
    return Held(effective=effective, model=model, used=used, reserved=reserved)


def _token(levels: Levels) -> Token:
    """A token with these limits: what the chains are resolved from."""
    entries = tuple(ModelEntry(id=model, limits=limits) for model, limits in levels.token_models.items())
    return Token(name="token", sha256="0" * 64, prefix="", limits=levels.token, models=entries)


def dropped_by(held: Iterable[Held], candidates: Sequence[Candidate], now_ms: int) -> dict[str, str]:
    """The candidates that a used-up limit rules out, or the want of a price under a cost limit, each with its reasons."""
    blocks: dict[str, tuple[Block, ...]] = {}
    for candidate in candidates:
        found = [limit for limit in held if limit.model in ("", candidate.id)]
        blocked = [_block(limit, candidate.id, now_ms) for limit in found if limit.exhausted]
        if candidate.prices is None and not candidate.unpriced_allowed:
            blocked += [_unpriced(limit, candidate.id) for limit in found if limit.effective.rule.metric == "cost"][:1]
        if blocked:
            blocks[candidate.id] = tuple(blocked)
    return reasons(blocks)


def _block(limit: Held, model: str, now_ms: int) -> Block:
    ends = reset_ms(window_of(limit.effective.rule.window), now_ms) if limit.effective.amount > 0 else None
    return Block(
        cause="exhausted",
        effective=limit.effective,
        model=model,
        used=limit.used,
        reserved=limit.reserved,
        needed=0,
        ends_ms=ends,
    )


def _unpriced(limit: Held, model: str) -> Block:
    return Block(cause="unpriced", effective=limit.effective, model=model, used=0, reserved=0, needed=0, ends_ms=None)


def budgets_left(held: Iterable[Held], candidates: Sequence[Candidate]) -> dict[str, float]:
    """For each candidate the smallest share left of a limit that it would reserve in, 0..1; 1.0 without limits."""
    limits = tuple(held)
    return {
        candidate.id: min(
            [_share(limit) for limit in limits if limit.model in ("", candidate.id) and _reserves(candidate, limit)],
            default=1.0,
        )
        for candidate in candidates
    }


def _reserves(candidate: Candidate, limit: Held) -> bool:
    """A model without a price reserves nothing of a cost limit."""
    return candidate.prices is not None or limit.effective.rule.metric != "cost"


def _share(limit: Held) -> float:
    amount = limit.effective.amount
    return max(0.0, (amount - limit.used - limit.reserved) / amount) if amount else 0.0
