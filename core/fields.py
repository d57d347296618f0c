"""The values that several configuration files share: names, amounts, limits, prices, credentials, simulations.

Ranges stand next to the field they rule. What a type cannot say (one of three, ascending) is checked when a value is made, and
raises `FieldError`, which names the field.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from core.origins import origin_of

# `\Z` and not `$`, which would let a line break in at the end.
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*\Z"
MODEL_ID_PATTERN = r"^[a-z0-9][a-z0-9._/-]{0,99}\Z"
# Base64 of the shortest box there can be: 48 bytes that libsodium adds, around a provider, an origin and a key. A key in clear
# that was put here is no box, and is refused before it is in Git.
BOX_PATTERN = r"^(?:[A-Za-z0-9+/]{4}){28,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z"
BOX_FORM = "a box that `waybill seal` printed, never a key in clear: replace a key that stood here"
LARGEST_PRICE = Decimal(1_000_000)  # USD per million tokens
LARGEST_COST = Decimal(1_000_000_000)  # USD; its nano-USD fit 64 bits
LARGEST_COUNT = Decimal(10**15)

Slug: TypeAlias = Annotated[
    str, Meta(pattern=SLUG_PATTERN, max_length=63, extra={"form": "lower-case letters, digits and single hyphens, at most 63"})
]
ModelId: TypeAlias = Annotated[
    str, Meta(pattern=MODEL_ID_PATTERN, extra={"form": "lower-case letters, digits and . _ / -, at most 100"})
]
Sha256Hex: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", extra={"form": "64 lower-case hexadecimal digits"})]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=1, le=86_400_000, extra={"unit": "ms"})]
Tokens: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000_000, extra={"unit": "tokens"})]
Price: TypeAlias = Annotated[Decimal, Meta(extra={"unit": "USD per million tokens"})]
HeaderName: TypeAlias = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z", max_length=100, extra={"form": "the name of an HTTP header"})
]
HeaderValue: TypeAlias = Annotated[
    str, Meta(pattern=r"^[\x20-\x7e]*\Z", max_length=4096, extra={"form": "printable ASCII characters in one line"})
]
MOST_LABELS: Final = 50
Labels: TypeAlias = dict[
    Annotated[str, Meta(pattern=r"\S", max_length=100, extra={"form": "a key of 1 to 100 characters"})],
    Annotated[str, Meta(max_length=1000)],
]


class FieldError(ValueError):
    """A value that its type allows and its meaning does not; `field` is dotted, below the value that was made."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What every configuration type has in common: frozen, strict, and small when written out."""


def refuse_many_labels(labels: Labels) -> None:
    """Raise FieldError for more labels than every log row should carry."""
    if len(labels) > MOST_LABELS:
        raise FieldError("labels", f"must be at most {MOST_LABELS}, not {len(labels)}")


def refuse_twice(field: str, values: Iterable[Hashable]) -> None:
    """Raise FieldError at the first value that is there already; `field` has a `{}` for its position."""
    seen: dict[Hashable, int] = {}
    for position, value in enumerate(values):
        first = seen.setdefault(value, position)
        if first != position:
            raise FieldError(field.format(position), f"`{value}` is in the list already, at position {first}")


def origin_field(name: str, address: str) -> str:
    """Return the origin of an address. Raises FieldError for the field `name`."""
    try:
        return origin_of(address)
    except ValueError as error:
        raise FieldError(name, str(error)) from None


def _check_amount(field: str, amount: Decimal, largest: Decimal, decimals: int) -> None:
    """Raise FieldError unless 0 <= amount <= largest, in steps of 10^-decimals."""
    if not (amount.is_finite() and 0 <= amount <= largest):
        raise FieldError(field, f"must be from 0 to {largest:,}, not {amount}")
    exponent = amount.as_tuple().exponent
    # Fractions only when the digits alone do not tell: 1.50000000 is fine, and a Decimal product would be rounded.
    if isinstance(exponent, int) and exponent < -decimals and (Fraction(amount) * 10**decimals).denominator != 1:
        step = "must be a whole number" if decimals == 0 else f"must have at most {decimals} decimals"
        raise FieldError(field, f"{step}, not {amount}")


# --- limits -------------------------------------------------------------------------------------------------------------

Metric: TypeAlias = Literal["cost", "calls", "input_tokens", "output_tokens", "total_tokens"]
CalendarWindow: TypeAlias = Literal["hourly", "daily", "weekly", "monthly", "yearly"]
RollingUnit: TypeAlias = Literal["seconds", "minutes", "hours", "days", "weeks", "months"]


class RollingWindow(Record, frozen=True):
    """The last `rolling` × `unit`; a month is 30 days."""

    rolling: Annotated[int, Meta(ge=1, le=1_000_000)]
    unit: RollingUnit


