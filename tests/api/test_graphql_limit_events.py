"""What limits say, in GraphQL: the query's pages, the subscription's cursor, and who may see which."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.journalled import finished

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = """query($first: Int, $after: String, $order: RequestLogOrder! = NEWEST_FIRST, $filter: LimitEventFilter) {
  limitEvents(first: $first, after: $after, order: $order, filter: $filter) {
    nodes { id cursor kind scope project token model metric window limit used traceId resetsAt windowStart revision }
    pageInfo { hasNextPage endCursor } } }"""
FEED = """subscription($after: String, $filter: LimitEventFilter) { limitEvents(after: $after, filter: $filter) {
  cursor gap { from to reason } events { cursor kind project used } } }"""
PROJECT = Path("projects/support-bot/project.yaml")
AT_MS = 1_790_000_000_000  # long ago: its windows are over, and said to be


async def limited(api: Api) -> None:
    """Support-bot may spend 0.00001 USD an hour, and the revision that says so is published."""
    data = (Path(__file__).parents[2] / "config-repo" / PROJECT).read_bytes()
    cost, calls = (
        b"    - {metric: %b, window: hourly, value: %b}\n" % each for each in ((b"cost", b"0.00001"), (b"calls", b"5"))
    )
    rules = b"limits:\n  rules:\n" + cost + calls
    revision = api.commit(str(PROJECT), data + rules)
    async with asyncio.timeout(20):
        while (await api.data("{ revision { commit } }"))["revision"]["commit"] != revision:  # noqa: ASYNC110  # as a client sees it
            await asyncio.sleep(0.01)


async def follow(api: Api, count: int, **variables: Any) -> list[Any]:
    """The first events that the subscription sends, and its last cursor."""
    seen: list[Any] = []
    stream = api.stream(FEED, **variables)
    async with asyncio.timeout(20):
        async for payload in stream:
            batch = payload["data"]["limitEvents"]
            assert batch["gap"] is None
            seen += batch["events"]
            if len(seen) >= count:
                break
    await stream.aclose()
    return seen


async def test_what_a_limit_says_is_in_the_query_and_in_the_subscription(api: Api) -> None:
    await limited(api)
    following = asyncio.ensure_future(follow(api, 4, after="0", filter={"kind": ["SHARE", "EXHAUSTED"]}))
    events = [finished(number, project="support-bot", at_ms=AT_MS + number) for number in range(1, 11)]
    await api.record(*events)
    seen = await following
    assert [(event["kind"], event["used"]) for event in seen] == [
        ("SHARE", "4"),
        ("EXHAUSTED", "5"),
        ("SHARE", "0.000008"),
        ("EXHAUSTED", "0.00001"),
    ]
    page = (await api.data(QUERY, order="OLDEST_FIRST"))["limitEvents"]
    first = page["nodes"][0]
    assert (first["scope"], first["project"], first["token"], first["model"]) == ("PROJECT", "support-bot", None, None)
    assert (first["metric"], first["window"], first["limit"], first["used"]) == ("CALLS", "hourly", "5", "4")
    assert (first["traceId"], first["windowStart"], first["resetsAt"]) == (
        f"{4:032x}",
        "2026-09-21T14:00:00.000Z",
        "2026-09-21T15:00:00.000Z",
    )
    assert first["id"].startswith("1-")


async def test_pages_and_the_subscription_go_on_after_a_cursor(api: Api) -> None:
    page = (await api.data(QUERY, first=2, filter={"kind": ["SHARE", "EXHAUSTED"]}))["limitEvents"]
    cursors = [node["cursor"] for node in page["nodes"]]
    assert cursors == ["4", "3"]
    assert page["pageInfo"] == {"hasNextPage": True, "endCursor": "3"}
    rest = (await api.data(QUERY, after="3", filter={"kind": ["SHARE", "EXHAUSTED"]}))["limitEvents"]["nodes"]
    assert [node["cursor"] for node in rest] == ["2", "1"]
    resumed = await follow(api, 2, after="2", filter={"kind": ["SHARE", "EXHAUSTED"]})
    assert [event["cursor"] for event in resumed] == ["3", "4"]
    assert [event["kind"] for event in await follow(api, 2, after="4")] == ["RESET", "RESET"]
    assert (await api.data(QUERY, filter={"project": ["demo"]}))["limitEvents"]["nodes"] == []


async def test_an_unknown_cursor_gives_a_gap(api: Api) -> None:
    stream = api.stream(FEED, after="999999")
    batch = (await anext(stream))["data"]["limitEvents"]
    await stream.aclose()
    assert (batch["gap"]["from"], batch["gap"]["reason"]) == ("0", "unknown")
