"""Limits of one level, as a file has them."""

from __future__ import annotations

from decimal import Decimal

import strawberry

from api.graphql.scalars import NanoUsd
from api.graphql.types.limit_words import CalendarWindow, LimitMetric, LimitMode, RollingUnit
from core import config


@strawberry.type(description="The last so many units, at any moment.")
class RollingWindow:
    """`core.fields.RollingWindow`."""

    length: int = strawberry.field(description="How many units.")
    unit: RollingUnit = strawberry.field(description="The unit.")


@strawberry.type(description="At most `value` of `metric` in each window, which is by the calendar or rolling.")
class LimitRule:
    """`core.fields.LimitRule`."""

    metric: LimitMetric = strawberry.field(description="What is counted.")
    value: NanoUsd = strawberry.field(description="USD for cost, else a whole number; 0 always blocks.")
    window: CalendarWindow | None = strawberry.field(description="The window by the calendar; null for a rolling one.")
    rolling: RollingWindow | None = strawberry.field(description="The rolling window; null for one by the calendar.")

    @classmethod
    def of(cls, rule: config.LimitRule) -> LimitRule:
        """A rule of a file."""
        by_calendar, rolling = None, None
        if isinstance(rule.window, config.RollingWindow):
            rolling = RollingWindow(length=rule.window.rolling, unit=RollingUnit(rule.window.unit))
        else:
            by_calendar = CalendarWindow(rule.window)
        return cls(metric=LimitMetric(rule.metric), value=exact(rule.value), window=by_calendar, rolling=rolling)


@strawberry.type(description="The limits of one level and what they do to the inherited ones.")
class Limits:
    """`core.fields.Limits`."""

    mode: LimitMode = strawberry.field(description="What they do to the inherited ones.")
    rules: list[LimitRule] = strawberry.field(description="The limits, in the file's order.")

    @classmethod
    def of(cls, limits: config.Limits) -> Limits:
        """Limits of a file."""
        return cls(mode=LimitMode(limits.mode), rules=[LimitRule.of(rule) for rule in limits.rules])


def exact(amount: Decimal) -> NanoUsd:
    """A decimal of a file, in the scalar's billionths: files have no finer ones."""
    return NanoUsd(int(amount.scaleb(9)))
