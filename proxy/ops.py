"""The proxy's operations port: liveness, readiness, metrics. It never answers a client's request."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from proxy.server import Request

JSON = [(b"content-type", b"application/json")]


class OpsHandler:
    """`/healthz` (the process runs), `/readyz` (it can serve: else 503 with the reason), `/metrics`."""

    def __init__(self, not_ready: Callable[[], str | None], registry: CollectorRegistry) -> None:
        self._not_ready = not_ready
        self._registry = registry

    async def __call__(self, request: Request) -> None:
        """Answer one request."""
        match request.path:
            case "/healthz":
                request.respond(200, JSON, b'{"status":"alive"}')
            case "/readyz":
                reason = self._not_ready()
                body = {"status": "ready"} if reason is None else {"status": "not ready", "reason": reason}
                request.respond(200 if reason is None else 503, JSON, msgspec.json.encode(body))
            case "/metrics":
                request.respond(200, [(b"content-type", CONTENT_TYPE_LATEST.encode())], generate_latest(self._registry))
            case _:
                request.respond(404, JSON, b'{"error":"this port has /healthz, /readyz and /metrics"}')
