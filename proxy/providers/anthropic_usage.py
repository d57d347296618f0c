"""Anthropic's `usage` object as Waybill's `Usage`. Its `input_tokens` leaves out what was read from and written to the cache;
in a stream the later object overrides the earlier, member by member."""

from __future__ import annotations

from typing import Any

import msgspec

from core.money import Usage
from proxy.providers.openai_usage import Count


class CacheCreation(msgspec.Struct, gc=False):
    """What was written to the cache, by how long it stays."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """Parts of `output_tokens`."""

    thinking_tokens: Count | None = None


class UsageObject(msgspec.Struct, gc=False):
    """The wire's `usage`."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None

    def updated(self, later: UsageObject) -> UsageObject:
        """The two together: what the later one says counts, and what it leaves out stays."""
        return UsageObject(
            *[
                earlier if value is None else value
                for earlier, value in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(later), strict=True)
            ]
        )


_NO_CREATION = CacheCreation()
_NO_DETAILS = OutputDetails()


def usage_of(wire: UsageObject) -> Usage | None:
    """Waybill's convention: all input and all output, the rest parts of them. None where the provider gave no figure."""
    if wire.input_tokens is None and wire.output_tokens is None:
        return None
    creation = wire.cache_creation or _NO_CREATION
    for_an_hour = creation.ephemeral_1h_input_tokens or 0
    # The total is what is billed; a stream's later figure of it comes without its breakdown.
    written = wire.cache_creation_input_tokens or (creation.ephemeral_5m_input_tokens or 0) + for_an_hour
    for_an_hour = min(for_an_hour, written)
    cached = wire.cache_read_input_tokens or 0
    output = wire.output_tokens or 0
    return Usage(
        input_tokens=(wire.input_tokens or 0) + cached + written,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_5m_tokens=written - for_an_hour,
        cache_write_1h_tokens=for_an_hour,
        reasoning_tokens=min((wire.output_tokens_details or _NO_DETAILS).thinking_tokens or 0, output),
    )


def usage_object(value: Any) -> UsageObject | None:
    """The object in a decoded JSON value; None where it is no usage."""
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.convert(value, UsageObject)
    except msgspec.ValidationError:
        return None
