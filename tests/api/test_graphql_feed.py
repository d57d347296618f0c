"""The feed over websockets and event streams: complete, in order, with cursors and gaps; access asked again for each batch."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets
from gql import Client, GraphQLRequest
from gql.transport.websockets import WebsocketsTransport

from tests.api.conftest import ADMIN_KEY, PASSWORD, VIEWER, Api
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEED = """subscription($after: String, $filter: RequestLogFilter) { requestLogFeed(after: $after, filter: $filter) {
  cursor gap { from to reason } events { traceId projectSlug status cost } } }"""
FIREHOSE = "subscription($after: String) { requestLogFirehose(after: $after) }"
PROTOCOL = "graphql-transport-ws"


def connect(api: Api, **options: Any) -> Any:
    return websockets.connect(api.ws_url, subprotocols=[PROTOCOL], proxy=None, **options)


class Socket:
    """A client of the protocol, message by message."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def send(self, type: str, **rest: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **rest}))

    async def receive(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), 5))

    async def initialise(self, payload: dict[str, Any] | None = None) -> None:
        await self.send("connection_init", payload={"authorization": f"Bearer {ADMIN_KEY}"} if payload is None else payload)
        assert await self.receive() == {"type": "connection_ack"}

    async def closed(self) -> int:
        with pytest.raises(websockets.ConnectionClosed):
            await self.receive()
        return self.socket.close_code


async def test_gql_follows_the_feed_over_a_websocket(api: Api) -> None:
    transport = WebsocketsTransport(
        api.ws_url, init_payload={"Authorization": f"Bearer {ADMIN_KEY}"}, connect_args={"proxy": None}
    )
    after = api.recorded
    seen: list[str] = []
    async with Client(transport=transport) as session:
        await api.record(*(finished(after + n) for n in range(1, 6)))
        async for batch in session.subscribe(GraphQLRequest(FEED, variable_values={"after": str(after)})):
            seen += [event["traceId"] for event in batch["requestLogFeed"]["events"]]
            assert batch["requestLogFeed"]["gap"] is None
            if batch["requestLogFeed"]["cursor"] == str(after + 5):
                break
    assert seen == [request_id(after + n) for n in range(1, 6)]


async def test_a_batch_is_the_same_for_equal_subscribers_whatever_their_aliases_and_variables(api: Api) -> None:
    after = api.recorded
    aliased = "subscription($a: String) { feed: requestLogFeed(after: $a) { cursor events { id: traceId } } }"
    included = """subscription($a: String, $with: Boolean!) { requestLogFeed(after: $a) {
      cursor events { traceId @include(if: $with) status } } }"""
    streams = [
        api.stream(aliased, a=str(after)),
        api.stream(aliased, a=str(after)),
        api.stream(included, **{"a": str(after), "with": True}),
        api.stream(included, **{"a": str(after), "with": False}),
    ]
    first = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await api.record(finished(after + 1))
    answers = [answer["data"] for answer in await asyncio.gather(*first)]
    cursor, trace = str(after + 1), request_id(after + 1)
    assert answers[0] == answers[1] == {"feed": {"cursor": cursor, "events": [{"id": trace}]}}
    assert answers[2] == {"requestLogFeed": {"cursor": cursor, "events": [{"traceId": trace, "status": "success"}]}}
    assert answers[3] == {"requestLogFeed": {"cursor": cursor, "events": [{"status": "success"}]}}
    for stream in streams:
        await stream.aclose()


async def test_a_filter_lets_only_its_rows_through(api: Api) -> None:
    after = api.recorded
    stream = api.stream(FEED, after=str(after), filter={"project": "b", "status": ["success"]})
    first = asyncio.ensure_future(anext(stream))
    await api.record(finished(after + 1), finished(after + 2, project="b", status="error"), finished(after + 3, project="b"))
    batch = (await first)["data"]["requestLogFeed"]
    while not batch["events"]:
        batch = (await anext(stream))["data"]["requestLogFeed"]
    assert [event["traceId"] for event in batch["events"]] == [request_id(after + 3)]
    await stream.aclose()


async def test_after_a_reconnect_with_the_cursor_nothing_is_missing_and_nothing_doubled(api: Api) -> None:
    after = api.recorded
    await api.record(*(finished(after + n) for n in range(1, 4)))
    stream = api.stream(FEED, after=str(after))
    first = (await anext(stream))["data"]["requestLogFeed"]
    await stream.aclose()
    await api.record(*(finished(after + n) for n in range(4, 7)))
    seen = [event["traceId"] for event in first["events"]]
    stream = api.stream(FEED, after=first["cursor"])
    while len(seen) < 6:
        seen += [event["traceId"] for event in (await anext(stream))["data"]["requestLogFeed"]["events"]]
    await stream.aclose()
    assert seen == [request_id(after + n) for n in range(1, 7)]


async def test_an_unknown_cursor_gives_a_gap_and_goes_on(api: Api) -> None:
    stream = api.stream(FEED, after="999999999")
    batch = (await anext(stream))["data"]["requestLogFeed"]
    await stream.aclose()
    assert batch["gap"] == {"from": "0", "to": str(api.recorded), "reason": "unknown"}
    assert batch["cursor"] == str(api.recorded)


async def test_the_firehose_sends_the_rows_as_they_were_recorded(api: Api) -> None:
    after = api.recorded
    await api.record(finished(after + 1, cost_nano_usd=77))
    stream = api.stream(FIREHOSE, after=str(after))
    batch = (await anext(stream))["data"]["requestLogFirehose"]
    await stream.aclose()
    assert (batch["cursor"], batch["gap"]) == (str(after + 1), None)
    assert (batch["rows"][0]["request_id"], batch["rows"][0]["cost_nano_usd"]) == (request_id(after + 1), 77)