class LimitRule(Record, frozen=True):
    """At most `value` of `metric` in each `window`: USD for cost, else a whole number. 0 always blocks."""

    metric: Metric
    window: CalendarWindow | RollingWindow
    value: Decimal

    def __post_init__(self) -> None:
        """Raise FieldError for a negative amount, a fraction of something counted, or less than a nano-USD."""
        if self.metric == "cost":
            _check_amount("value", self.value, LARGEST_COST, 9)
        else:
            _check_amount("value", self.value, LARGEST_COUNT, 0)


class Limits(Record, frozen=True):
    """The limits of one level, and what they do to the inherited ones (`core/limits.py`)."""

    mode: Literal["replace", "extend", "disable"] = "replace"
    rules: tuple[LimitRule, ...] = ()


# --- secrets ------------------------------------------------------------------------------------------------------------


class Credential(Record, frozen=True):
    """A reference to a secret or a sealed one, bound to the origin it was given for. Exactly one source is set."""

    env: (
        Annotated[
            str, Meta(pattern=r"^WAYBILL_SECRET_[A-Z0-9_]{1,100}\Z", extra={"form": "the name of a WAYBILL_SECRET_… variable"})
        ]
        | None
    ) = None
    file: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z", extra={"form": "a file name in the secrets folder, not a path"}
            ),
        ]
        | None
    ) = None
    sealed: Annotated[str, Meta(pattern=BOX_PATTERN, max_length=16_384, extra={"form": BOX_FORM})] | None = None
    origin: Annotated[str, Meta(max_length=300)] | None = None

    def __post_init__(self) -> None:
        """Raise FieldError unless exactly one source is given."""
        if sum(source is not None for source in (self.env, self.file, self.sealed)) != 1:
            raise FieldError("", "a credential has exactly one of `env`, `file` or `sealed`")


# --- prices -------------------------------------------------------------------------------------------------------------


class PriceTier(Record, frozen=True):
    """The prices that replace the base ones, for the whole request, when its input is strictly above the threshold."""

    above_input_tokens: Annotated[int, Meta(ge=0, le=1_000_000_000, extra={"unit": "tokens"})]
    input: Price | None = None
    output: Price | None = None
    cached_input: Price | None = None
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None
    reasoning: Price | None = None
    audio_input: Price | None = None
    audio_output: Price | None = None

    def __post_init__(self) -> None:
        """Raise FieldError for a price that is negative, or finer than a pico-USD a token."""
        _check_prices(self)


class Prices(Record, frozen=True):
    """USD per million tokens. An absent cache or audio price is the input's, an absent reasoning price the output's."""

    input: Price
    output: Price
    cached_input: Price | None = None
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None
    reasoning: Price | None = None
    audio_input: Price | None = None
    audio_output: Price | None = None
    tiers: tuple[PriceTier, ...] = ()

    def __post_init__(self) -> None:
        """Raise FieldError for a wrong price, or tiers that do not ascend."""
        _check_prices(self)
        for position in range(1, len(self.tiers)):
            if self.tiers[position].above_input_tokens <= self.tiers[position - 1].above_input_tokens:
                raise FieldError(f"tiers[{position}].above_input_tokens", "tiers must ascend: put the lowest threshold first")


PRICED = ("input", "output", "cached_input", "cache_write_5m", "cache_write_1h", "reasoning", "audio_input", "audio_output")


def _check_prices(record: Prices | PriceTier) -> None:
    for name in PRICED:
        price: Decimal | None = getattr(record, name)
        if price is not None:
            _check_amount(name, price, LARGEST_PRICE, 6)


# --- simulated models ---------------------------------------------------------------------------------------------------


class SimulatedAnswer(Record, frozen=True):
    """Answer `text` when the last user message contains `when`; the failures let a test script an upstream."""

    when: str
    text: str = ""
    status: Annotated[int, Meta(ge=200, le=599)] = 200
    tool_call: dict[str, Any] | None = None
    retry_after_s: Annotated[int, Meta(ge=0, le=86_400, extra={"unit": "s"})] | None = None
    fail_after_chunks: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None

    def __post_init__(self) -> None:
        """Turn the exact numbers of a YAML file into those of JSON: a tool call's arguments leave as JSON."""
        if self.tool_call is not None:
            msgspec.structs.force_setattr(self, "tool_call", _as_json(self.tool_call))


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _as_json(inner) for key, inner in value.items()}
    return [_as_json(inner) for inner in value] if isinstance(value, list) else value


class Simulation(Record, frozen=True):
    """How a simulated model behaves. The same seed and the same request give the same answer and the same delays."""

    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0
    latency_ms: Annotated[float, Meta(ge=0, le=86_400_000, extra={"unit": "ms"})] = 0.0
    latency_sigma: Annotated[float, Meta(ge=0, le=3)] = 0.0
    tokens_per_second: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    failure_rate: Annotated[float, Meta(ge=0, le=1)] = 0.0
    output_tokens: Annotated[int, Meta(ge=1, le=100_000, extra={"unit": "tokens"})] = 64
    answers: tuple[SimulatedAnswer, ...] = ()
