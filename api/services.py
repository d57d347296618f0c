"""The parts of the API process that answers are made from, put together once at start."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from api.alerts.feed import AlertFeed
from api.catalogue import Catalogue
from api.feed import Feed
from api.history import History
from api.metrics import ApiMetrics
from api.people import People
from api.progress import ProgressFeed
from api.proxies import ProxyReports
from api.publish import Publisher
from api.repository.store import Repository
from api.sealing import Sealing
from api.wishes import Wishes


@dataclass
class Services:
    """What resolvers may ask; nothing here is a request's own."""

    engine: AsyncEngine
    repository: Repository
    publisher: Publisher
    feed: Feed
    alerts: AlertFeed
    people: People
    metrics: ApiMetrics
    proxy_url: str
    sealing: Sealing
    history: History = field(init=False)
    proxies: ProxyReports = field(init=False)
    progress: ProgressFeed = field(init=False)
    wishes: Wishes = field(init=False)

    def __post_init__(self) -> None:
        self.history = History(self.repository, lambda: (self.publisher.revision, self.publisher.config))
        self.proxies = ProxyReports(self.publisher)
        self.progress = ProgressFeed(self.publisher.layout)
        self.wishes = Wishes(self.engine, self.publisher.layout.wishes_key)

    def catalogue(self) -> Catalogue:
        """The published configuration, indexed once a revision."""
        return self.publisher.catalogue

    def lengths(self) -> dict[tuple[str, str], int]:
        """How long the lists of GraphQL that have no page may be now."""
        return {("Provider", "models"): self.catalogue().most_models}
