"""Prefer the models that would cost least for this very request."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class Cheapest(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="cheapest",
):
    """Parameters of `cheapest`."""

    enabled: bool = True
    output_tokens_estimate: Annotated[int, Meta(ge=0)] | None = None
