"""The parts of the API process that answers are made from, put together once at start."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from api.catalogue import Catalogue
from api.feed import Feed
from api.metrics import ApiMetrics
from api.people import People
from api.publish import Publisher
from api.repository.store import Repository
from core.config import Config


@dataclass
class Services:
    """What resolvers may ask; nothing here is a request's own."""

    engine: AsyncEngine
    repository: Repository
    publisher: Publisher
    feed: Feed
    people: People
    metrics: ApiMetrics
    proxy_url: str
    _catalogue: Catalogue = field(default_factory=lambda: Catalogue(Config(), None))

    def catalogue(self) -> Catalogue:
        """The published configuration, indexed once a revision."""
        if self._catalogue.revision != self.publisher.revision:
            self._catalogue = Catalogue(self.publisher.config, self.publisher.revision)
        return self._catalogue
