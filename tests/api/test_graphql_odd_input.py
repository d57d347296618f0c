"""Input that is well-formed and odd: each is refused by its own name, and nothing is lost silently."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.changes import change
from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("levels", [101, 500, 700, 900])
async def test_json_that_nests_too_deeply_is_the_senders_fault(api: Api, levels: int) -> None:
    query = "mutation($input: ProviderUpdateInput!) { providerUpdate(input: $input) { __typename } }"
    wish = {"providerId": "simulated", "simulation": nested(levels), "reason": "r", "expectedRevision": api.head()}
    (error,) = (await api.post(query, input=wish)).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "a JSON value nests at most 100 levels deep" in error["message"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(25), "nests at most 24 levels deep"),
        ({"latency_ms": 10**60}, "a number in a file has at most 40 digits"),
        ({"latency_ms": 1e300}, "an exponent of at most 30"),
        ({"latency_ms": 1e-300}, "an exponent of at most 30"),
    ],
)
async def test_a_value_that_no_file_may_hold_is_refused_for_what_it_is(api: Api, value: Any, reason: str) -> None:
    done = await change(api, "providerUpdate", providerId="simulated", simulation=value)
    assert done["__typename"] == "ValidationFailed"
    (problem,) = done["problems"]
    assert problem["field"] == "simulation"
    assert reason in problem["reason"]


@pytest.mark.parametrize(
    ("mutation", "wish", "field"),
    [
        ("projectUpdate", {"slug": "demo", "labels": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, "labels"),
        ("projectCreate", {"name": "Two", "labels": [{"key": "a", "value": "1"}] * 2}, "labels"),
        ("tokenCreate", {"project": "demo", "name": "T", "labels": [{"key": "a", "value": "1"}] * 2}, "labels"),
        ("providerUpdate", {"providerId": "simulated", "headers": [{"name": "x-a", "value": "1"}] * 2}, "headers"),
    ],
)
async def test_a_key_that_is_given_twice_is_refused(api: Api, mutation: str, wish: dict[str, Any], field: str) -> None:
    done = await change(api, mutation, **wish)
    assert (done["__typename"], done["problems"][0]["field"]) == ("ValidationFailed", field)
    assert "is given twice" in done["problems"][0]["reason"]


@pytest.mark.parametrize(
    ("after", "order"),
    [("Not A Cursor", "SLUG"), ("a/b", "SLUG"), ("zzz", "NAME"), ("zzz", "CALLS"), ("x/demo", "CALLS"), ("", "SLUG")],
)
async def test_what_no_page_gave_is_no_cursor(api: Api, after: str, order: str) -> None:
    query = "query($a: String, $o: ProjectMeasure!) { projects(after: $a, order: {field: $o}) { totalCount } }"
    (error,) = (await api.post(query, a=after, o=order)).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("value", ["5 USD", "1,000", 5.5, "value: 5"])
async def test_a_figure_that_is_no_decimal_is_told_how_one_is_written(api: Api, value: Any) -> None:
    limits = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": value}]}
    query = "mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename } }"
    wish = {"slug": "demo", "limits": limits, "reason": "r", "expectedRevision": api.head()}
    (error,) = (await api.post(query, input=wish)).json()["errors"]
    assert error["message"].startswith("Variable '$input' has invalid value at .limits.rules[0].value: Expected value of type")
    assert "a Decimal is a string such as 1.25" in error["message"]
    assert error["message"].endswith("found: …")


async def test_what_is_no_date_is_not_repeated(api: Api) -> None:
    query = "query($f: RequestLogFilter) { requestLogs(first: 1, filter: $f) { nodes { id } } }"
    (error,) = (await api.post(query, f={"since": "q7Zr-secret"})).json()["errors"]
    assert "a DateTime is written like 2026-11-23T09:05:00.123Z" in error["message"]
    assert "q7Zr" not in error["message"]


async def test_a_model_of_another_projects_own_provider_is_not_routed_to(api: Api) -> None:
    """No request could go there: that is said, and not found out."""
    made = await change(
        api,
        "providerCreate",
        providerId="theirs-alone",
        preset="xai",
        credential={"key": "a key without a mark 4711"},
        project="demo",
    )
    assert made["__typename"] == "ProviderCreated", made
    created = await change(api, "modelCreate", modelId="theirs-model", provider="theirs-alone", upstreamName="x")
    assert created["__typename"] == "ModelCreated", created
    for name, wish in (
        ("routingModelAdd", {"model": "theirs-model", "position": 0}),
        ("routingUpdate", {"models": [{"id": "theirs-model"}]}),
    ):
        refused = await change(api, name, project="support-bot", **wish)
        assert refused["__typename"] == "ValidationFailed", (name, refused)
        (problem,) = refused["problems"]
        assert problem["field"] == "models[0].id"
        assert "another project's own" in problem["reason"]
    assert (await change(api, "routingModelAdd", project="demo", model="theirs-model"))["__typename"] == "RoutingUpdated"
