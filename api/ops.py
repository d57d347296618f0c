"""The API's operations port: is it alive, is it ready, what are its figures. A port of its own, without authentication."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.metrics import ApiMetrics
from api.publish import Publisher
from api.recorder import Recorder
from api.repository.store import Repository

Answer: TypeAlias = tuple[int, str, bytes]
CHECK_TIMEOUT_S = 2.0


class Readiness:
    """Why the process cannot do its work yet, or any more; parts are handed in as they start."""

    def __init__(self) -> None:
        self.engine: AsyncEngine | None = None
        self.repository: Repository | None = None
        self.publisher: Publisher | None = None
        self.recorder: Recorder | None = None
        self.recording: asyncio.Task[None] | None = None

    async def missing(self) -> list[str]:
        """What is missing, in sentences; empty when the process is ready."""
        reasons = [
            await self._reason("database", self._ask_database()),
            await self._reason("repository", self._read_repository()),
            self._unpublished(),
            self._unrecorded(),
        ]
        return [reason for reason in reasons if reason]

    async def _reason(self, part: str, check: Awaitable[str | None]) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                return await check
        except TimeoutError:
            return f"{part}: no answer within {CHECK_TIMEOUT_S:.0f} s"

    async def _ask_database(self) -> str | None:
        if self.engine is None:
            return "database: its migrations have not ended"
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            return f"database: {type(error).__name__}"
        return None

    async def _read_repository(self) -> str | None:
        if self.repository is None:
            return "repository: not opened yet"
        if not self.repository.path.exists():
            return "repository: it is away"
        try:
            head = await asyncio.to_thread(self.repository.head)
        except Exception as error:  # whatever libgit2 says of a folder that is gone or broken
            return f"repository: {type(error).__name__}"
        return None if head is not None else "repository: it has no commit"

    def _unpublished(self) -> str | None:
        if self.publisher is None or self.publisher.revision is None:
            return "publisher: nothing is published"
        return None

    def _unrecorded(self) -> str | None:
        if self.recorder is None or self.recording is None:
            return "recorder: not started"
        if self.recording.done():
            return "recorder: it has stopped"
        return f"recorder: {self.recorder.failing}" if self.recorder.failing else None


class OpsApp:
    """`/healthz`, `/readyz` and `/metrics` as an ASGI application of a few lines."""

    def __init__(self, readiness: Readiness, metrics: ApiMetrics) -> None:
        self.readiness = readiness
        self.metrics = metrics
        self._answers: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/metrics": self._figures,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            return  # closes a websocket, whose handshake is not answered
        answer = self._answers.get(scope["path"])
        status, media_type, body = await answer() if answer else _json(404, {"error": "no such page"})
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        shown = body if scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": shown, "more_body": False})

    async def _alive(self) -> Answer:
        return _json(200, {"status": "alive"})

    async def _ready(self) -> Answer:
        missing = await self.readiness.missing()
        return _json(503, {"status": "not ready", "missing": missing}) if missing else _json(200, {"status": "ready"})

    async def _figures(self) -> Answer:
        return 200, CONTENT_TYPE_LATEST, await self.metrics.exposition()


def _json(status: int, value: object) -> Answer:
    return status, "application/json", msgspec.json.encode(value)
