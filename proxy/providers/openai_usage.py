"""An OpenAI `usage` object, in the forms that its many speakers give it, as Waybill's `Usage`."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from core.money import Usage

# Above this a figure is a fault of the provider, not a bill.
_MOST_TOKENS = 1_000_000_000
Count: TypeAlias = Annotated[int, Meta(ge=0, le=_MOST_TOKENS)]


class PromptDetails(msgspec.Struct, gc=False):
    """Parts of `prompt_tokens`; `cache_write_tokens` is OpenRouter's."""

    cached_tokens: Count | None = None
    audio_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    """Parts of `completion_tokens`."""

    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


_NO_PROMPT_DETAILS = PromptDetails()
_NO_COMPLETION_DETAILS = CompletionDetails()


class UsageObject(msgspec.Struct, gc=False):
    """The wire's `usage`; `prompt_cache_hit_tokens` is DeepSeek's."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None


def usage_of(wire: UsageObject) -> Usage | None:
    """Waybill's convention: all input and all output, the rest parts of them. None where the provider gave no figure."""
    if wire.prompt_tokens is None and wire.completion_tokens is None:
        return None
    entry = wire.prompt_tokens or 0
    output = wire.completion_tokens or 0
    prompt = wire.prompt_tokens_details or _NO_PROMPT_DETAILS
    completion = wire.completion_tokens_details or _NO_COMPLETION_DETAILS
    reasoning = completion.reasoning_tokens or 0
    if reasoning and wire.total_tokens == entry + output + reasoning:
        output += reasoning  # xAI counts reasoning beside the completion; its total gives it away
    # Parts can never exceed what they are part of: a price times a negative rest would be a credit.
    cached = min(prompt.cached_tokens or wire.prompt_cache_hit_tokens or 0, entry)
    written = min(prompt.cache_write_tokens or 0, entry - cached)
    reasoning = min(reasoning, output)
    return Usage(
        input_tokens=entry,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_5m_tokens=written,
        reasoning_tokens=reasoning,
        audio_input_tokens=min(prompt.audio_tokens or 0, entry - cached - written),
        audio_output_tokens=min(completion.audio_tokens or 0, output - reasoning),
    )


def usage_from(value: Any) -> Usage | None:
    """The usage in a decoded JSON value; None where it is no usage, so that the caller estimates instead."""
    if not isinstance(value, dict):
        return None
    try:
        return usage_of(msgspec.convert(value, UsageObject))
    except msgspec.ValidationError:
        return None
