"""Queries over the published configuration and the recorded rows."""

from __future__ import annotations

import base64

import pytest

from core.events import AttemptFinished
from core.facts import Facts
from core.routing.engine import Decision, PolicyOutcome
from tests.api.conftest import Api
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = """query($filter: RequestLogFilter, $first: Int, $after: String, $order: RequestLogOrder! = NEWEST_FIRST) {
  requestLogs(filter: $filter, first: $first, after: $after, order: $order) {
    nodes { traceId cursor } pageInfo { hasNextPage endCursor }
  }
}"""


async def ids(api: Api, **variables: object) -> list[int]:
    page = (await api.data(PAGE, **variables))["requestLogs"]
    return [int(node["traceId"], 16) for node in page["nodes"]]


async def test_projects_come_with_what_the_list_shows(api: Api) -> None:
    answer = await api.data(
        """{ projects { totalCount nodes { id slug name models tokenCount revision
             today { calls cost } connectionInfo { baseUrl projectBaseUrl maskedToken } } } }"""
    )
    demo = answer["projects"]["nodes"][0]
    assert answer["projects"]["totalCount"] == 2
    assert (demo["slug"], demo["name"], demo["revision"]) == ("demo", "Demo", api.head())
    assert demo["models"][0].startswith("sim-")
    assert demo["today"] == {"calls": 0, "cost": "0"}
    assert demo["connectionInfo"]["baseUrl"] == "http://127.0.0.1:8080/v1"
    assert demo["connectionInfo"]["projectBaseUrl"] == "http://127.0.0.1:8080/projects/demo/v1"


async def test_projects_are_searched_and_paged_by_slug(api: Api) -> None:
    query = """query($s: String, $n: Int, $a: String) {
      projects(search: $s, first: $n, after: $a) { nodes { slug } pageInfo { hasNextPage endCursor } } }"""
    first = (await api.data(query, n=1))["projects"]
    assert first == {"nodes": [{"slug": "demo"}], "pageInfo": {"hasNextPage": True, "endCursor": "demo"}}
    second = (await api.data(query, n=1, a="demo"))["projects"]
    assert second["nodes"] == [{"slug": "support-bot"}]
    assert second["pageInfo"]["hasNextPage"] is False
    assert (await api.data(query, s="SUPPORT"))["projects"]["nodes"] == [{"slug": "support-bot"}]


async def test_a_node_id_is_opaque_and_names_the_project_by_what_never_changes(api: Api) -> None:
    project = (await api.data('{ project(slug: "demo") { id timeouts { timeoutMs idleTimeoutMs } } }'))["project"]
    assert project["timeouts"] == {"timeoutMs": 120_000, "idleTimeoutMs": None}
    again = await api.data("query($id: ID!) { node(id: $id) { __typename id ... on Project { slug } } }", id=project["id"])
    assert again["node"] == {"__typename": "Project", "id": project["id"], "slug": "demo"}
    assert "demo" not in base64.urlsafe_b64decode(project["id"] + "==").decode()


