"""Leave out the models that lack what the request needs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.routing.candidates import Pool, Scores
from core.routing.situation import Situation


class Capability(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="capability",
):
    """Leave out the models that lack what the request needs: vision, function calling, JSON, thinking or audio."""

    enabled: Annotated[bool, Meta(description="Whether the policy takes part.")] = True


def score(situation: Situation, pool: Pool, params: Capability) -> Scores:
    """1.0, but out (and so at 0.0) is a model that declares `false` for a need; what it does not declare counts as able."""
    needs, unable = situation.facts.needs, pool.unable
    missing = [(need, unable[need]) for need in needs if need in unable] if needs and unable else ()
    if not missing:
        return Scores(pool.all_one)
    lacks: dict[str, list[str]] = {}
    for need, positions in missing:
        for at in positions:
            lacks.setdefault(pool.ids[at], []).append(need)
    return Scores(pool.all_one, {model: f"it has no {', '.join(needs)}" for model, needs in lacks.items()})
