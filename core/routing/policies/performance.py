"""Prefer the models that answer fast."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Performance(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="performance",
):
    """Parameters of `performance`."""

    enabled: bool = True
    window_minutes: Annotated[float, Meta(gt=0, le=1440)] = 20.0
    half_life_minutes: Annotated[float, Meta(ge=0, le=1440)] = 5.0
    min_samples: Annotated[int, Meta(ge=1, le=1000)] = 1
    metric: Literal["latency", "ttft"] = "latency"
