"""Send what a request means to the models for it. The embedding is made elsewhere; what follows from it, `intents.py`."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from core.fields import ModelId
from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation

Example = Annotated[str, Meta(min_length=1, max_length=10_000)]


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Something that requests may want: what they sound like, and the models for it."""

    examples: Annotated[tuple[Example, ...], Meta(description="Requests of this sort, in the words that people use.")]
    models: Annotated[tuple[ModelId, ...], Meta(description="The models that such requests go to.")]

    def __post_init__(self) -> None:
        """Raise ValueError for an intent that could never match, or that leads nowhere."""
        if not self.examples:
            raise ValueError("`examples` must hold at least one request")
        if not self.models:
            raise ValueError("`models` must hold at least one model")


class SemanticIntent(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="semantic-intent",
):
    """Send requests to the models for what they mean, by likeness to examples."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True
    embedding_model: Annotated[ModelId, Meta(description="The model that turns texts into vectors: any that is registered.")]
    absolute_threshold: Annotated[
        float, Meta(ge=0, le=1, description="How alike a request must at least be to an intent to be one of it.")
    ] = 0.60
    ambiguity_threshold: Annotated[
        float,
        Meta(ge=0, le=1, description="How far the nearest intent must be ahead of the second; else both's models will do."),
    ] = 0.08
    intents: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=100)], Intent],
        Meta(description="Each intent by its name: examples of requests, and the models for them."),
    ]

    def __post_init__(self) -> None:
        """Raise ValueError for no intent, or for two that come to one name."""
        if not self.intents:
            raise ValueError("`intents` must hold at least one intent")
        named: set[str] = set()
        for name in self.intents:
            key = intent_key(name)
            if key in named:
                raise ValueError(f"`intents` holds two that are called `{key}`: give one of them another name")
            named.add(key)


def intent_key(name: str) -> str:
    """A name in lower case with each run of other characters than letters and digits as `_`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def score(situation: Situation, pool: Pool, params: SemanticIntent) -> Scores:
    """1.0 for all: without an embedding nothing is known. The pool that one leads to is given to the engine."""
    return Scores(pool.all_one, note="the request was not embedded")
