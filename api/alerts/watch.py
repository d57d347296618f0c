"""Counts, beside the recorder, what every limit in force has used, and raises what it has to say in the same transaction.

The counters are the ledger's own (`core.limits`), begun from the database and carried on by each batch: no question is asked
for a request. They are right as of the recorder's mark; when a transaction fails they are forgotten and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from api.alerts.in_force import limits_in_force
from api.alerts.levels import Said, WatchedLimit, key_of
from api.database import alerts as kept
from api.database import windows
from api.database.alerts import Alert
from api.database.bookings import Booking
from api.database.recording import Raised
from api.database.request_logs import LogRow
from api.database.windows import Run
from core.config import Config, Settings
from core.limits import Amounts, Scope, Window, WindowUsage, model_scopes, new_usage, total_scopes
from core.limits.amounts import COST, NOTHING, added

HOUR_MS = 3_600_000
SWEEP_MS = 5_000
# Few scopes are asked for one by one, each along its own index; many in one walk over the window's rollups.
_ONE_BY_ONE = 20
# How far in the future a request may seem to be: its clock was set, or ours.
_AHEAD_MS = 60_000
_FAMILIAR = 10_000

_T = TypeVar("_T")


class Reader(Protocol):
    """How the database is asked: everything in one transaction."""

    def __call__(self, ask: Callable[[Run], _T], /) -> _T:
        """What `ask` finds."""


class Counted:
    """One scope in one window, and the limits on it."""

    __slots__ = ("limits", "rolls", "scope", "usage", "window")

    def __init__(self, scope: Scope, window: Window, usage: WindowUsage) -> None:
        self.scope = scope
        self.window = window
        self.usage = usage
        self.rolls = isinstance(window, int)
        self.limits: list[WatchedLimit] = []


class LimitWatch:
    """`configure` may be called from any thread; everything else belongs to the recorder's."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._given: tuple[Config, str | None] = (Config(), None)
        self._taken: tuple[Config, str | None] | None = None
        self._receivers: tuple[str, ...] = ()
        self._counts: dict[tuple[Scope, Window], Counted] = {}
        self._by_scope: dict[Scope, list[Counted]] = {}
        self._routes: dict[tuple[str, str, str], tuple[Counted, ...]] = {}
        self._newest_ms = 0
        self._swept_ms = 0
        self._waiting: list[Alert] = []  # raised when counters were begun, to be written with what comes next
        self._overruns: set[str] = set()  # raised of late: most of many would only be refused by the database

    def configure(self, config: Config, revision: str | None) -> None:
        """Watch the limits of this configuration from the next batch on."""
        self._given = (config, revision)

    @property
    def settings(self) -> Settings:
        """`waybill.yaml` of the configuration that was given last."""
        return self._given[0].settings

    # --- in the recorder's thread ---

    def prepare(self, read: Reader) -> None:
        """Take up a new configuration: begin counters that it adds, let go of those that it does not name.

        Raises what `read` raises; then it is done the next time.
        """
        given = self._given
        if given is self._taken:
            return
        limits = [WatchedLimit(effective) for effective in limits_in_force(given[0])]
        known = {limit.key: limit for counted in self._counts.values() for limit in counted.limits}
        fresh = [limit for limit in limits if limit.key not in known]
        counts = read(lambda run: self._begun(run, limits, fresh))
        for counted in counts.values():
            counted.limits = []
        for limit in limits:
            counts[limit.effective.scope, limit.window].limits.append(known.get(limit.key, limit))
        by_scope: dict[Scope, list[Counted]] = {}
        for counted in counts.values():
            by_scope.setdefault(counted.scope, []).append(counted)
        self._counts, self._by_scope, self._routes, self._taken = counts, by_scope, {}, given
        self._receivers = tuple(webhook.url for webhook in given[0].settings.alert_webhooks)
        now_ms = self._now_ms()
        for limit in fresh:
            self._waiting += self._said(counts[limit.effective.scope, limit.window], limit, now_ms, None)

    def fold(self, rows: Sequence[LogRow], bookings: Sequence[Booking]) -> Raised:
        """Count requests that are being recorded, and return what that makes limits say."""
        found, self._waiting = self._waiting, []
        latest = self._now_ms() + _AHEAD_MS
        for row, booking in zip(rows, bookings, strict=True):
            at_ms, totals = booking.at_ms, booking.totals
            if booking.reserved_cost is not None and totals[COST] > booking.reserved_cost:
                found += self._overrun(row, booking)
            if totals == NOTHING or not self._counts:
                continue
            self._newest_ms = max(self._newest_ms, min(at_ms, latest))
            for counted in self._route(row.project, row.token, ""):
                found += self._count(counted, at_ms, totals, row)
            for model, used in booking.models.items():
                for counted in self._route(row.project, row.token, model):
                    found += self._count(counted, at_ms, used, row)
        return Raised(found, self._receivers)

    def tick(self) -> Raised:
        """What time alone makes limits say: windows that are over."""
        now_ms = self._now_ms()
        found, self._waiting = self._waiting, []
        for counted in self._counts.values():
            for limit in counted.limits:
                if limit.speaking:
                    found += self._over(counted, limit, now_ms)
        if now_ms - self._swept_ms >= SWEEP_MS:
            self._swept_ms = now_ms
            for counted in self._counts.values():
                counted.usage.sweep(now_ms)
        return Raised(found, self._receivers)

    def skip(self) -> None:
        """Leave the configuration that was given unwatched, until another one comes."""
        self._taken = self._given

    def forget(self) -> None:
        """What was counted is not what was recorded: begin everything again."""
        self._taken = None
        self._counts, self._by_scope, self._routes, self._waiting = {}, {}, {}, []
        self._overruns.clear()

    # --- counters ---

    def _begun(
        self, run: Run, limits: Sequence[WatchedLimit], fresh: Sequence[WatchedLimit]
    ) -> dict[tuple[Scope, Window], Counted]:
        """Every count that these limits need: the known ones as they are, the others from the database."""
        newest = windows.newest_instant(run)
        # As of what is recorded, not of now: what comes next may belong to windows that are over.
        at_ms = min(self._now_ms(), self._now_ms() if newest is None else newest)
        self._newest_ms = max(self._newest_ms, at_ms)
        wanted = dict.fromkeys((limit.effective.scope, limit.window) for limit in limits)
        counts = {key: self._counts[key] for key in wanted if key in self._counts}
        for (scope, window), used in _balances(run, [key for key in wanted if key not in counts], at_ms):
            usage = new_usage(window, 0, complete=True)
            for instant, amounts in used:
                usage.add(instant, amounts, NOTHING)
            counts[scope, window] = Counted(scope, window, usage)
        if fresh:
            self._remember(run, fresh)
        return counts

    def _remember(self, run: Run, fresh: Sequence[WatchedLimit]) -> None:
        by_key = {limit.key: limit for limit in fresh}
        for alert in kept.said(run):
            limit = by_key.get(key_of(alert.project, alert.token, alert.model, alert.metric, alert.window, alert.value))
            if limit is not None and alert.kind != "overrun":
                limit.remember(alert.kind, alert.start_ms)

    def _route(self, project: str, token: str, model: str) -> tuple[Counted, ...]:
        """What counts a token's requests, those to a model where one is named."""
        key = (project, token, model)
        found = self._routes.get(key)
        if found is None:
            scopes = model_scopes(project, token, model) if model else total_scopes(project, token)
            found = self._routes[key] = tuple([counted for scope in scopes for counted in self._by_scope.get(scope, ())])
        return found

    # --- what is said ---

    def _count(self, counted: Counted, at_ms: int, used: Amounts, row: LogRow) -> Iterator[Alert]:
        counted.usage.add(at_ms, used, NOTHING)
        now_ms = self._newest_ms if counted.rolls else at_ms
        for limit in counted.limits:
            if limit.speaking:
                yield from self._over(counted, limit, now_ms)
            yield from self._said(counted, limit, now_ms, row.request_id)

    def _said(self, counted: Counted, limit: WatchedLimit, at_ms: int, request_id: str | None) -> Iterator[Alert]:
        used = counted.usage.used(at_ms, limit.metric)
        for said, start_ms in limit.look(at_ms, used):
            yield self._alert(limit, said, start_ms, at_ms, used, request_id)

    def _over(self, counted: Counted, limit: WatchedLimit, now_ms: int) -> Iterator[Alert]:
        used = counted.usage.used(now_ms, limit.metric)
        for said, start_ms in limit.over(now_ms, used):
            ended = limit.resets_ms(start_ms)
            yield self._alert(limit, said, start_ms, now_ms if ended is None else ended, used, None)

    def _alert(self, limit: WatchedLimit, said: Said, start_ms: int, at_ms: int, used: int, request_id: str | None) -> Alert:
        scope, metric = limit.effective.scope, limit.effective.rule.metric
        return Alert(
            event=f"{said}:{limit.key}:{start_ms}",
            kind=said,
            at_ms=at_ms,
            project=scope.project,
            token=scope.token,
            model=scope.model,
            metric=metric,
            window=str(limit.window),
            start_ms=start_ms,
            reset_ms=limit.resets_ms(start_ms),
            value=limit.value,
            used=used,
            request_id=request_id,
            revision=self._revision,
        )

    def _overrun(self, row: LogRow, booking: Booking) -> Iterator[Alert]:
        """A bill above its reserve. A model whose bounds are wrong would say so at every request: once an hour is enough."""
        hour_ms = booking.at_ms - booking.at_ms % HOUR_MS
        model = row.model or ""
        event = f"overrun:{row.project}:{row.token}:{model}:{hour_ms}"
        if event in self._overruns:
            return
        if len(self._overruns) >= _FAMILIAR:
            self._overruns.clear()
        self._overruns.add(event)
        yield Alert(
            event=event,
            kind="overrun",
            at_ms=booking.at_ms,
            project=row.project,
            token=row.token,
            model=model,
            metric="cost",
            window="",
            start_ms=booking.at_ms,
            reset_ms=None,
            value=booking.reserved_cost or 0,
            used=booking.totals[COST],
            request_id=row.request_id,
            revision=self._revision,
        )

    @property
    def _revision(self) -> str | None:
        return self._taken[1] if self._taken is not None else None


