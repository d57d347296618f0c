"""Parameters that several policies share, each described once: its range, its unit, its help."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

WindowMinutes: TypeAlias = Annotated[
    float,
    Meta(gt=0, le=1440, description="How far back records are read; the start is included.", extra={"unit": "min"}),
]
HalfLifeMinutes: TypeAlias = Annotated[
    float,
    Meta(
        ge=0,
        le=1440,
        description="After how long a record counts half as much; 0 counts all records of the window alike.",
        extra={"unit": "min"},
    ),
]

SHORTEST_HALF_LIFE_MINUTES = 0.01


def refuse_short_half_life(minutes: float) -> None:
    """Raise ValueError for one below 0.6 s: weights span window / half-life powers of two, which must end somewhere."""
    if 0 < minutes < SHORTEST_HALF_LIFE_MINUTES:
        raise ValueError(f"`half_life_minutes` must be 0 or at least {SHORTEST_HALF_LIFE_MINUTES}, not {minutes}")


def milliseconds(minutes: float) -> int:
    """Minutes in whole milliseconds; what is above 0 stays above 0."""
    return round(minutes * 60_000) or (1 if minutes > 0 else 0)
