"""Streams that have nothing to tell end with what they live on, and their errors name the operation that they are of."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets
from websockets.typing import Subprotocol

from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM = "subscription { requestLogFirehose }"
CREATE = 'mutation { apiKeyCreate(input: {name: "stream"}) { ... on ApiKeyCreated { value apiKey { id } } } }'
PERSON = """mutation { userCreate(input: {
  email: "idle@example.org", password: "long enough words", role: "viewer", reason: "r"}) {
  ... on UserCreated { user { id } } } }"""
LOGIN = """mutation { login(input: {email: "idle@example.org", password: "long enough words"}) { __typename } }"""


async def opened(api: Api, headers: dict[str, str]) -> asyncio.Task[list[str]]:
    """The lines of a stream, once it is one that has been answered."""
    begun = asyncio.Event()

    async def follow() -> list[str]:
        sent = {"accept": "text/event-stream", **headers}
        async with api.client.stream("POST", "/graphql", json={"query": STREAM}, headers=sent) as answer:
            begun.set()
            return [line async for line in answer.aiter_lines() if line.startswith("data: ")]

    task = asyncio.create_task(follow())
    await begun.wait()
    return task


def code_of(lines: list[str]) -> str:
    (line,) = lines
    return str(json.loads(line.removeprefix("data: "))["errors"][0]["extensions"]["code"])


async def test_a_stream_that_waits_ends_when_its_key_is_revoked_and_others_stay(api: Api) -> None:
    keys = [(await api.data(CREATE))["apiKeyCreate"] for _ in range(2)]
    gone, stays = [await opened(api, {"authorization": f"Bearer {each['value']}"}) for each in keys]
    revoke = 'mutation($id: ID!) { apiKeyRevoke(input: {id: $id, reason: "r"}) { __typename } }'
    assert (await api.data(revoke, id=keys[0]["apiKey"]["id"]))["apiKeyRevoke"]["__typename"] == "ApiKeyRevoked"
    async with asyncio.timeout(30):
        assert code_of(await gone) == "UNAUTHENTICATED"
    assert not stays.done()
    stays.cancel()
    await asyncio.gather(stays, return_exceptions=True)


async def test_a_stream_that_waits_ends_when_its_user_is_disabled(api: Api) -> None:
    person = (await api.data(PERSON))["userCreate"]["user"]["id"]
    answer = await api.post(LOGIN, None)
    api.client.cookies.clear()
    headers = {"cookie": answer.headers["set-cookie"].split(";")[0], "x-waybill-client": "test"}
    stream = await opened(api, headers)
    disable = 'mutation($id: ID!) { userUpdate(input: {id: $id, disabled: true, reason: "r"}) { __typename } }'
    assert (await api.data(disable, id=person))["userUpdate"]["__typename"] == "UserUpdated"
    async with asyncio.timeout(30):
        assert code_of(await stream) == "UNAUTHENTICATED"


async def test_an_error_on_a_websocket_names_its_own_operation_as_the_audit_does(api: Api) -> None:
    ids: list[str] = []
    async with websockets.connect(api.ws_url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as raw:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {api.viewer_key}"}}
        await raw.send(json.dumps(init))
        assert json.loads(await raw.recv()) == {"type": "connection_ack"}
        for query in (
            "{ users(first: 1) { nodes { email } } }",
            "{ nothing }",
            'subscription { requestLogFirehose(after: "x") }',
        ):
            await raw.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
            message = json.loads(await asyncio.wait_for(raw.recv(), 30))
            if message["type"] == "next":
                assert json.loads(await raw.recv())["type"] == "complete"
                message["payload"] = message["payload"]["errors"]
            ids.append(message["payload"][0]["extensions"]["requestId"])
    assert len(set(ids)) == 3
    query = '{ auditLog(first: 1, filter: {action: "Query.users"}) { nodes { detail } } }'
    (row,) = (await api.data(query))["auditLog"]["nodes"]
    assert row["detail"]["requestId"] == ids[0]
