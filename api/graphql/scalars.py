"""Scalars and how figures of the journal become them. Instants are Unix milliseconds inside, ISO 8601 in UTC outside; money
is nano-USD inside, a decimal string of USD outside."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NewType

import msgspec
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from api.sealing import Secret

Instant = NewType("Instant", int)
NanoUsd = NewType("NanoUsd", int)
BigInt = NewType("BigInt", int)
Json = NewType("Json", object)


class Encoded(msgspec.Struct, frozen=True):
    """A JSON scalar that is encoded already. Events with the same `share_key` lead to the same answer."""

    json: bytes
    share_key: Hashable = None


MAX_JSON_DEPTH: Final = 100
_NANO: Final = 1_000_000_000
_MAX_SAFE: Final = 2**53 - 1
# Python's calendar ends with the years 1 and 9999: what is reckoned from an instant has room on either side.
_FIRST_MS: Final = -2_208_988_800_000
_LAST_MS: Final = 221_845_391_999_999
_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")


def iso_instant(at_ms: int) -> str:
    """`2026-11-23T09:05:00.123Z`."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment.isoformat()[:19]}.{at_ms % 1000:03d}Z"


def parse_instant(text: Any) -> Instant:
    """The millisecond that an ISO 8601 text with an offset names. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("a DateTime is a string, such as 2026-11-23T09:05:00.123Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # it quotes the text
        raise ValueError("a DateTime is written like 2026-11-23T09:05:00.123Z") from None
    if moment.tzinfo is None:
        raise ValueError("a DateTime needs an offset, such as Z")
    at_ms = round(moment.timestamp() * 1000)
    if not _FIRST_MS <= at_ms <= _LAST_MS:
        raise ValueError("a DateTime is of the years 1900 to 8999 in UTC")
    return Instant(at_ms)


def usd(amount_nano: int) -> str:
    """Nano-USD as a decimal string without trailing zeros: 1_500_000_000 → `1.5`."""
    sign, amount = ("-", -amount_nano) if amount_nano < 0 else ("", amount_nano)
    whole, fraction = divmod(amount, _NANO)
    return f"{sign}{whole}.{fraction:09d}".rstrip("0") if fraction else f"{sign}{whole}"


def parse_usd(text: Any) -> NanoUsd:
    """The nano-USD that a decimal string means. Raises ValueError for anything else, and for parts of a nano-USD."""
    # Written out in full: a great exponent in a short text would be a number of a billion digits.
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise ValueError("a Decimal is a string such as 1.25, with at most 18 digits before the point and nine after it")
    return NanoUsd(int(Decimal(text).scaleb(9)))


def _big_int(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _MAX_SAFE:
        raise ValueError("a BigInt is a whole number of at most 2^53 − 1")
    return number


def _secret_in(value: Any) -> Secret:
    if not isinstance(value, str):
        raise ValueError("a Secret is a string")
    return Secret(value)


def _secret_out(value: Any) -> Any:
    raise TypeError("a Secret is never in an answer")


def _json_in(value: Any) -> Any:
    """The value as it is, once it is known that whoever walks through it comes to its end."""
    level, depth = [value], 0
    while level := [inner for each in level for inner in _inside(each)]:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            raise ValueError(f"a JSON value nests at most {MAX_JSON_DEPTH} levels deep")
    return value


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _json_out(value: Any) -> Any:
    """What is JSON already goes out as it is: the answer's encoder splices it in."""
    return msgspec.Raw(value.json) if isinstance(value, Encoded) else value


def _scalar(name: str, description: str, serialize: Any, parse: Any, url: str | None = None) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=serialize, parse_value=parse, specified_by_url=url)


def schema_config() -> StrawberryConfig:
    """Strawberry's settings: our scalars by the Python types that stand for them."""
    return StrawberryConfig(
        scalar_map={
            Instant: _scalar(
                "DateTime",
                "An instant in ISO 8601 with its offset; answers are in UTC with milliseconds.",
                iso_instant,
                parse_instant,
                "https://scalars.graphql.org/andimarek/date-time",
            ),
            NanoUsd: _scalar("Decimal", "An exact decimal number as a string; money is USD.", usd, parse_usd),
            BigInt: _scalar("BigInt", "A whole number of at most 2^53 − 1, as a JSON number.", _big_int, _big_int),
            Secret: _scalar("Secret", "A secret, as a string: taken, and never answered or logged.", _secret_out, _secret_in),
            Json: _scalar("JSON", "Any JSON value.", _json_out, _json_in),
        },
        disable_field_suggestions=True,
    )
