"""Whether any admission exceeded a limit, at any moment, told from the journal alone.

The journal has admissions, fallbacks and ends in the order in which the ledger booked them. So what is used and reserved at
each instant is a fold over it, and each admission is held against every limit of the scopes that it counts in.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from core.events import JournalEvent, RequestAdmitted, RequestFinished
from core.fields import LimitRule
from core.limits import METRICS, Amounts, Effective, Scope, booked, window_of
from core.limits.amounts import NOTHING, added, amounts
from core.limits.windows import calendar_bounds


class Held:
    """One limit: what every request, by the instant of its admission, has used or reserved of it."""

    def __init__(self, scope: Scope, rule: dict[str, Any]) -> None:
        self.scope = scope
        effective = Effective(scope, msgspec.convert(rule, LimitRule, strict=False))
        self.value = effective.amount
        self.metric = METRICS.index(effective.rule.metric)
        self.window = window_of(effective.rule.window)
        self.most = 0
        self._held: dict[str, int] = {}
        self._instants: list[tuple[int, str]] = []  # of a window that rolls: every admission's
        self._sums: Counter[int] = Counter()  # of a calendar's: what is held in each, by its start

    def counts(self, project: str, token: str) -> bool:
        """Whether a token's requests count here."""
        return self.scope.project in ("", project) and self.scope.token in ("", token)

    def put(self, request: str, at_ms: int, parts: dict[str, Amounts]) -> None:
        """What a request holds now, by model and in its totals."""
        held = parts.get(self.scope.model, NOTHING)[self.metric]
        if not isinstance(self.window, int):
            self._sums[calendar_bounds(self.window, at_ms)[0]] += held - self._held.get(request, 0)
        elif request not in self._held:
            insort(self._instants, (at_ms, request))
        self._held[request] = held

    def fullest(self, at_ms: int) -> int:
        """The most that is held in any window that an instant lies in."""
        if isinstance(self.window, int):
            instants, window = self._instants, self.window
            near = instants[bisect_left(instants, (at_ms - window, "")) : bisect_left(instants, (at_ms + window + 1, ""))]
            ends = {at_ms, *(at for at, _ in near if at > at_ms)}
            found = max(sum(self._held[id] for at, id in near if end - window <= at <= end) for end in ends)
        else:
            found = self._sums[calendar_bounds(self.window, at_ms)[0]]
        self.most = max(self.most, found)
        return found


def exceeded(events: Iterable[JournalEvent], limits: list[Held]) -> Iterator[str]:
    """Each admission that made a limit hold more than its value."""
    for event in events:
        at_ms = event.at_ms + event.admitted_ms
        held = [limit for limit in limits if limit.counts(event.project, event.token)]
        if isinstance(event, RequestFinished):
            totals, models = booked(event)
            for limit in held:
                limit.put(event.id, at_ms, {**models, "": totals})
        elif event.reserved:
            parts = _reserved(event)
            for limit in held:
                limit.put(event.id, at_ms, parts)
                if limit.scope.model in parts and (found := limit.fullest(at_ms)) > limit.value:
                    yield f"{event.id}: {found} of {limit.value} {METRICS[limit.metric]} of {limit.scope.owner}"


def _reserved(event: RequestAdmitted) -> dict[str, Amounts]:
    """What an admission holds in its totals, which are "", and for each model."""
    parts = {model: _read(spent) for model, spent in event.spent.items()}
    parts[event.model] = added(parts.get(event.model, NOTHING), _read(event.reserved))
    total = NOTHING
    for part in parts.values():
        total = added(total, part)
    return {**parts, "": total}


def _read(written: dict[str, int]) -> Amounts:
    get = written.get
    return amounts(get("cost", 0), get("calls", 0), get("input_tokens", 0), get("output_tokens", 0))
