"""A whole API process on loopback: real HTTP, real repository with the sample configuration, real SQLite, real journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest_asyncio

from api import main
from api.database.engine import open_engine, sqlite_url
from api.database.migrate import migrate
from api.main import ApiSettings
from api.people import People, put_admin
from api.repository.commits import WAYBILL
from api.repository.installation import create
from api.repository.store import Edit, Repository
from core.events import RequestFinished
from core.layout import Layout
from core.sealing import generate_keys
from proxy.journal import Journal

SAMPLE = Path(__file__).parents[2] / "config-repo"
ADMIN = "admin@localhost"
VIEWER = "viewer@example.org"
PASSWORD = "correct horse battery"
ADMIN_KEY = "wb-admin"


@dataclass
class Api:
    """A running API and everything a test needs to reach it."""

    layout: Layout
    port: int
    ops_port: int
    viewer_key: str
    client: httpx.AsyncClient
    ops: httpx.AsyncClient
    repository: Repository
    journal: Journal
    task: asyncio.Task[None]
    recorded: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    async def post(
        self, query: str, key: str | None = ADMIN_KEY, headers: dict[str, str] | None = None, **variables: Any
    ) -> httpx.Response:
        sent = {"authorization": f"Bearer {key}"} if key else {}
        return await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers={**sent, **(headers or {})}
        )

    async def data(self, query: str, key: str | None = ADMIN_KEY, **variables: Any) -> Any:
        """The answer's data; fails for an answer with errors."""
        answer = (await self.post(query, key, **variables)).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def record(self, *events: RequestFinished) -> None:
        """Journal these requests and wait until the feed has them: then their rows can be asked for."""
        after, self.recorded = self.recorded, self.recorded + len(events)
        for event in events:
            self.journal.append(msgspec.json.encode(event))
        query = "subscription($after: String) { requestLogFirehose(after: $after) }"
        async for payload in self.stream(query, after=str(after)):
            if int(payload["data"]["requestLogFirehose"]["cursor"]) >= self.recorded:
                return

    async def stream(self, query: str, key: str | None = ADMIN_KEY, **variables: Any) -> AsyncGenerator[Any, None]:
        """The payloads of an operation over an event stream."""
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {key}"}
        body = {"query": query, "variables": variables}
        async with self.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream"), await answer.aread()
            event = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "next":
                    yield json.loads(line.removeprefix("data: "))
                elif event == "complete":
                    return

    def head(self) -> str:
        revision = self.repository.head()
        assert revision is not None
        return revision

    def commit(self, path: str, data: bytes, reason: str = "by hand") -> str:
        edit = Edit(changes={path: data}, author=WAYBILL, reason=reason, base=self.head())
        return self.repository.commit(edit, check=lambda head, changes: None).revision


def fill(data: Path) -> Layout:
    """A data folder with the sample configuration."""
    layout = Layout(data)
    data.mkdir(mode=0o700, exist_ok=True)
    layout.private_key.parent.mkdir(mode=0o700)
    for path, key in zip((layout.private_key, layout.public_key), generate_keys(), strict=True):
        path.write_bytes(key)
    repository = create(layout.repository, layout.data)
    files = {str(path.relative_to(SAMPLE)): path.read_bytes() for path in SAMPLE.rglob("*") if path.is_file()}
    edit = Edit(changes=files, author=WAYBILL, reason="The sample", base=None)
    repository.commit(edit, check=lambda head, changes: None)
    return layout


async def people_of(layout: Layout) -> str:
    """Make an admin with ADMIN_KEY and a viewer; return the viewer's key."""
    url = sqlite_url(layout.database)
    await asyncio.to_thread(migrate, url)
    engine = open_engine(url)
    await put_admin(engine, ADMIN, PASSWORD, ADMIN_KEY)
    people = People(engine)
    key = await people.create_key(await people.create_user(VIEWER, PASSWORD, "viewer", "Vi"), "test")
    await engine.dispose()
    return key


@asynccontextmanager
async def running(
    data: Path, prepare: Callable[[Layout], Awaitable[None]] | None = None, proxy_url: str = "http://127.0.0.1:8080"
) -> AsyncIterator[Api]:
    """The API over a data folder, from start to drain; `prepare` may add to the folder before the start."""
    layout = fill(data)
    viewer_key = await people_of(layout)
    if prepare is not None:
        await prepare(layout)
    started: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
    settings = ApiSettings(data=data, listen=("127.0.0.1", 0), ops=("127.0.0.1", 0), proxy_url=proxy_url)
    task = asyncio.create_task(main.run(settings, started))
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    port, ops_port = started.result()
    journal = Journal.open(layout.journal, 1 << 26)
    try:
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{ops_port}", timeout=30) as ops,
        ):
            repository = Repository(layout.repository)
            yield Api(layout, port, ops_port, viewer_key, client, ops, repository, journal, task)
    finally:
        journal.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any) -> AsyncIterator[Api]:
    """One API for a module's tests; each must leave it usable for the next."""
    async with running(tmp_path_factory.mktemp("api") / "data") as api:
        yield api
