"""From vectors to a pool of models: what the `semantic-intent` policy makes of a request's embedding.

Pure: texts are embedded elsewhere. An intent's centroid is the mean direction of its examples; likeness is the cosine.

    BadVector(ValueError)    a vector without a direction, with another length, or with something that is no number
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from operator import mul
from typing import TypeAlias

import msgspec

from core.routing.engine import Given
from core.routing.policies.semantic_intent import SemanticIntent, intent_key

Vector: TypeAlias = Sequence[float]


class BadVector(ValueError):
    """A vector that nothing can be compared with."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Which intents a request is one of: none, one, or the two nearest ones where they are too close to tell apart."""

    intents: tuple[str, ...]  # by their keys, nearest first
    likeness: dict[str, float]  # of every intent


def texts(params: SemanticIntent) -> list[str]:
    """The texts to embed for the centroids: every intent's examples, in order."""
    return [example for intent in params.intents.values() for example in intent.examples]


def centroids(params: SemanticIntent, vectors: Sequence[Vector]) -> dict[str, list[float]]:
    """Each intent's centroid, of length 1, by its key; `vectors` are those of `texts`. Raises BadVector."""
    left = iter(vectors)
    made: dict[str, list[float]] = {}
    for name, intent in params.intents.items():
        directions = [_direction(vector) for _, vector in zip(intent.examples, left, strict=False)]
        if len(directions) != len(intent.examples) or len({len(direction) for direction in directions}) != 1:
            raise BadVector(f"the examples of intent {intent_key(name)} have not one vector of the same length each")
        made[intent_key(name)] = _direction([sum(parts) for parts in zip(*directions, strict=True)])
    return made


def _direction(vector: Vector) -> list[float]:
    """The vector at length 1."""
    length = sqrt(sum(map(mul, vector, vector)))
    if not (isfinite(length) and length > 0):
        raise BadVector("a vector has no direction")
    return [part / length for part in vector]


def match(params: SemanticIntent, vector: Vector, known: Mapping[str, Vector]) -> Match:
    """The intents that a request's vector is near to; `known` are the centroids. Raises BadVector."""
    direction = _direction(vector)
    likeness: dict[str, float] = {}
    for key, centroid in known.items():
        if len(centroid) != len(direction):
            raise BadVector(f"the request's vector has {len(direction)} dimensions, those of the examples {len(centroid)}")
        likeness[key] = sum(map(mul, direction, centroid))
    return Match(intents=_near(params, likeness), likeness=likeness)


def _near(params: SemanticIntent, likeness: Mapping[str, float]) -> tuple[str, ...]:
    """Matched at top ≥ absolute, confident at top − second ≥ ambiguity. A single intent has none to be mistaken for."""
    # Sorting is stable: of intents that are as near, the one that stands first in the settings comes first.
    ranked = sorted(likeness, key=likeness.__getitem__, reverse=True)
    if not ranked or likeness[ranked[0]] < params.absolute_threshold:
        return ()
    top, *others = ranked
    as_near = [key for key in others[:1] if likeness[top] - likeness[key] < params.ambiguity_threshold]
    return (top, *as_near)


def given(params: SemanticIntent, matched: Match, candidates: Sequence[str]) -> Given:
    """What the policy says of these candidates (ids): 1.0 in the pool, the others out; all 1.0 without a pool for them."""
    figures = ", ".join(f"{key} {likeness:.3f}" for key, likeness in matched.likeness.items())
    pool = {model for name, intent in params.intents.items() if intent_key(name) in matched.intents for model in intent.models}
    if not pool.intersection(candidates):
        reason = "none of its models is a candidate" if matched.intents else "no intent matches"
        return Given(points=dict.fromkeys(candidates, 1.0), note=f"{reason} ({figures})")
    wanted = " or ".join(matched.intents)
    return Given(
        points={model: 1.0 if model in pool else 0.0 for model in candidates},
        excludes={model: f"it is not for {wanted}" for model in candidates if model not in pool},
        note=f"{wanted} ({figures})",
    )