async def test_a_bad_cursor_is_an_error_in_either_transport(api: Api) -> None:
    (answer,) = [payload async for payload in api.stream(FEED, after="x")]
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    async with connect(api) as raw:
        socket = Socket(raw)
        await socket.initialise()
        await socket.send("subscribe", id="1", payload={"query": FEED, "variables": {"after": "x"}})
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("1", "error")
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_queries_and_pings_work_over_a_websocket_and_ids_are_free_again(api: Api) -> None:
    async with connect(api) as raw:
        socket = Socket(raw)
        await socket.send("ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.initialise()
        for _ in range(2):
            await socket.send("subscribe", id="q", payload={"query": "{ viewer { role } }"})
            answer = await socket.receive()
            assert (answer["id"], answer["type"], answer["payload"]["data"]) == ("q", "next", {"viewer": {"role": "admin"}})
            assert await socket.receive() == {"id": "q", "type": "complete"}


async def test_complete_ends_one_operation_and_leaves_the_others(api: Api) -> None:
    async with connect(api) as raw:
        socket = Socket(raw)
        await socket.initialise()
        after = api.recorded
        for name in ("a", "b"):
            await socket.send("subscribe", id=name, payload={"query": FEED, "variables": {"after": str(after)}})
        await socket.send("complete", id="a")
        await socket.send("ping")
        assert await socket.receive() == {"type": "pong"}
        await api.record(finished(after + 1))
        assert (await socket.receive())["id"] == "b"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "connection_init"}], 4401),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer wb-wrong"}}], 4403),
        ([{"type": "connection_init", "payload": "text"}], 4400),
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}], 4401),
        ([{"type": "connection_init", "payload": {"authorization": f"Bearer {ADMIN_KEY}"}}] * 2, 4429),
        ([{"type": "unheard-of"}], 4400),
        (["not json"], 4400),
        (['{"type": "connection_init", "payload": ' + "[" * 100_000 + "]" * 100_000 + "}"], 4400),
        (["[" * 100_000], 4400),
    ],
)
async def test_a_connection_that_breaks_the_protocol_is_closed_with_its_code(api: Api, messages: list[Any], code: int) -> None:
    async with connect(api) as raw:
        socket = Socket(raw)
        for message in messages:
            await raw.send(message if isinstance(message, str) else json.dumps(message))
        if code == 4429:
            assert await socket.receive() == {"type": "connection_ack"}
        assert await socket.closed() == code


async def test_an_id_in_use_closes_the_connection(api: Api) -> None:
    async with connect(api) as raw:
        socket = Socket(raw)
        await socket.initialise()
        for _ in range(2):
            await socket.send("subscribe", id="1", payload={"query": FEED})
        assert await socket.closed() == 4409


async def test_the_legacy_protocol_is_not_spoken(api: Api) -> None:
    async with websockets.connect(api.ws_url, proxy=None) as raw:
        assert await Socket(raw).closed() == 4406


async def test_a_cookie_counts_on_a_websocket_only_from_our_own_pages(api: Api) -> None:
    login = "mutation($e: String!, $p: String!) { login(input: {email: $e, password: $p}) { __typename } }"
    answer = await api.post(login, None, e=VIEWER, p=PASSWORD)
    api.client.cookies.clear()
    cookie = answer.headers["set-cookie"].split(";")[0]
    for origin, ours in ((f"http://127.0.0.1:{api.port}", True), ("https://evil.example", False)):
        async with connect(api, additional_headers={"cookie": cookie}, origin=origin) as raw:
            socket = Socket(raw)
            if ours:
                await socket.initialise({})
            else:
                await socket.send("connection_init")
                assert await socket.closed() == 4403


async def test_a_stream_ends_with_the_session_that_it_lives_on(api: Api) -> None:
    login = "mutation($e: String!, $p: String!) { login(input: {email: $e, password: $p}) { __typename } }"
    answer = await api.post(login, None, e=VIEWER, p=PASSWORD)
    api.client.cookies.clear()
    headers = {"cookie": answer.headers["set-cookie"].split(";")[0], "x-waybill-client": "test"}
    origin = f"http://127.0.0.1:{api.port}"
    async with connect(api, additional_headers={"cookie": headers["cookie"]}, origin=origin) as raw:
        socket = Socket(raw)
        await socket.initialise({})
        after = api.recorded
        await socket.send("subscribe", id="1", payload={"query": FEED, "variables": {"after": str(after)}})
        await api.record(finished(after + 1))
        assert (await socket.receive())["type"] == "next"
        # At once, though nothing happens that the stream would tell.
        await api.post("mutation { logout { ended } }", None, headers)
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "UNAUTHENTICATED")
        assert await socket.closed() == 4401


async def test_a_query_over_an_event_stream_is_one_event(api: Api) -> None:
    assert [payload["data"] async for payload in api.stream("{ __typename }")] == [{"__typename": "Query"}]
    refused = [payload async for payload in api.stream("{ nothing }")]
    assert refused[0]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_a_subscription_needs_a_transport_that_can_carry_it(api: Api) -> None:
    assert (await api.post(FEED)).status_code == 406


async def test_clients_that_leave_leave_nothing_behind(api: Api) -> None:
    for _ in range(3):
        stream = api.stream(FEED, after="0")
        await anext(stream)
        await stream.aclose()
        async with connect(api) as raw:
            socket = Socket(raw)
            await socket.initialise()
            await socket.send("subscribe", id="1", payload={"query": FEED, "variables": {"after": "0"}})
            await socket.receive()
    async with asyncio.timeout(30):
        while "waybill_feed_subscribers 0.0" not in (figures := (await api.ops.get("/metrics")).text):
            pass
    assert "waybill_graphql_subscriptions 0.0" in figures
