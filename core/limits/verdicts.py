"""What is said of limits: how one stands, and why one stands in a request's way. Values and words; nothing is decided here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from core.fields import Metric
from core.limits.chains import Effective
from core.limits.windows import reset_ms, start_ms, window_name, window_of

Cause: TypeAlias = Literal["exhausted", "too_little", "reserved", "unpriced"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_METRIC_WORDS: dict[Metric, str] = {
    "cost": "cost",
    "calls": "call",
    "input_tokens": "input token",
    "output_tokens": "output token",
    "total_tokens": "token",
}

# The figures in the words of a limit whose use is that of all projects together: of the platform, or of a model.
_AMOUNT = r"-?\d+(?:\.\d+)?(?: USD)?"
_SHARED_FIGURES = re.compile(
    r"(?P<limit> limit of (?:the platform|model (?:(?! for )[^:;])+)"
    r" (?:is used up|is taken by requests in flight|has too little left)): "
    rf"{_AMOUNT} of {_AMOUNT} used(?:, {_AMOUNT} reserved)?"
)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an effective limit stands at an instant. Amounts in nano-USD or counts; `remaining` may be negative."""

    scope: str  # its kind
    owner: str
    metric: Metric
    window: str
    start_ms: int
    reset_ms: int | None  # None: it rolls
    value: int
    used: int
    reserved: int
    remaining: int
    allowed: bool  # not exhausted: used < value
    pending: bool = False  # what was used before the limit was known here may be missing


def standing(effective: Effective, now_ms: int, used: int, reserved: int, *, pending: bool = False) -> Standing:
    """An effective limit with what is used and reserved of it."""
    window = window_of(effective.rule.window)
    value = effective.amount
    return Standing(
        scope=effective.scope.kind,
        owner=effective.scope.owner,
        metric=effective.rule.metric,
        window=window_name(window),
        start_ms=start_ms(window, now_ms),
        reset_ms=reset_ms(window, now_ms),
        value=value,
        used=used,
        reserved=reserved,
        remaining=value - used - reserved,
        allowed=used < value,
        pending=pending,
    )


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One limit that stands in the way of one request on one model.

    `exhausted` its use has reached it; `too_little` what is left is less than the request needs; `reserved` it would fit but
    for requests in flight; `unpriced` the model has no price to hold a cost limit with.
    """

    cause: Cause
    effective: Effective
    model: str
    used: int
    reserved: int
    needed: int  # 0: only whether it is exhausted was asked
    ends_ms: int | None  # when waiting will have helped; None: never

    @property
    def metric(self) -> Metric:
        """What the limit counts."""
        return self.effective.rule.metric

    def retry_after_s(self, now_ms: int) -> int | None:
        """Whole seconds until it ends, at least 1; None where waiting does not help."""
        if self.cause == "reserved":
            return 1
        return None if self.ends_ms is None else max(1, -(-(self.ends_ms - now_ms) // 1000))

    def __str__(self) -> str:
        """What, whose, the figure and when it ends, in a sentence."""
        limit = f"the {window_name(window_of(self.effective.rule.window))} {_METRIC_WORDS[self.metric]} limit of "
        limit += self.effective.scope.owner
        if self.cause == "unpriced":
            return f"the model {self.model} has no price, and {limit} holds"
        figure = f"{self._written(self.used)} of {self._written(self.effective.amount)} used"
        if self.cause == "exhausted":
            return f"{limit} is used up: {figure}, {self._until}"
        needs = f"this request may need {self._written(self.needed)}"
        if self.cause == "reserved":
            return f"{limit} is taken by requests in flight: {figure}, {self._written(self.reserved)} reserved, {needs}"
        return f"{limit} has too little left: {figure}, {needs}, {self._until}"

    @property
    def _until(self) -> str:
        return "whenever it is asked" if self.ends_ms is None else f"until {_instant(self.ends_ms)}"

    def _written(self, amount: int) -> str:
        return f"{written_usd(amount)} USD" if self.metric == "cost" else str(amount)


def deciding(blocks: Mapping[str, tuple[Block, ...]]) -> Block | None:
    """Which limit a refusal speaks of, given all that stand in the way of each candidate, none of which is empty.

    One whose room is only reserved, where that is all that keeps some candidate out; else the one that ends first. None where
    no limit ends: models without a price.
    """
    for found in blocks.values():
        if all(block.cause == "reserved" for block in found):
            return found[0]
    ending = [block for found in blocks.values() for block in found if block.cause in ("exhausted", "too_little")]
    return min(ending, key=_end, default=None)


def _end(block: Block) -> tuple[bool, int]:
    return block.ends_ms is None, block.ends_ms or 0


def reasons(blocks: Mapping[str, tuple[Block, ...]]) -> dict[str, str]:
    """Why limits dropped each model, in words, for the trace."""
    return {model: "; ".join(map(str, found)) for model, found in blocks.items()}


def without_shared_figures(text: str) -> str:
    """What was said of limits, without how much all projects together used: for whoever may not see all of them."""
    return _SHARED_FIGURES.sub(r"\g<limit>", text)


def written_usd(nano_usd: int) -> str:
    """Nano-USD as decimal USD without needless zeros."""
    amount = Decimal(nano_usd).scaleb(-9).normalize()
    return f"{amount:f}"


def _instant(at_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="seconds").replace("+00:00", "Z")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What one request used, as it is told to `waybill explain`: an instant, whose it was, its figures (cost in nano-USD)."""

    at_ms: int
    project: str = ""
    token: str = ""
    model: str = ""
    cost: int = 0
    calls: int = 1
    input_tokens: int = 0
    output_tokens: int = 0


def used_by(records: Iterable[Record], effective: Effective, now_ms: int) -> int:
    """What these records used of an effective limit in its window at an instant. Linear; for a limit that nobody counted."""
    scope = effective.scope
    metric: Any = effective.rule.metric
    first = start_ms(window_of(effective.rule.window), now_ms)
    total = 0
    for record in records:
        if not first <= record.at_ms <= now_ms or not _counts(scope.project, record.project):
            continue
        if _counts(scope.token, record.token) and _counts(scope.model, record.model):
            total += record.input_tokens + record.output_tokens if metric == "total_tokens" else getattr(record, metric)
    return total


def _counts(asked: str, given: str) -> bool:
    return not asked or asked == given
