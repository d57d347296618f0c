"""Loaders: what many rows ask for one by one is fetched by one query. They live as long as a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from strawberry.dataloader import DataLoader

from api.database import request_logs, usage
from api.database.request_logs import LogRow
from api.database.usage import Day, Figures
from api.limit_usage import LimitUse, limit_uses
from api.people import now_ms
from core.events import RequestFinished
from core.limits import Scope

if TYPE_CHECKING:
    from api.services import Services


class Loaders:
    """The loaders of one request."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.today: DataLoader[str, Figures] = DataLoader(load_fn=self._today, cache=False)
        self.days: DataLoader[tuple[str, int], list[Day]] = DataLoader(load_fn=self._days, cache=False)
        self.routing_calls: DataLoader[str, list[LogRow]] = DataLoader(load_fn=self._routing_calls, cache=False)
        self.last_used: DataLoader[tuple[str, str], int | None] = DataLoader(load_fn=self._last_used, cache=False)
        self.limit_uses: DataLoader[Scope, tuple[LimitUse, ...]] = DataLoader(load_fn=self._limit_uses, cache=False)
        # Traces are heavy and asked for once: kept no longer than the batch that fetched them.
        self.traces: DataLoader[str, RequestFinished | None] = DataLoader(load_fn=self._traces, cache=False)

    async def _today(self, slugs: list[str]) -> list[Figures]:
        found = await usage.today(self._services.engine, slugs, now_ms())
        return [found[slug] for slug in slugs]

    async def _days(self, keys: list[tuple[str, int]]) -> list[list[Day]]:
        """By (slug, how many days, today's the last)."""
        most = max(days for _, days in keys)
        found = await usage.by_day(self._services.engine, [slug for slug, _ in keys], now_ms(), most)
        return [found[slug][-days:] for slug, days in keys]

    async def _last_used(self, keys: list[tuple[str, str]]) -> list[int | None]:
        """By (slug, token)."""
        by_slug: dict[str, list[str]] = {}
        for slug, token in keys:
            by_slug.setdefault(slug, []).append(token)
        found = {slug: await usage.last_used(self._services.engine, slug, tokens) for slug, tokens in by_slug.items()}
        return [found[slug].get(token) for slug, token in keys]

    async def _routing_calls(self, request_ids: list[str]) -> list[list[LogRow]]:
        found = await request_logs.caused_by(self._services.engine, request_ids)
        return [found.get(request_id, []) for request_id in request_ids]

    async def _limit_uses(self, scopes: list[Scope]) -> list[tuple[LimitUse, ...]]:
        found = await limit_uses(self._services.engine, self._services.publisher.config, scopes, now_ms())
        return [found[scope] for scope in scopes]

    async def _traces(self, request_ids: list[str]) -> list[RequestFinished | None]:
        bodies = await request_logs.traces_of(self._services.engine, request_ids)
        return [
            msgspec.json.decode(bodies[request_id], type=RequestFinished) if request_id in bodies else None
            for request_id in request_ids
        ]
