"""Which line of the refusal table a request without an answer gets, and what is said there. Pure.

A limit refuses only where limits alone left no candidate; what policies had a hand in, or a failed attempt, is another line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.limits import Block, deciding
from core.routing.decision import Decision
from proxy import refusals
from proxy.attempts import AttemptFailed
from proxy.refusals import Refusal


def left_out(project: str, decision: Decision, blocks: Mapping[str, tuple[Block, ...]], now_ms: int) -> Refusal:
    """No candidate was tried. `blocks` are the limits in the way of each that limits ruled out, before policies or after."""
    candidates = decision.candidates
    if candidates and all(model in blocks for model in candidates):
        return _limited(blocks, now_ms)
    return refusals.NoModelAvailable(_why_no_model(project, decision, blocks))


def _limited(blocks: Mapping[str, tuple[Block, ...]], now_ms: int) -> Refusal:
    block = deciding(blocks)
    if block is None:
        return refusals.NoModelAvailable(f"No model may be used: {_said(blocks)}.")
    message = f"No model has room: {block}."
    if block.cause == "reserved":
        return refusals.RoomReserved(message)
    kind = refusals.CostLimitReached if block.metric == "cost" else refusals.CountLimitReached
    return kind(message, retry_after_s=block.retry_after_s(now_ms))


def _why_no_model(project: str, decision: Decision, blocks: Mapping[str, tuple[Block, ...]]) -> str:
    if not decision.candidates and not decision.unable:
        return f"The project {project} has no enabled model."
    reasons = {**decision.unable, **{model: "; ".join(map(str, found)) for model, found in blocks.items()}}
    for outcome in decision.policies:
        reasons.update(outcome.excluded)
    said = "; ".join(f"{model}: {reason}" for model, reason in reasons.items())
    return f"Every model of the project {project} is left out: {said}."


def _said(blocks: Mapping[str, Iterable[Block]]) -> str:
    return "; ".join(dict.fromkeys(str(block) for found in blocks.values() for block in found))


def all_failed(failures: dict[str, AttemptFailed]) -> Refusal:
    """Every candidate that had room was tried: all of them 429, the last one out of time, or anything else."""
    last = list(failures.values())[-1]
    said = ", ".join(f"{model}: {_fate(failure)}" for model, failure in failures.items())
    if all(failure.http_status == 429 for failure in failures.values()):
        waits = [failure.retry_after_s for failure in failures.values() if failure.retry_after_s is not None]
        return refusals.AllRateLimited(
            f"Every model is rate limited by its provider ({said}).", retry_after_s=min(waits, default=None)
        )
    if last.status == "timeout":
        return refusals.TimedOut(f"No model answered in time ({said}).")
    return refusals.AllModelsFailed(f"Every model failed ({said}).")


def _fate(failure: AttemptFailed) -> str:
    """How an attempt ended, in a word: a status that was answered says nothing of what did not come after it."""
    if failure.status == "timeout" or failure.http_status == 200:
        return failure.status
    return str(failure.http_status or failure.status)
