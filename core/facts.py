"""What a request's body says that policies and limits read. Pure: bytes in, facts out, linear in the body."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Dialect: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "openai_embeddings"]
Need: TypeAlias = Literal["vision", "function_calling", "json", "thinking", "audio"]


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The facts of one request. Tokens are an estimate for policies; the bound for reservations is separate."""

    dialect: Dialect = "openai_chat"
    model_named: str | None = None
    stream: bool = False
    input_tokens_estimate: int = 0
    input_tokens_bound: int = 0  # UTF-8 bytes of prompt and tools + 16 a message + 600 if tools + images' maximum
    output_tokens_cap: int | None = None
    answers: int = 1  # `n`
    needs: tuple[Need, ...] = ()
