"""Loaders: what many rows ask for one by one is fetched by one query. They live as long as a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from strawberry.dataloader import DataLoader

from api.database import request_logs, usage
from api.database.usage import UsageToday
from api.people import now_ms
from core.events import RequestFinished

if TYPE_CHECKING:
    from api.services import Services


class Loaders:
    """The loaders of one request."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.today: DataLoader[str, UsageToday] = DataLoader(load_fn=self._today)
        # Traces are heavy and asked for once: kept no longer than the batch that fetched them.
        self.traces: DataLoader[str, RequestFinished | None] = DataLoader(load_fn=self._traces, cache=False)

    async def _today(self, slugs: list[str]) -> list[UsageToday]:
        found = await usage.today(self._services.engine, slugs, now_ms())
        return [found[slug] for slug in slugs]

    async def _traces(self, request_ids: list[str]) -> list[RequestFinished | None]:
        bodies = await request_logs.traces_of(self._services.engine, request_ids)
        return [
            msgspec.json.decode(bodies[request_id], type=RequestFinished) if request_id in bodies else None
            for request_id in request_ids
        ]