@pytest.mark.parametrize("bad", ["", "x", "demo", "UHJvamVjdA", "Om5vdGhpbmc", base64.urlsafe_b64encode(b"Nothing:x").decode()])
async def test_a_text_that_is_no_node_id_is_a_user_error(api: Api, bad: str) -> None:
    error = (await api.post("query($id: ID!) { node(id: $id) { id } }", id=bad)).json()["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_what_does_not_exist_is_null(api: Api) -> None:
    assert await api.data('{ project(slug: "none") { id } requestLog(id: "none") { id } }') == {
        "project": None,
        "requestLog": None,
    }


async def test_the_viewer_and_the_revision(api: Api) -> None:
    answer = await api.data("{ viewer { email role permissions } revision { commit committedAt } }", api.viewer_key)
    assert answer["viewer"]["role"] == "viewer"
    assert answer["viewer"]["permissions"] == ["model:read", "project:read", "report:read"]
    assert answer["revision"]["commit"] == api.head()
    assert answer["revision"]["committedAt"].endswith("Z")


async def test_rows_are_paged_by_cursor_both_ways_and_filtered(api: Api) -> None:
    changes = [{}, {"project": "b"}, {"status": "error", "model": None, "http_status": 503}, {"token": "u", "model": "n"}, {}]
    await api.record(*(finished(number, **change) for number, change in enumerate(changes, 1)))
    assert await ids(api) == [5, 4, 3, 2, 1]
    assert await ids(api, first=2, after="4") == [3, 2]
    assert await ids(api, first=2, after="2", order="OLDEST_FIRST") == [3, 4]
    for filter, found in (
        ({"project": ["b"]}, [2]),
        ({"project": "b"}, [2]),
        ({"token": ["u"]}, [4]),
        ({"model": ["n", "m"]}, [5, 4, 2, 1]),
        ({"status": ["error", "timeout"]}, [3]),
        ({"status": "error"}, [3]),
        ({"project": []}, []),
        ({"since": "2026-09-21T14:13:20.003Z", "until": "2026-09-21T16:13:20.005+02:00"}, [4, 3]),
    ):
        assert await ids(api, filter=filter) == found, filter


async def test_a_row_shows_every_figure_exactly(api: Api) -> None:
    await api.record(
        finished(50, cost_nano_usd=1_234_500_000, labels={"b": "2", "a": "1"}), finished(51, cost_nano_usd=None, usage=None)
    )
    answer = await api.data(
        """query($id: ID!) { requestLog(id: $id) { id at projectSlug tokenId model status callType httpStatus
           inputTokens outputTokens cachedInputTokens cost latencyMs attempts
           revision errorCode labels { key value } project { slug } } }""",
        id=request_id(50),
    )
    row = answer["requestLog"]
    assert await api.data("query($id: ID!) { requestLog(id: $id) { traceId } }", id=row.pop("id")) == {
        "requestLog": {"traceId": request_id(50)}
    }
    assert row == {
        "at": "2026-09-21T14:13:20.050Z",
        "projectSlug": "a",
        "tokenId": "t",
        "model": "m",
        "status": "success",
        "callType": "completion",
        "httpStatus": 200,
        "inputTokens": 10,
        "outputTokens": 5,
        "cachedInputTokens": 3,
        "cost": "1.2345",
        "latencyMs": 12.5,
        "attempts": 1,
        "revision": "f" * 40,
        "errorCode": None,
        "labels": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
        "project": None,
    }
    unpriced = await api.data("query($id: ID!) { requestLog(id: $id) { cost inputTokens } }", id=request_id(51))
    assert unpriced["requestLog"] == {"cost": None, "inputTokens": None}


async def test_the_trace_holds_the_whole_reasoning(api: Api) -> None:
    decision = Decision(
        candidates=("x", "y", "z"),
        dropped={"z": "daily cost used up"},
        policies=(
            PolicyOutcome(kind="cheapest", weight=2, scores={"x": 1.0, "y": 0.5}, inputs={"x": {"cost": 3.0}}),
            PolicyOutcome(kind="health", weight=1, scores={"x": 0.25, "y": 0.0}, excluded={"y": "too many errors"}),
        ),
        totals={"y": 1.0, "x": 2.25},
        order=("x",),
    )
    attempts = (AttemptFinished(model="x", provider="p", status="timeout", started_ms=1, ended_ms=9, error="slow"),)
    event = finished(
        60, decision=decision, attempts=attempts, facts=Facts(model_named="auto", needs=("vision",)), content={"secret": 1}
    )
    await api.record(event)
    trace = """trace { facts { modelNamed needs } candidates dropped { model reason } order totals { model total }
      policies { kind weight failed models { model score weighted excluded reason inputs { name value } } }
      attempts { model status startedMs endedMs error cost } usage { totalTokens } cost revision content }"""
    found = (await api.data("query($id: ID!) { requestLog(id: $id) { " + trace + " } }", id=request_id(60)))["requestLog"][
        "trace"
    ]
    assert found["facts"] == {"modelNamed": "auto", "needs": ["vision"]}
    assert (found["candidates"], found["order"]) == (["x", "y", "z"], ["x"])
    assert found["dropped"] == [{"model": "z", "reason": "daily cost used up"}]
    assert found["totals"] == [{"model": "x", "total": 2.25}, {"model": "y", "total": 1.0}]
    assert found["policies"][0]["models"][0] == {
        "model": "x", "score": 1.0, "weighted": 2.0, "excluded": False, "reason": None,
        "inputs": [{"name": "cost", "value": 3.0}],
    }  # fmt: skip
    assert found["policies"][1]["models"][1]["reason"] == "too many errors"
    assert found["attempts"] == [
        {"model": "x", "status": "timeout", "startedMs": 1.0, "endedMs": 9.0, "error": "slow", "cost": None}
    ]
    assert (found["usage"]["totalTokens"], found["cost"], found["content"]) == (15, "0.000001", {"secret": 1})


async def test_message_content_takes_a_permission_of_its_own(api: Api) -> None:
    await api.record(finished(70, content={"said": "this"}))
    query = "query($id: ID!) { requestLog(id: $id) { traceId trace { order content } } }"
    answer = (await api.post(query, api.viewer_key, id=request_id(70))).json()
    assert answer["data"]["requestLog"]["trace"] == {"order": [], "content": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "content:read" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"first": 0}, "`first` must be between 1 and 200"),
        ({"first": 201}, "`first` must be between 1 and 200"),
        ({"after": "x"}, "`after` is no cursor"),
        ({"after": "9" * 30}, "`after` is no cursor"),
        ({"filter": {"project": ["p"] * 101}}, "at most 100"),
    ],
)
async def test_arguments_that_cannot_be_used_say_so(api: Api, variables: dict[str, object], why: str) -> None:
    error = (await api.post(PAGE, **variables)).json()["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert why in error["message"]


async def test_todays_figures_come_from_one_query_for_all_projects(api: Api) -> None:
    from api.people import now_ms

    await api.record(finished(90, at_ms=now_ms(), project="demo", cost_nano_usd=2_500_000))
    nodes = (await api.data("{ projects { nodes { slug today { calls cost inputTokens errors } } } }"))["projects"]["nodes"]
    assert {node["slug"]: node["today"]["calls"] for node in nodes} == {"demo": 1, "support-bot": 0}
    assert nodes[0]["today"] == {"calls": 1, "cost": "0.0025", "inputTokens": 10, "errors": 0}