def _balances(
    run: Run, wanted: Sequence[tuple[Scope, Window]], at_ms: int
) -> Iterator[tuple[tuple[Scope, Window], windows.Instants]]:
    by_window: dict[Window, list[Scope]] = {}
    for scope, window in wanted:
        by_window.setdefault(window, []).append(scope)
    for window, scopes in by_window.items():
        if len(scopes) <= _ONE_BY_ONE:
            yield from (((scope, window), windows.balance(run, scope, window, at_ms)) for scope in scopes)
        elif isinstance(window, int):
            busy = _by_scope(windows.uses_since(run, at_ms - window), scopes)
            for scope in scopes:
                yield (scope, window), windows.balance(run, scope, window, at_ms) if busy[scope] != NOTHING else []
        else:
            sums = _by_scope(windows.calendar_uses(run, window, at_ms), scopes)
            yield from (((scope, window), [(at_ms, used)]) for scope, used in sums.items())


def _by_scope(uses: Mapping[tuple[str, str, str], Amounts], scopes: Sequence[Scope]) -> dict[Scope, Amounts]:
    """What these scopes have of uses by (project, token, model)."""
    sums = dict.fromkeys(scopes, NOTHING)
    for (project, token, model), used in uses.items():
        for scope in (*total_scopes(project, token), *(model_scopes(project, token, model) if model else ())):
            if scope in sums:
                sums[scope] = added(sums[scope], used)
    return sums
