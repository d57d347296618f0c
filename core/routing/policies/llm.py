"""Ask a model which model suits the request. The call is made elsewhere: what to ask and what it means, `judging.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.fields import ModelId
from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation


class Llm(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="llm",
):
    """Ask a model how well each candidate suits the request, by the guidance that the project gives for each."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    model: Annotated[ModelId, Meta(description="The model that is asked: any that is registered.")]
    fallback_models: Annotated[
        tuple[ModelId, ...],
        Meta(max_length=10, description="Those that are asked in turn when it fails or its answer is of no use."),
    ] = ()
    prompt: Annotated[
        str, Meta(max_length=20_000, description="What to tell the routing model besides the request and the guidance.")
    ] = ""
    max_completion_tokens: Annotated[
        int, Meta(ge=16, le=100_000, description="How long its answer may be.", extra={"unit": "tokens"})
    ] = 512
    max_message_chars: Annotated[
        int,
        Meta(
            ge=100,
            le=1_000_000,
            description="How much of the request's text it is shown: the beginning and the end.",
            extra={"unit": "characters"},
        ),
    ] = 4_000
    timeout_ms: Annotated[
        int,
        Meta(ge=100, le=600_000, description="How long all of its calls together may take.", extra={"unit": "ms"}),
    ] = 10_000
    cache_ttl_seconds: Annotated[
        float,
        Meta(ge=0, le=86_400, description="How long its answer holds for the same question; 0 asks anew.", extra={"unit": "s"}),
    ] = 300.0


class NotAsked(Exception):
    """The policy's answer takes a call, and nobody made it."""


def score(situation: Situation, pool: Pool, params: Llm) -> Scores:
    """Raise NotAsked: its points are given to the engine."""
    raise NotAsked(f"the routing model {params.model} was not asked")
