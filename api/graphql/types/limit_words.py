"""The words that limits are made of, shared by what mutations take and what queries answer."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="What a limit counts.")
class LimitMetric(Enum):
    """`core.fields.Metric`."""

    COST = strawberry.enum_value("cost", description="USD.")
    CALLS = strawberry.enum_value("calls", description="Requests; per model, successful ones.")
    INPUT_TOKENS = strawberry.enum_value("input_tokens", description="All input, cached and cache-written included.")
    OUTPUT_TOKENS = strawberry.enum_value("output_tokens", description="All output, reasoning included.")
    TOTAL_TOKENS = strawberry.enum_value("total_tokens", description="Input and output.")


@strawberry.enum(description="A window by the calendar, in UTC.")
class CalendarWindow(Enum):
    """`core.fields.CalendarWindow`."""

    HOURLY = strawberry.enum_value("hourly", description="From each full hour.")
    DAILY = strawberry.enum_value("daily", description="From midnight.")
    WEEKLY = strawberry.enum_value("weekly", description="From Monday.")
    MONTHLY = strawberry.enum_value("monthly", description="From the first of the month.")
    YEARLY = strawberry.enum_value("yearly", description="From the first of January.")


@strawberry.enum(description="The unit of a rolling window.")
class RollingUnit(Enum):
    """`core.fields.RollingUnit`."""

    SECONDS = strawberry.enum_value("seconds", description="Seconds.")
    MINUTES = strawberry.enum_value("minutes", description="Minutes.")
    HOURS = strawberry.enum_value("hours", description="Hours.")
    DAYS = strawberry.enum_value("days", description="Days of 24 hours.")
    WEEKS = strawberry.enum_value("weeks", description="Weeks of seven days.")
    MONTHS = strawberry.enum_value("months", description="Months of 30 days.")


@strawberry.enum(description="What a level's limits do to the inherited ones.")
class LimitMode(Enum):
    """`core.fields.Limits.mode`."""

    REPLACE = strawberry.enum_value("replace", description="Only this level's limits; without any, the inherited ones.")
    EXTEND = strawberry.enum_value("extend", description="These and the inherited ones.")
    DISABLE = strawberry.enum_value("disable", description="None from here outward; limits beside it are ignored.")
