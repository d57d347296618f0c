"""Decoding a body into the typed part that is read of it; a wrong one is refused by the name of its field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw

from core.tokens import PromptSize

T = TypeVar("T")

Count: TypeAlias = Annotated[int, Meta(ge=0)]

_NULL = b"null"


class BodyError(ValueError):
    """The body is not a request of its dialect: `field` (dotted, "" for the whole body) and `reason`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


def decode(decoder: msgspec.json.Decoder[T], body: bytes | Raw) -> T:
    """The typed part of a body. Raises BodyError naming the field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except msgspec.DecodeError as error:
        raise BodyError("", f"the body is not valid JSON: {error}") from None
    except UnicodeDecodeError:
        raise BodyError("", "the body is not valid UTF-8") from None
    except RecursionError:
        raise BodyError("", "the body is nested too deeply") from None


def _invalid(error: msgspec.ValidationError) -> BodyError:
    """msgspec says "Expected `int`, got `str` - at `$.n`"; its path is taken apart from its reason."""
    reason, _, path = str(error).rpartition(" - at `$")
    if reason:
        return BodyError(path.rstrip("`").lstrip("."), reason)
    missing = str(error).partition("missing required field `")[2]
    return BodyError(missing.rstrip("`"), str(error))


def present(raw: Raw) -> bool:
    """Whether a raw field was sent and is not null."""
    return len(raw) > 0 and (len(raw) != len(_NULL) or bytes(raw) != _NULL)


def add_tools(size: PromptSize, tools: Sequence[Raw] | None) -> None:
    """Count the definitions of tools."""
    if tools:
        size.has_tools = True
        for tool in tools:
            size.add_raw(tool)
