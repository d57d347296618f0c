"""GraphQL as a person's own frontend would speak it: the official client, the admin's key."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXTransport
from gql.transport.websockets import WebsocketsTransport

from tests.e2e.product import Product

ROW = """query($id: ID!) { requestLog(id: $id) {
  traceId cursor projectSlug model status httpStatus errorCode error inputTokens outputTokens cost stream revision attempts
  labels { key value }
  trace { candidates order revision facts { modelNamed stream inputTokensEstimate }
    policies { kind weight models { model score } } attempts { model status httpStatus error } } } }"""


class Console:
    """The API of a running product."""

    def __init__(self, product: Product) -> None:
        self._product = product

    @property
    def _key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._product.made.admin.api_key}"}

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of one operation; raises TransportQueryError for an answer with errors."""
        transport = HTTPXTransport(f"{self._product.made.api_url}/graphql", headers=self._key, timeout=30)
        with Client(transport=transport) as session:
            return session.execute(GraphQLRequest(query, variable_values=variables))

    def row(self, trace_id: str, within_s: float = 30) -> dict[str, Any]:
        """A request's row with its trace, waited for."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            row: dict[str, Any] | None = self.ask(ROW, id=trace_id)["requestLog"]
            if row is not None:
                return row
            time.sleep(0.02)
        raise AssertionError(f"no row of {trace_id}:\n{''.join(self._product.output)}")

    def rows_after(self, cursor: str) -> list[str]:
        """The trace ids of the rows after a cursor, in order; at most 200."""
        query = "query($after: String) { requestLogs(first: 200, after: $after, order: OLDEST_FIRST) { nodes { traceId } } }"
        return [node["traceId"] for node in self.ask(query, after=cursor)["requestLogs"]["nodes"]]

    async def websocket(self, query: str, **variables: Any) -> AsyncGenerator[dict[str, Any], None]:
        """The answers of a subscription over graphql-transport-ws."""
        url = self._product.made.api_url.replace("http", "ws", 1)
        transport = WebsocketsTransport(f"{url}/graphql", init_payload=self._key, connect_args={"proxy": None})
        async with Client(transport=transport) as session:
            async for data in session.subscribe(GraphQLRequest(query, variable_values=variables)):
                yield data

    async def event_stream(self, query: str, **variables: Any) -> AsyncGenerator[dict[str, Any], None]:
        """The answers of a subscription over server-sent events."""
        headers = {"accept": "text/event-stream", **self._key}
        body = {"query": query, "variables": variables}
        async with (
            httpx.AsyncClient(base_url=self._product.made.api_url, timeout=30, headers=headers) as client,
            client.stream("POST", "/graphql", json=body) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream"), await answer.aread()
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line.removeprefix("data: "))["data"]

    async def later_row(self, trace_id: str) -> dict[str, Any]:
        """`row`, without holding the loop."""
        return await asyncio.to_thread(self.row, trace_id)
