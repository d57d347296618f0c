"""What people read, with 1,000 projects and 10,000 tokens: pages of request logs, of projects with their use, charts.

200,000 rows; `--full`: ten million. All over HTTP, one question after the other: milliseconds to the answer for pages of rows,
CPU of the API's process for the list of projects.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import msgspec

from bench import history
from bench.product import Product
from bench.report import Figure, Outcome, at_most
from bench.stand import Stand, spent_since

ROWS, ROWS_FULL = 200_000, 10_000_000
PAGE_MS, LIST_CPU_MS = 30, 25
_TIMES = 15
_LOGS = """query($filter: RequestLogFilter, $after: String) { requestLogs(filter: $filter, after: $after) {
  nodes { cursor at traceId projectSlug tokenId model status inputTokens outputTokens cost latencyMs }
  pageInfo { hasNextPage endCursor } } }"""
_PROJECTS = """query($order: ProjectOrder) { projects(order: $order) { totalCount
  nodes { id slug name tokenCount models policies today { cost calls errors } trend { cost calls } }
  pageInfo { hasNextPage endCursor } } }"""
_CHART = """query($by: [UsageDimension!]) { usage(groupBy: $by) {
  totals { calls cost errors inputTokens outputTokens latency { p95Ms } }
  points { start figures { calls cost errors } } groups(first: 10) { project model figures { calls cost } } } }"""
_BUSY, _QUIET = "bench-00007", "bench-00777"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question, asked several times."""

    ms: list[float]
    api_cpu_ms: float
    nodes: int


def measure(stand: Stand) -> Outcome:
    """Every kind of filter, then the list of projects and a chart."""
    product, rows = stand.large, ROWS_FULL if stand.full else ROWS
    now_ms = int(time.time() * 1000)
    product.close()
    history.write(product, rows, now_ms)
    product.start()
    span_ms = rows * history.EVERY_MS
    pages = {name: _ask(product, _LOGS, **variables) for name, variables in _pages(rows, now_ms, span_ms).items()}
    lists = {
        "projects, by slug": _ask(product, _PROJECTS),
        "projects, by today's cost": _ask(product, _PROJECTS, order={"field": "COST", "direction": "DESC"}),
    }
    charts = {
        "usage of a day, by the hour": _ask(product, _CHART),
        "the same, by model": _ask(product, _CHART, by=["MODEL"]),
        "the same, by project": _ask(product, _CHART, by=["PROJECT"]),
    }
    return Outcome(
        figures=[
            Figure(name="rows", value=rows),
            *(at_most(f"request logs, {name}: median", median(page.ms), PAGE_MS, "ms") for name, page in pages.items()),
            Figure(
                name="request logs: the slowest answer of all", value=max(max(page.ms) for page in pages.values()), unit="ms"
            ),
            *(at_most(f"first page of {name}: CPU", found.api_cpu_ms, LIST_CPU_MS, "ms") for name, found in lists.items()),
            *(Figure(name=f"{name}: median", value=median(chart.ms), unit="ms") for name, chart in charts.items()),
        ],
        rounds=pages | lists | charts,
    )


def _pages(rows: int, now_ms: int, span_ms: int) -> dict[str, dict[str, Any]]:
    middle = {"since": _instant(now_ms - span_ms // 2), "until": _instant(now_ms - span_ms // 2 + span_ms // 100)}
    filters: dict[str, Any] = {
        "first page": None,
        "of a busy project": {"project": _BUSY},
        "of a quiet project": {"project": _QUIET},
        "of a token": {"token": "t3"},
        "of a project's token": {"project": _QUIET, "token": "t3"},
        "of a model": {"model": "bench-2"},
        "of a status": {"status": ["error"]},
        "of a project and a status": {"project": _QUIET, "status": ["error", "timeout"]},
        "of a time": middle,
        "of a time and a project": {**middle, "project": _BUSY},
    }
    found = {name: {"filter": filter} for name, filter in filters.items()}
    return {**found, "from the middle": {"filter": None, "after": str(rows // 2)}}


def _instant(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms // 1000))


def _ask(product: Product, query: str, **variables: Any) -> Asked:
    answer = product.graphql(query, **variables)  # the first one reads what nobody has read yet
    (found,) = answer.values()
    spent, ms = spent_since(product.pid("api")), []
    for _ in range(_TIMES):
        started = time.monotonic()
        product.graphql(query, **variables)
        ms.append((time.monotonic() - started) * 1000)
    return Asked(ms=ms, api_cpu_ms=spent() / _TIMES * 1000, nodes=len(found.get("nodes", ())))
