"""Limits as mutations take them, the same at every level, and what they are in a file."""

from __future__ import annotations

from decimal import Decimal

import strawberry

from api.edits import EditRejected
from api.graphql.scalars import NanoUsd
from api.graphql.types.limit_words import CalendarWindow, LimitMetric, LimitMode, RollingUnit
from core.yaml_strict import Value


@strawberry.input(description="The last so many units, at any moment.")
class RollingWindowInput:
    """`core.fields.RollingWindow`."""

    length: int = strawberry.field(description="How many units, from 1.")
    unit: RollingUnit = strawberry.field(description="The unit.")


@strawberry.input(description="At most `value` of `metric` in each window; give exactly one of `window` and `rolling`.")
class LimitRuleInput:
    """`core.fields.LimitRule`."""

    metric: LimitMetric = strawberry.field(description="What is counted.")
    value: NanoUsd = strawberry.field(description="USD for cost, else a whole number; 0 always blocks.")
    window: CalendarWindow | None = strawberry.field(default=None, description="A window by the calendar.")
    rolling: RollingWindowInput | None = strawberry.field(default=None, description="A rolling window.")

    def plain(self, field: str) -> dict[str, Value]:
        """The rule in a file. Raises EditRejected."""
        if (self.window is None) == (self.rolling is None):
            raise EditRejected(field, "give exactly one of `window` and `rolling`")
        window: Value = str(self.window.value) if self.window is not None else None
        if self.rolling is not None:
            window = {"rolling": self.rolling.length, "unit": str(self.rolling.unit.value)}
        return {"metric": str(self.metric.value), "window": window, "value": amount(self.value)}


@strawberry.input(description="The limits of one level, all of them.")
class LimitsInput:
    """`core.fields.Limits`."""

    mode: LimitMode = strawberry.field(default=LimitMode.REPLACE, description="What they do to the inherited ones.")
    rules: list[LimitRuleInput] = strawberry.field(default_factory=list, description="The limits.")

    def plain(self, field: str = "limits") -> dict[str, Value] | None:
        """The limits in a file; None where they are no entry at all. Raises EditRejected."""
        rules: list[Value] = [rule.plain(f"{field}.rules[{position}]") for position, rule in enumerate(self.rules)]
        mode: dict[str, Value] = {} if self.mode is LimitMode.REPLACE else {"mode": str(self.mode.value)}
        if not rules and self.mode is not LimitMode.DISABLE:
            return None
        return {**mode, "rules": rules} if rules else mode


def amount(nano: NanoUsd) -> Value:
    """A Decimal as a file has it: a whole number where it is one."""
    whole, rest = divmod(nano, 1_000_000_000)
    return whole if rest == 0 else Decimal(nano).scaleb(-9).normalize()


def limits_plain(wish: strawberry.Maybe[LimitsInput | None], field: str = "limits") -> dict[str, Value]:
    """{"limits": …} for what a wish says of them: nothing where it says nothing, None to take them away."""
    if wish is None:
        return {}
    return {"limits": wish.value.plain(field) if wish.value is not None else None}
