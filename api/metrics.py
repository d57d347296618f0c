"""What Prometheus reads of the API process. Gauges that mirror the state of another part are set when they are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_OPERATION_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ApiMetrics:
    """The API's metrics, in a registry of their own so that tests can run two APIs in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.operations = Counter(
            "waybill_graphql_operations_total",
            "GraphQL operations by kind and outcome (ok, errors, refused).",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.operation_seconds = Histogram(
            "waybill_graphql_operation_seconds",
            "Duration of GraphQL queries and mutations.",
            ["kind"],
            buckets=_OPERATION_SECONDS,
            registry=self.registry,
        )
        self.subscriptions = self._gauge("waybill_graphql_subscriptions", "GraphQL subscriptions that are open.")
        self.unauthenticated = Counter(
            "waybill_graphql_unauthenticated_total", "Requests answered 401.", registry=self.registry
        )
        self.logins = Counter(
            "waybill_logins_total", "Logins by outcome (ok, refused, throttled).", ["outcome"], registry=self.registry
        )
        self.feed_subscribers = self._gauge("waybill_feed_subscribers", "Subscribers of the request log feed.")
        self.rows_recorded = self._gauge("waybill_recorder_rows", "Request log rows recorded since the process started.")
        self.recorder_position = self._gauge("waybill_recorder_position_bytes", "Journal position that is recorded.")
        self.recorder_lag = self._gauge("waybill_recorder_lag_bytes", "Journal bytes that are written and not yet recorded.")
        self.proxies_connected = self._gauge("waybill_proxies", "Proxies that report which revision they run.")
        self.proxies_behind = self._gauge("waybill_proxies_behind", "Proxies that do not run the published revision.")
        self.published = Gauge(
            "waybill_published_revision_info", "The published revision, as a label.", ["revision"], registry=self.registry
        )
        self.refused = self._gauge("waybill_head_refused", "1 while the head of the repository cannot be published.")
        self.degraded = self._gauge("waybill_degraded_files", "Files of the published revision that are not in use.")
        self._before_read: list[Callable[[], Awaitable[None]]] = []

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)

    def on_read(self, update: Callable[[], Awaitable[None]]) -> None:
        """Await `update` before each exposition, to copy another part's figures into the gauges."""
        self._before_read.append(update)

    async def exposition(self) -> bytes:
        """The figures of this moment in Prometheus's text format."""
        for update in self._before_read:
            await update()
        return generate_latest(self.registry)
