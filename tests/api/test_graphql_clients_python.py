"""Python's `gql`, unchanged, over each of its transports: HTTP with httpx, blocking and not, and websockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from tests.api.conftest import ADMIN_KEY, Api, running
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEED = "subscription($after: String) { requestLogFeed(after: $after) { cursor gap { from } events { traceId } } }"
VIEWER = "{ viewer { role } }"
DRY_RUN = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename
  ... on ProjectUpdated { change { dryRun changedFiles } } } }"""


def headers(key: str = ADMIN_KEY) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def websocket(api: Api, key: str = ADMIN_KEY, **options: Any) -> WebsocketsTransport:
    return WebsocketsTransport(api.ws_url, init_payload={"authorization": f"Bearer {key}"}, **options)


def transports(api: Api) -> list[Any]:
    return [HTTPXAsyncTransport(api.url, headers=headers()), websocket(api)]


async def test_queries_and_mutations_over_either_transport(api: Api) -> None:
    change = {"slug": "demo", "expectedRevision": api.head(), "reason": "Tried out", "name": "Tried", "dryRun": True}
    for transport in transports(api):
        async with Client(transport=transport) as session:
            assert await session.execute(gql(VIEWER)) == {"viewer": {"role": "admin"}}
            answer = await session.execute(GraphQLRequest(DRY_RUN, variable_values={"input": change}))
            assert answer["projectUpdate"]["change"] == {"dryRun": True, "changedFiles": ["projects/demo/project.yaml"]}


async def test_the_blocking_transport(api: Api) -> None:
    def ask() -> Any:
        return Client(transport=HTTPXTransport(api.url, headers=headers())).execute(gql(VIEWER))

    assert await asyncio.to_thread(ask) == {"viewer": {"role": "admin"}}


async def test_the_client_reads_the_schema_and_refuses_what_is_not_in_it_by_itself(api: Api) -> None:
    for transport in transports(api):
        async with Client(transport=transport, fetch_schema_from_transport=True) as session:
            assert await session.execute(gql(VIEWER)) == {"viewer": {"role": "admin"}}
            with pytest.raises(GraphQLError, match="nothing"):
                await session.execute(gql("{ nothing }"))


async def follow(api: Api, transport: Any, after: str, until: int) -> tuple[list[str], str]:
    """The traces of the feed after a cursor and up to another, and where that was."""
    seen: list[str] = []
    async with Client(transport=transport) as session:
        async for answer in session.subscribe(GraphQLRequest(FEED, variable_values={"after": after})):
            batch = answer["requestLogFeed"]
            assert batch["gap"] is None
            seen += [event["traceId"] for event in batch["events"]]
            if int(batch["cursor"]) >= until:
                break
    return seen, batch["cursor"]


async def test_a_feed_goes_on_after_the_cursor_and_loses_and_doubles_nothing(api: Api) -> None:
    after = api.recorded
    following = asyncio.ensure_future(follow(api, websocket(api), str(after), after + 3))
    await api.record(*(finished(after + n) for n in range(1, 4)))
    seen, cursor = await following
    await api.record(*(finished(after + n) for n in range(4, 7)))
    more, _ = await follow(api, websocket(api), cursor, after + 6)
    assert seen + more == [request_id(after + n) for n in range(1, 7)]


async def test_several_feeds_and_a_query_share_a_websocket_that_is_kept_alive(api: Api) -> None:
    after = api.recorded
    transport = websocket(api, ping_interval=0.1, pong_timeout=5)
    async with Client(transport=transport) as session:
        asked = GraphQLRequest(FEED, variable_values={"after": str(after)})
        feeds = [asyncio.ensure_future(anext(aiter(session.subscribe(asked)))) for _ in range(2)]
        for _ in range(2):
            transport.pong_received.clear()
            await asyncio.wait_for(transport.pong_received.wait(), 10)
        assert await session.execute(gql(VIEWER)) == {"viewer": {"role": "admin"}}
        await api.record(finished(after + 1))
        for answer in await asyncio.gather(*feeds):
            assert answer["requestLogFeed"]["events"] == [{"traceId": request_id(after + 1)}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a: ID!) { node(id: $a) { id } }", "BAD_USER_INPUT"),
        ('{ requestLogs(after: "x") { nodes { id } } }', "BAD_USER_INPUT"),
    ],
)
async def test_an_error_reaches_the_application_with_its_code(api: Api, query: str, code: str) -> None:
    for transport in transports(api):
        async with Client(transport=transport) as session:
            with pytest.raises(TransportQueryError) as caught:
                await session.execute(gql(query))
            (error,) = caught.value.errors or []
            assert error["extensions"]["code"] == code
            assert await session.execute(gql(VIEWER)) == {"viewer": {"role": "admin"}}


async def test_a_subscription_that_is_refused_raises_what_the_server_said(api: Api) -> None:
    async with Client(transport=websocket(api)) as session:
        with pytest.raises(TransportQueryError) as caught:
            await anext(aiter(session.subscribe(GraphQLRequest(FEED, variable_values={"after": "x"}))))
        assert [error["extensions"]["code"] for error in caught.value.errors or []] == ["BAD_USER_INPUT"]


async def test_a_key_that_is_none_is_refused(api: Api) -> None:
    async with Client(transport=HTTPXAsyncTransport(api.url, headers=headers("wb-nobody"))) as session:
        with pytest.raises(TransportQueryError) as refused:
            await session.execute(gql(VIEWER))
        assert [error["extensions"]["code"] for error in refused.value.errors or []] == ["UNAUTHENTICATED"]
    with pytest.raises(TransportConnectionFailed):
        async with Client(transport=websocket(api, "wb-nobody")):
            pass


async def test_a_server_that_stops_is_a_lost_connection_and_not_the_end_of_the_feed(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as stopping, Client(transport=websocket(stopping)) as session:
        feed = aiter(session.subscribe(GraphQLRequest(FEED, variable_values={"after": "0"})))
        await stopping.record(finished(1))
        assert (await anext(feed))["requestLogFeed"]["cursor"] == "1"
        upcoming = asyncio.ensure_future(anext(feed))
        stopping.task.cancel()
        with pytest.raises(TransportConnectionFailed):
            await upcoming
        await asyncio.wait({stopping.task})
