"""`usage`, `limits` and the figures of lists: what they show, to whom, and how many questions they ask of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.clock import now_ms
from core.money import Usage
from tests.api.access_subjects import settle
from tests.api.conftest import Api, running
from tests.api.journalled import finished

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR = 3_600_000
USED = Usage(input_tokens=10, output_tokens=5, cached_input_tokens=3)
LIMITED = b"""
limits:
  rules:
    - {metric: cost, window: daily, value: 0.5}
    - {metric: calls, window: {rolling: 2, unit: days}, value: 8}
"""


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("usage") / "data", prepare) as api:
        await api.record(
            finished(1, project="demo", token="laptop", at_ms=NOW, cost_nano_usd=300_000_000, usage=USED, latency_ms=150.0),
            finished(2, project="demo", token="laptop", at_ms=NOW, status="error", cost_nano_usd=None, usage=None, model=None),
            finished(3, project="demo", token="ci", at_ms=NOW - 30 * HOUR, model="n", cost_nano_usd=None, usage=USED),
            finished(4, project="support-bot", token="laptop", at_ms=NOW, cost_nano_usd=700_000_000, usage=USED),
        )
        yield api


NOW = now_ms()
REPORT = """query($by: [UsageDimension!], $interval: UsageInterval! = DAY, $filter: UsageFilter,
  $from: DateTime, $to: DateTime) {
  usage(groupBy: $by, interval: $interval, filter: $filter, from: $from, to: $to) {
    from to interval groupCount
    totals { calls requests errors cost unpricedCalls inputTokens cachedInputTokens totalTokens
      latency { averageMs p50Ms p95Ms } }
    points { start figures { calls } }
    groups { project model token figures { calls cost } points { figures { calls } } } } }"""


async def report(api: Api, key: str, **variables: Any) -> Any:
    return (await api.data(REPORT, key, **variables))["usage"]


async def test_usage_is_told_in_all_over_time_and_by_group(api: Api, keys: dict[str, str]) -> None:
    found = await report(api, keys["admin"], by=["PROJECT", "MODEL"])
    assert found["totals"] == {
        "calls": 3,
        "requests": 4,
        "errors": 1,
        "cost": "1",
        "unpricedCalls": 1,
        "inputTokens": 30,
        "cachedInputTokens": 9,
        "totalTokens": 45,
        "latency": {"averageMs": pytest.approx((150 + 12.5 + 12.5) / 3, abs=1), "p50Ms": 75.0, "p95Ms": pytest.approx(185.0)},
    }
    assert len(found["points"]) == 31
    assert sum(point["figures"]["calls"] for point in found["points"]) == 3
    assert found["points"][-1]["figures"]["calls"] == 2
    assert [(group["project"], group["model"], group["figures"]) for group in found["groups"]] == [
        ("support-bot", "m", {"calls": 1, "cost": "0.7"}),
        ("demo", "m", {"calls": 1, "cost": "0.3"}),
        ("demo", None, {"calls": 0, "cost": "0"}),
        ("demo", "n", {"calls": 1, "cost": "0"}),
    ]
    assert found["groupCount"] == 4
    assert [sum(point["figures"]["calls"] for point in group["points"]) for group in found["groups"]] == [1, 1, 0, 1]


async def test_usage_is_narrowed_by_filter_time_and_by_what_the_viewer_sees(api: Api, keys: dict[str, str]) -> None:
    hourly = await report(api, keys["admin"], interval="HOUR", filter={"token": ["laptop"], "project": ["demo"]})
    assert (hourly["totals"]["requests"], len(hourly["points"])) == (2, 25)
    assert (await report(api, keys["admin"], filter={"model": ["n"]}))["totals"]["calls"] == 1
    assert (await report(api, keys["own-viewer"]))["totals"]["requests"] == 3
    assert (await report(api, keys["own-viewer"], filter={"project": ["support-bot"]}))["totals"]["requests"] == 0
    tokens = await report(api, keys["own-viewer"], by=["PROJECT", "TOKEN"])
    assert [(group["project"], group["token"]) for group in tokens["groups"]] == [("demo", "laptop"), ("demo", "ci")]
    nobody = (await api.post(REPORT, keys["builder"])).json()["errors"][0]
    assert nobody["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "before"),
        ({"from": "2020-01-01T00:00:00Z", "interval": "HOUR"}, "points"),
        ({"filter": {"project": ["x"] * 101}}, "at most 100"),
        ({"by": ["MODEL"], "from": "2026-01-01T00:00:00Z", "to": "2027-12-31T00:00:00Z"}, None),
    ],
)
async def test_what_would_be_too_much_is_refused(api: Api, variables: dict[str, Any], says: str | None) -> None:
    answer = (await api.post(REPORT, **variables)).json()
    if says is None:
        assert "errors" not in answer
        return
    assert (answer["errors"][0]["extensions"]["code"], says in answer["errors"][0]["message"]) == ("BAD_USER_INPUT", True)


LIST = """query($order: ProjectOrder, $first: Int, $after: String) { projects(order: $order, first: $first, after: $after) {
  nodes { slug name tokenCount models policies today { cost calls errors } trend(days: 3) { days cost calls } }
  pageInfo { endCursor hasNextPage } } }"""


async def test_the_list_shows_today_and_a_trend_and_is_put_in_order(api: Api, keys: dict[str, str]) -> None:
    page = (await api.data(LIST, order={"field": "COST", "direction": "DESC"}))["projects"]
    assert [(node["slug"], node["today"]["cost"]) for node in page["nodes"]] == [("support-bot", "0.7"), ("demo", "0.3")]
    demo = page["nodes"][1]
    assert (demo["tokenCount"], demo["today"]["errors"], len(demo["policies"]) > 0) == (1, 1, True)
    assert (len(demo["trend"]["days"]), demo["trend"]["calls"][-1], demo["trend"]["cost"][-1]) == (3, 1, "0.3")
    for field in ("SLUG", "NAME", "COST", "CALLS", "TOKENS"):
        for direction in ("ASC", "DESC"):
            order = {"field": field, "direction": direction}
            whole = [node["slug"] for node in (await api.data(LIST, order=order))["projects"]["nodes"]]
            first = (await api.data(LIST, order=order, first=1))["projects"]
            second = (await api.data(LIST, order=order, first=1, after=first["pageInfo"]["endCursor"]))["projects"]
            assert [first["nodes"][0]["slug"], second["nodes"][0]["slug"]] == whole, order
            assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    wrong = (await api.post(LIST, order={"field": "COST"}, after="no cursor")).json()["errors"][0]
    assert wrong["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_token_says_when_it_was_used_last(api: Api) -> None:
    answer = await api.data('{ project(slug: "demo") { tokens { nodes { token lastUsedAt } } } }')
    (token,) = answer["project"]["tokens"]["nodes"]
    assert token["token"] == "laptop"
    assert token["lastUsedAt"].startswith("20")


USES = "scope project token model metric window limit used remaining share exhausted resetsAt windowStart"


async def test_limits_come_with_their_present_use(api: Api, keys: dict[str, str]) -> None:
    path = "projects/demo/project.yaml"
    data = api.repository.read(api.head(), path)[0]
    revision = api.commit(path, data + LIMITED)
    settings = api.repository.read(api.head(), "waybill.yaml")[0]
    revision = api.commit("waybill.yaml", settings + b"\nlimits: {rules: [{metric: cost, window: daily, value: 2}]}\n")
    async with asyncio.timeout(20):
        while (await api.data("{ revision { commit } }"))["revision"]["commit"] != revision:  # noqa: ASYNC110  # as a client sees it
            await asyncio.sleep(0.01)
    query = f"""{{ limits(project: "demo") {{ {USES} }}
      project(slug: "demo") {{ limitUse {{ {USES} }} tokens {{ nodes {{ limitUse {{ scope used }} }} }} }} }}"""
    answer = await api.data(query)
    assert answer["limits"] == answer["project"]["limitUse"]
    platform, cost, calls = answer["limits"]
    assert (platform["scope"], platform["limit"], platform["used"]) == ("PLATFORM", "2", "1")
    assert (cost["scope"], cost["project"], cost["token"], cost["metric"], cost["window"]) == (
        "PROJECT",
        "demo",
        None,
        "COST",
        "daily",
    )
    assert (cost["limit"], cost["used"], cost["remaining"], cost["share"], cost["exhausted"]) == (
        "0.5",
        "0.3",
        "0.2",
        0.6,
        False,
    )
    assert cost["resetsAt"].endswith("T00:00:00.000Z")
    assert (calls["limit"], calls["used"], calls["resetsAt"], calls["window"]) == ("8", "2", None, "2-day")
    (token,) = answer["project"]["tokens"]["nodes"]
    assert [use["scope"] for use in token["limitUse"]] == ["PLATFORM", "PROJECT", "PROJECT"]
    # What is counted over all projects shows something of each.
    mine = await api.data(query, keys["own-viewer"])
    assert [use["scope"] for use in mine["limits"]] == ["PROJECT", "PROJECT"]
    assert await api.data("{ limits { scope } }", keys["own-viewer"]) == {"limits": []}
    assert await api.data("{ limits { scope } }") == {"limits": [{"scope": "PLATFORM"}]}
    alone = (await api.post('{ limits(token: "laptop") { scope } }')).json()["errors"][0]
    assert alone["extensions"]["code"] == "BAD_USER_INPUT"
