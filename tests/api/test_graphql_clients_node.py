"""npm's `graphql-ws` and `graphql-sse`, unchanged, against the API: queries, mutations, feeds with cursors, errors, ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.api.clients.driver import FOLDER, Driver, driving
from tests.api.conftest import ADMIN_KEY, Api
from tests.api.journalled import finished, request_id
from tests.e2e.product import Product
from tests.node import needs

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs(FOLDER)]

FEED = "subscription($after: String) { requestLogFeed(after: $after) { cursor gap { from } events { traceId status } } }"
DRY_RUN = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename
  ... on ProjectUpdated { change { dryRun changedFiles } } ... on Conflict { code } } }"""


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["ws", "sse"])
async def client(api: Api, request: pytest.FixtureRequest) -> AsyncIterator[Driver]:
    """One client of either kind for several tests, as an application would have it."""
    async with driving(request.param, api.url, ADMIN_KEY) as driver:
        yield driver


async def batches(client: Driver, name: str, until: int) -> tuple[list[str], str]:
    """The traces of a feed's batches up to the cursor `until`, and that cursor."""
    seen: list[str] = []
    while True:
        kind, payload = await client.of(name)
        assert (kind, payload.get("errors")) == ("next", None), payload
        batch = payload["data"]["requestLogFeed"]
        assert batch["gap"] is None
        seen += [event["traceId"] for event in batch["events"]]
        if int(batch["cursor"]) >= until:
            return seen, batch["cursor"]


async def test_a_query_and_a_mutation_are_one_answer_and_an_end(api: Api, client: Driver) -> None:
    assert (await client.answer("q", "{ viewer { role } }"))["data"] == {"viewer": {"role": "admin"}}
    change = {"slug": "demo", "expectedRevision": api.head(), "reason": "Tried out", "name": "Tried", "dryRun": True}
    answer = (await client.answer("m", DRY_RUN, input=change))["data"]
    change_made = {"dryRun": True, "changedFiles": ["projects/demo/project.yaml"]}
    assert answer == {"projectUpdate": {"__typename": "ProjectUpdated", "change": change_made}}


async def test_a_feed_goes_on_after_the_cursor_and_loses_and_doubles_nothing(api: Api, client: Driver) -> None:
    after = api.recorded
    await client.subscribe("first", FEED, after=str(after))
    await api.record(*(finished(after + n) for n in range(1, 4)))
    seen, cursor = await batches(client, "first", after + 3)
    await client.say(cancel="first")
    await api.record(*(finished(after + n) for n in range(4, 7)))
    await client.subscribe("again", FEED, after=cursor)
    more, _ = await batches(client, "again", after + 6)
    await client.say(cancel="again")
    assert seen + more == [request_id(after + n) for n in range(1, 7)]


async def test_operations_run_beside_each_other(api: Api, client: Driver) -> None:
    after = api.recorded
    for name in ("left", "right"):
        await client.subscribe(name, FEED, after=str(after))
    await client.answer("meanwhile", "{ __typename }")
    await api.record(finished(after + 1))
    for name in ("left", "right"):
        assert await batches(client, name, after + 1) == ([request_id(after + 1)], str(after + 1))
        await client.say(cancel=name)


async def test_a_cancelled_subscription_leaves_the_server(api: Api, client: Driver) -> None:
    await client.subscribe("leaving", FEED, after="0")
    assert (await client.of("leaving"))[0] == "next"
    await client.say(cancel="leaving")
    async with asyncio.timeout(20):
        while "waybill_feed_subscribers 0.0" not in (await api.ops.get("/metrics")).text:
            pass
    assert await client.of("leaving") == ("complete", True)


def codes(outcome: tuple[str, Any]) -> list[str]:
    """The codes of the errors that a client hands on, be it as an answer or as a failure."""
    kind, payload = outcome
    assert kind in ("next", "error")
    assert "data" not in payload or payload["data"] is None
    return [error["extensions"]["code"] for error in payload["errors"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("query($a: ID!) { node(id: $a) { id } }", "BAD_USER_INPUT"),
        ('subscription { requestLogFeed(after: "x") { cursor } }', "BAD_USER_INPUT"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_an_error_reaches_the_application_with_its_code(client: Driver, query: str, code: str) -> None:
    await client.subscribe(query, query)
    outcome = await client.of(query)
    assert codes(outcome) == [code]
    if outcome[0] == "next":
        assert await client.of(query) == ("complete", True)
    assert (await client.answer("after", "{ __typename }"))["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(("transport", "said"), [("ws", {"code": 4403}), ("sse", {"status": 401})])
async def test_a_key_that_is_none_is_refused_for_good(api: Api, transport: str, said: dict[str, int]) -> None:
    async with driving(transport, api.url, "wb-nobody") as client:
        await client.subscribe("q", "{ __typename }")
        kind, error = await client.of("q")
        assert kind == "error"
        assert said.items() <= error.items()


async def test_a_websocket_answers_pings_while_it_follows_a_feed(api: Api) -> None:
    async with driving("ws", api.url, ADMIN_KEY) as client:
        await client.subscribe("feed", FEED)
        await client.heard(event="connected")
        for _ in range(2):
            await client.heard(event="ping", received=False)
            await client.heard(event="pong", received=True)
        await client.say(dispose=True)
        assert (await client.heard(event="closed"))["code"] == 1000


async def test_one_connection_for_all_streams_is_refused_at_once(api: Api) -> None:
    async with driving("sse", api.url, ADMIN_KEY, "single") as client:
        await client.subscribe("q", FEED)
        kind, error = await client.of("q")
        assert (kind, error["status"]) == ("error", 405)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A whole Waybill that can be stopped and started again."""
    product = Product(tmp_path / "data")
    try:
        yield product.start()
    finally:
        product.close()


async def test_a_client_goes_on_where_it_was_when_the_server_is_back(product: Product) -> None:
    url, key = f"{product.made.api_url}/graphql", product.made.admin.api_key
    async with driving("ws", url, key) as sockets, driving("sse", url, key) as streams:
        clients = (sockets, streams)
        for client in clients:
            await client.subscribe("before", FEED, after="0")
        first = product.ask().headers["x-waybill-trace-id"]
        for client in clients:
            assert await batches(client, "before", 1) == ([first], "1")
        assert await asyncio.to_thread(product.stop) == 0
        # Both are what their clients retry after by themselves, where they are told to.
        assert (await sockets.of("before")) == (
            "error",
            {"name": None, "code": 1012, "status": None, "message": "Service Restart"},
        )
        kind, lost = await streams.of("before")
        assert (kind, lost["name"]) == ("error", "NetworkError")
        await asyncio.to_thread(product.start)
        second = product.ask().headers["x-waybill-trace-id"]
        for client in clients:
            await client.subscribe("after", FEED, after="1")
            assert await batches(client, "after", 2) == ([second], "2")
