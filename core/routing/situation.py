"""What a policy may read besides the candidates and its parameters: one value, so that a new policy changes no signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.facts import Facts

if TYPE_CHECKING:
    from core.routing.stats import Statistics

NO_BUDGETS: Mapping[str, float] = {}


class Situation:
    """A request at one instant: its facts, the statistics, whose it is and what its limits leave it."""

    __slots__ = ("budgets", "facts", "now_ms", "project", "stats")

    def __init__(
        self, facts: Facts, stats: Statistics, now_ms: int, project: str = "", budgets: Mapping[str, float] = NO_BUDGETS
    ) -> None:
        self.facts = facts
        self.stats = stats
        self.now_ms = now_ms
        self.project = project
        self.budgets = budgets  # model -> the smallest remaining share of a limit that an attempt on it reserves in
