"""Whether one request fits its limits, and what stands in its way where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from core.bounds import Demand, demand, shrunk, smallest
from core.facts import Facts
from core.limits import Amounts, Block
from core.limits.amounts import CALLS, COST, OUTPUT, TOTAL
from core.limits.verdicts import Cause
from proxy.ledger.terms import Check, ModelTerms, Terms


def fit(
    held: ModelTerms, terms: Terms, facts: Facts, at_ms: int, exact_input: int | None, *, moving: bool = False
) -> Demand | tuple[Block, ...]:
    """What to reserve for a request admitted at that instant, shrunk to what fits if it may be; or every limit in its way.

    `moving` is a request that was admitted before: it holds its call in the totals already.
    """
    wanted = demand(facts, held.bounds, terms.default_cap, exact_input)
    if not held.checks:
        return wanted
    need = wanted.amounts
    if moving:
        return _squeezed(held, wanted, at_ms) if _full_then(held, need, at_ms) else wanted
    for usage, metric, amount, _, _ in held.checks:
        room = amount - usage.held(at_ms, metric)
        if need[metric] > room or room <= 0:
            return _squeezed(held, wanted, at_ms, moving=False)
    return wanted


def _full_then(held: ModelTerms, need: Amounts, at_ms: int) -> bool:
    for check in held.checks:
        room = check.amount - check.usage.held_then(at_ms, check.metric)
        if _needed(check, need, moving=True) > room or room <= 0:
            return True
    return False


def _squeezed(held: ModelTerms, wanted: Demand, at_ms: int, *, moving: bool = True) -> Demand | tuple[Block, ...]:
    """The request with a smaller cap, where it may have one and that fits; else what stands in its way."""
    if not _blocks(held, wanted, at_ms, moving):
        return wanted
    rooms: dict[int, int] = {}
    for check in held.checks:
        room = check.amount - check.usage.held_then(at_ms, check.metric)
        rooms[check.metric] = min(room, rooms.get(check.metric, room))
    smaller = shrunk(wanted, rooms.get(COST), rooms.get(OUTPUT), rooms.get(TOTAL))
    if smaller is not None and not _blocks(held, smaller, at_ms, moving):
        return smaller
    return _blocks(held, smallest(wanted), at_ms, moving)


def _blocks(held: ModelTerms, wanted: Demand, at_ms: int, moving: bool) -> tuple[Block, ...]:
    need = wanted.amounts
    found = (_block(check, held.model, at_ms, _needed(check, need, moving), moving) for check in held.checks)
    return tuple([block for block in found if block is not None])


def _needed(check: Check, need: Amounts, moving: bool) -> int:
    return 0 if moving and check.total and check.metric == CALLS else need[check.metric]


def _block(check: Check, model: str, at_ms: int, needed: int, moving: bool) -> Block | None:
    """How one limit stands in the way of a need, if it does."""
    usage, metric, amount, total, effective = check
    used = usage.used(at_ms, metric)
    held = usage.held_then(at_ms, metric)
    if moving and total and metric == CALLS:
        return None  # its own call is in there
    if used >= amount:
        return Block(
            cause="exhausted", effective=effective, model=model, used=used, reserved=held - used, needed=needed,
            ends_ms=usage.ends_ms(at_ms, metric, amount - max(needed, 1)),
        )  # fmt: skip
    if held + needed <= amount:
        return None
    cause: Cause = "too_little" if used + needed > amount else "reserved"
    return Block(
        cause=cause, effective=effective, model=model, used=used, reserved=held - used, needed=needed,
        ends_ms=usage.ends_ms(at_ms, metric, amount - needed),
    )  # fmt: skip


def exhausted_by(checks: tuple[Check, ...], now_ms: int) -> tuple[Block, ...]:
    """Those of these limits whose use has reached their value."""
    found: tuple[Block, ...] = ()
    for check in checks:
        usage, metric, amount, _, _ = check
        # What is used is at most what is held, and telling that is cheaper.
        if usage.held(now_ms, metric) >= amount and usage.used(now_ms, metric) >= amount:
            block = _block(check, "", now_ms, 0, moving=False)
            found = found if block is None else (*found, block)
    return found


def least_left(checks: Sequence[Check], now_ms: int, least: float = 1.0) -> float:
    """The smallest share that is neither used nor reserved, 0..1, and at most `least`, which it is without limits."""
    for usage, metric, amount, _, _ in checks:
        left = amount - usage.held(now_ms, metric)
        if left <= 0:
            return 0.0
        share = left / amount
        if share < least:
            least = share
    return least
