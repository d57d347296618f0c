"""Prefer the models that have answered of late, and leave out those that fail, until a probe shows that they are back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class Health(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="health",
):
    """Parameters of `health`."""

    enabled: bool = True
    window_minutes: Annotated[float, Meta(gt=0, le=1440)] = 20.0
    half_life_minutes: Annotated[float, Meta(ge=0, le=1440)] = 5.0
    pseudo_counts: Annotated[float, Meta(ge=0, le=1000)] = 2.0
    circuit_breaker: Annotated[float, Meta(gt=0, le=1)] = 0.9
    min_samples: Annotated[int, Meta(ge=1, le=1000)] = 2
    probe_seconds: Annotated[float, Meta(ge=0, le=86400)] = 90.0
