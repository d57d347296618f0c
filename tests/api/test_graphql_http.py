"""GraphQL over HTTP as its specification says, and what is refused before anything runs."""

from __future__ import annotations

import pytest

from tests.api.conftest import ADMIN_KEY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTH = {"authorization": f"Bearer {ADMIN_KEY}"}
RESPONSE = "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, application/json;q=0.9", RESPONSE),
        (f"application/json, {RESPONSE};q=0.5", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("", "application/json"),
    ],
)
async def test_the_media_type_is_the_one_that_the_client_prefers(api: Api, accept: str, media_type: str) -> None:
    answer = await api.post("{ __typename }", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "query($a: ID!) { node(id: $a) { id } }", "query A { __typename } query B { __typename }"]
)
async def test_a_document_that_cannot_run_is_400_without_data_and_200_for_older_clients(api: Api, query: str) -> None:
    new = await api.post(query, headers={"accept": RESPONSE})
    old = await api.post(query, headers={"accept": "application/json"})
    assert (new.status_code, old.status_code) == (400, 200)
    for answer in (new.json(), old.json()):
        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] in (
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
            "BAD_USER_INPUT",
        )


@pytest.mark.parametrize("variables", [{}, {"since": 5}, {"since": "yesterday"}, {"since": None}])
async def test_a_variable_that_does_not_fit_is_the_senders_fault(api: Api, variables: dict[str, object]) -> None:
    query = "query($since: DateTime!) { requestLogs(filter: {since: $since}) { nodes { id } } }"
    (error,) = (await api.post(query, **variables)).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("since", ['"yesterday"', '"2026-01-01T00:00:00"', "5"])
async def test_an_instant_that_is_none_is_the_documents_fault(api: Api, since: str) -> None:
    answer = await api.post(f"{{ requestLogs(filter: {{since: {since}}}) {{ nodes {{ id }} }} }}")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "Expected value of type 'DateTime', but encountered error" in error["message"]


async def test_every_answer_carries_the_id_that_its_errors_and_the_log_carry(api: Api) -> None:
    answer = await api.post("{ nothing }")
    assert answer.headers["x-request-id"] == answer.json()["errors"][0]["extensions"]["requestId"]


async def test_queries_go_by_get_and_mutations_do_not(api: Api) -> None:
    got = await api.client.get(
        "/graphql",
        params={"query": "query($s: String!) { project(slug: $s) { slug } }", "variables": '{"s":"demo"}'},
        headers=AUTH,
    )
    assert got.json()["data"] == {"project": {"slug": "demo"}}
    refused = await api.client.get("/graphql", params={"query": "mutation { logout { ended } }"}, headers=AUTH)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"query": "{ __typename }"}', {"content-type": "text/plain"}, 415),
        (b'{"query": "{ __typename }"}', {}, 415),
        (b'{"query": "{ __typename }"}', {"content-type": "application/json; charset=latin-1"}, 415),
        (b"{", {"content-type": "application/json"}, 400),
        (b"[]", {"content-type": "application/json"}, 400),
        (b"", {"content-type": "application/json"}, 400),
        (b'{"query": 1}', {"content-type": "application/json"}, 400),
        (b'{"query": "{ __typename }", "variables": []}', {"content-type": "application/json"}, 400),
        (b"[" * 100_000, {"content-type": "application/json"}, 400),
        (b'{"query": "' + b"x" * 1_100_000 + b'"}', {"content-type": "application/json"}, 413),
        (b'{"query": "{ __typename }"}', {"content-type": "application/json", "accept": "text/html"}, 406),
    ],
)
async def test_what_is_no_graphql_request_says_why(api: Api, content: bytes, headers: dict[str, str], status: int) -> None:
    answer = await api.client.post("/graphql", content=content, headers={**AUTH, **headers})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "PROPFIND"])
async def test_another_method_is_405_and_told_which_there_are(api: Api, method: str) -> None:
    answer = await api.client.request(method, "/graphql", headers=AUTH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, OPTIONS")
    if method != "HEAD":
        (error,) = answer.json()["errors"]
        assert error == {
            "message": "method not allowed",
            "extensions": {"code": "METHOD_NOT_ALLOWED", "requestId": answer.headers["x-request-id"]},
        }


async def test_graphiql_is_off(api: Api) -> None:
    page = await api.client.get("/graphql", headers={**AUTH, "accept": "text/html"})
    assert page.status_code == 406


LONG_LIST = "requestLogs(first: 200) { nodes { id traceId cursor at projectSlug tokenId model provider status callType } }"


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("{ " + " ".join(f"a{n}: viewer {{ id }}" for n in range(41)) + " }", "aliases 41, at most 40"),
        ("{ " + "viewer { id } " * 201 + " }", "fields 402, at most 400"),
        ("{ " + "".join(f"a{n}: {LONG_LIST} " for n in range(5)) + " }", "cost 11005, at most 10000"),
        ("{ a" + " { a" * 13 + " }" * 14, "levels 13, at most 12"),
        ("{ viewer { " + "id " * 4_100 + "} }", "more than 4000 tokens"),
        ("{ a" * 1_900 + "}" * 1_900, "nest"),
    ],
)  # fmt: skip
async def test_a_document_that_asks_for_too_much_is_refused(api: Api, query: str, what: str) -> None:
    assert what in (await api.post(query)).json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ viewer { id } }", 2),
        ("{ requestLogs { nodes { id } } }", 1 + 50 * 2),
        ("{ requestLogs(first: 7) { nodes { id } } }", 1 + 7 * 2),
        ("query($n: Int = 3) { requestLogs(first: $n) { nodes { id } } }", 1 + 3 * 2),
        ("{ ...A } fragment A on Query { projects(first: 2) { nodes { tokens { nodes { id } } } } }", 1 + 2 * (1 + 1 + 50 * 2)),
        ("{ usage { points { start } groups { points { start } } } }", 1 + 1 + 25 + 1 + 20 * (1 + 25)),
        ("{ node(id: \"UHJvamVjdDp4\") { ... on Project { tokens(first: 10) { nodes { id } } } } }", 1 + 1 + 10 * 2),
    ],
)  # fmt: skip
async def test_an_answer_says_what_it_cost_of_what_may_be_asked(api: Api, query: str, cost: int) -> None:
    answer = (await api.post(query)).json()
    assert answer["extensions"] == {"cost": {"requested": cost, "limit": 10_000}}


async def test_fragments_that_double_themselves_are_counted_and_not_spread_out(api: Api) -> None:
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(100))
    answer = (await api.post("{ ...F0 } " + chain + "fragment F100 on Query { viewer { id } }")).json()
    assert "fields" in answer["errors"][0]["message"]


async def test_fragments_in_a_circle_are_refused_by_name(api: Api) -> None:
    answer = (await api.post("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")).json()
    assert "itself" in answer["errors"][0]["message"]


async def test_introspection_works_for_whoever_is_known(api: Api) -> None:
    from graphql import get_introspection_query

    assert (await api.data(get_introspection_query()))["__schema"]["queryType"]["name"] == "Query"
    assert (await api.post(get_introspection_query(), None)).status_code == 401


async def test_a_deep_introspection_is_refused(api: Api) -> None:
    query = "{ __schema { types { " + "fields { type { " * 12 + "name" + " } }" * 12 + " } } }"
    assert (await api.post(query)).json()["errors"]
