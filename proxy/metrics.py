"""What the proxy counts about itself: plain integers on the hot path, turned into Prometheus families only when scraped."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

from core.events import RequestFinished
from proxy.journal import Journal

LATENCY_BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 600_000)


class Metrics:
    """Counts of one proxy process since its start."""

    def __init__(self) -> None:
        self.finished: Counter[tuple[str, str]] = Counter()  # (status, call type)
        self.attempts: Counter[tuple[str, str]] = Counter()  # (model, status)
        self.unrecorded: Counter[str] = Counter()  # answers that have no log row, by what they were
        self.latency: list[int] = [0] * (len(LATENCY_BUCKETS_MS) + 1)
        self.latency_sum_ms = 0.0
        self.active = 0
        self.reloads = 0

    def record(self, event: RequestFinished) -> None:
        """Count one finished request with its attempts."""
        self.finished[event.status, event.call_type] += 1
        self.latency[bisect_left(LATENCY_BUCKETS_MS, event.latency_ms)] += 1
        self.latency_sum_ms += event.latency_ms
        for attempt in event.attempts:
            self.attempts[attempt.model, attempt.status] += 1


class MetricsCollector(Collector):
    """Prometheus' view of `Metrics` and of the revision that runs."""

    def __init__(
        self,
        metrics: Metrics,
        revision: Callable[[], str | None],
        refused_revisions: Callable[[], int],
        journal: Journal,
    ) -> None:
        self._metrics = metrics
        self._refused_revisions = refused_revisions
        self._revision = revision
        self._journal = journal

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily | InfoMetricFamily]:
        """Yield every family once."""
        metrics = self._metrics
        yield _labelled("waybill_requests", "Finished requests.", ("status", "call_type"), metrics.finished)
        yield _labelled("waybill_attempts", "Upstream attempts.", ("model", "status"), metrics.attempts)
        yield _labelled(
            "waybill_unrecorded_answers",
            "Answers without a log row.",
            ("kind",),
            {(k,): n for k, n in metrics.unrecorded.items()},
        )
        yield HistogramMetricFamily(
            "waybill_request_duration_seconds",
            "From a request's arrival to its last byte.",
            buckets=list(_cumulative(metrics.latency)),
            sum_value=metrics.latency_sum_ms / 1_000,
        )
        yield GaugeMetricFamily("waybill_active_requests", "Requests in flight.", value=metrics.active)
        yield GaugeMetricFamily("waybill_journal_position_bytes", "End of the journal.", value=self._journal.position)
        yield CounterMetricFamily("waybill_reloads", "Revisions swapped in.", value=metrics.reloads)
        yield CounterMetricFamily("waybill_refused_revisions", "Revisions refused.", value=self._refused_revisions())
        yield CounterMetricFamily(
            "waybill_journal_failures", "Records not written at once.", value=self._journal.deferred_total
        )
        yield InfoMetricFamily("waybill_configuration", "The running revision.", value={"revision": self._revision() or ""})


def registry(
    metrics: Metrics,
    revision: Callable[[], str | None],
    refused_revisions: Callable[[], int],
    journal: Journal,
) -> CollectorRegistry:
    """A registry of its own for one process: nothing global, so tests and processes never share counts."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MetricsCollector(metrics, revision, refused_revisions, journal))
    return registry


def _labelled(
    name: str, text: str, labels: tuple[str, ...], counts: Counter[tuple[str, str]] | dict[tuple[str], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _cumulative(counts: list[int]) -> Iterator[tuple[str, float]]:
    total = 0
    for bound, count in zip([*(str(ms / 1_000) for ms in LATENCY_BUCKETS_MS), "+Inf"], counts, strict=True):
        total += count
        yield bound, total
