"""The facts of a request, the same for every dialect."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from core.leaks import SHORTEST, masked

Dialect: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "openai_embeddings"]
Need: TypeAlias = Literal["vision", "function_calling", "json", "thinking", "audio"]


MAX_NAMED = 200  # characters of a model's name that is kept as it is: ids have at most 100


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The facts of one request. Tokens are an estimate for policies; the bound for reservations is separate."""

    dialect: Dialect = "openai_chat"
    model_named: str | None = None
    stream: bool = False
    input_tokens_estimate: int = 0
    input_tokens_bound: int = 0  # UTF-8 bytes of prompt and tools + 16 a message + 600 if tools + images' maximum
    output_tokens_cap: int | None = None
    answers: int = 1  # `n`
    images: int = 0
    needs: tuple[Need, ...] = ()


def named(model: str) -> str | None:
    """The model that a client named, as it may be kept: what looks like a secret is taken out of it."""
    if len(model) < SHORTEST:
        return model or None
    return _named(model) if len(model) <= MAX_NAMED else f"(a name of {len(model)} characters)"


_named = lru_cache(maxsize=1_024)(masked)


_NO_NEEDS: tuple[Need, ...] = ()


def needs_of(*, vision: bool, function_calling: bool, json: bool, thinking: bool, audio: bool) -> tuple[Need, ...]:
    """The needs in the order of `Need`, so that equal requests have equal facts."""
    if not (vision or function_calling or json or thinking or audio):
        return _NO_NEEDS
    flags: tuple[tuple[Need, bool], ...] = (
        ("vision", vision),
        ("function_calling", function_calling),
        ("json", json),
        ("thinking", thinking),
        ("audio", audio),
    )
    return tuple(need for need, needed in flags if needed)
