"""What one operation may use of the process: a price before it runs, and the time it takes while it runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, OperationType, build_schema, get_named_type, parse

from api.graphql.bounds import BoundedExecutor, TooCostly
from api.graphql.engine import Engine
from api.graphql.guard import core_schema
from api.graphql.limits import MAX_COST, SHORT_LIST, _grows, measured
from api.graphql.schema import build_schema as build_own
from api.repository.commits import WAYBILL
from api.repository.store import Edit
from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

TREE = "type Query { leaf: Int slow: Int deep: Deep } type Deep { rows: [Deep!]! late: Deep leaf: Int }"
MODEL = "provider: simulated\nupstream_name: x\n"


class Row:
    """A thousand more rows, for ever; and one that has to be waited for."""

    leaf = 1

    @property
    def rows(self) -> list[Row]:
        return [self] * 1_000

    @property
    def late(self) -> Any:
        return self._later

    async def _later(self, info: object) -> Row:
        await asyncio.sleep(0)
        return self


class Root(Row):
    """What a small schema begins at."""

    @property
    def deep(self) -> Row:
        return self

    async def slow(self, info: object) -> int:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


def engine_of(root: object, **bounds: Any) -> Engine:
    schema = build_schema(TREE)
    query = schema.query_type
    assert query is not None
    for name in query.fields:
        query.fields[name].resolve = lambda _, info: _value(root, info)
    return Engine(schema, **bounds)


def _value(root: object, info: Any) -> Any:
    found = getattr(root, info.field_name)
    return found(info) if callable(found) else found


@pytest.mark.parametrize(
    "query",
    [
        "{ deep { rows { rows { rows { leaf } } } } }",
        "{ deep { late { rows { late { rows { late { rows { leaf } } } } } } } }",
        "{ deep { rows { late { rows { late { rows { leaf } } } } } } }",
    ],
)
async def test_an_operation_that_takes_too_much_is_ended_and_says_so_once(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The price is set aside here: this is what holds where the price was too low."""
    monkeypatch.setattr("api.graphql.limits.MAX_COST", 10**12)
    monkeypatch.setattr(BoundedExecutor, "max_cpu_s", 0.2)
    engine = engine_of(Root())
    result = await asyncio.wait_for(engine.execute(engine.prepare(query, None, {}, anonymous=False), None), 30)
    assert result.data is None
    (error,) = result.errors or ()
    assert isinstance(error.original_error, TooCostly)
    assert "ask for fewer" in error.message


async def test_a_query_that_waits_too_long_is_ended() -> None:
    engine = engine_of(Root(), max_wait_s=0.05)
    result = await engine.execute(engine.prepare("{ slow leaf }", None, {}, anonymous=False), None)
    assert result.data is None
    assert [error.message.partition(":")[0] for error in result.errors or ()] == ["the operation took more than 0.05 s"]


async def test_models_of_a_provider_of_models_are_priced_by_how_many_there_are(api: Api) -> None:
    """One that has many may be asked for them, and not for their provider's models again and again."""
    many = {f"models/many-{number}.yaml": MODEL.encode() for number in range(126)}
    edit = Edit(changes=many, author=WAYBILL, reason="Many", base=api.head())
    api.repository.commit(edit, check=lambda head, changes: None)
    async for payload in api.stream('subscription { revisions(after: "0") { revisions { commit } } }'):
        if payload["data"]["revisions"]["revisions"][-1]["commit"] == api.head():
            break
    assert len((await api.data('{ provider(id: "simulated") { models { modelId enabled } } }'))["provider"]["models"]) > 126
    nested = '{ provider(id: "simulated") { models { provider { models { provider { models { __typename } } } } } } }'
    answer = (await api.post(nested)).json()
    assert answer["errors"][0]["message"].startswith("the operation asks for too much: cost ")
    assert "data" not in answer


async def test_a_list_without_a_page_counts_as_several() -> None:
    schema = core_schema(build_own())
    query = "{ policies { parameters { name } } roles { name } }"
    document = parse(query)
    size = measured(schema, document, _only(document), {})
    assert size.cost == 1 + SHORT_LIST * (1 + SHORT_LIST) + 1 + SHORT_LIST


async def test_a_page_that_a_variables_default_asks_for_is_priced() -> None:
    schema = core_schema(build_own())
    document = parse("query($n: Int = 200) { models(first: $n) { nodes { id } } }")
    assert measured(schema, document, _only(document), {}).cost == 1 + 200 * 2
    assert measured(schema, document, _only(document), {"n": 3}).cost == 1 + 3 * 2


async def test_no_list_of_objects_counts_as_one_entry_but_those_whose_page_is_counted_above() -> None:
    """Pages count at the connection, events of subscriptions one by one."""
    uncounted = {
        f"{kind.name}.{name}"
        for kind in core_schema(build_own()).type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if "[" in str(field.type) and "first" not in field.args and not _grows(field, kind)
        if isinstance(get_named_type(field.type), GraphQLObjectType | GraphQLUnionType)
    }
    assert {name.partition(".")[2] for name in uncounted} <= {"edges", "nodes", "proxyState", "requestProgress"}
    assert MAX_COST == 10_000


def _only(document: Any) -> Any:
    (operation,) = document.definitions
    assert operation.operation is OperationType.QUERY
    return operation
