"""`requestProgress`: what a proxy tells, as clients see it, and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec
import pytest

from core.progress import Step, Wanted
from core.routing.decision import Decision, PolicyOutcome
from proxy.progress import _bound
from tests.api.conftest import Api
from tests.api.journalled import AT_MS, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROGRESS = """subscription($project: String!, $traceId: String) { requestProgress(project: $project, traceId: $traceId) {
  traceId kind project token at elapsedMs cause model status httpStatus error
  decision { order totals { model total } dropped { model reason } policies { kind weight models { model score } } } } }"""
DECISION = Decision(
    candidates=("a", "b", "c"),
    dropped={"c": "daily cost"},
    policies=(PolicyOutcome(kind="cheapest", weight=1, scores={"a": 0.5, "b": 1.0}),),
    totals={"b": 1.0, "a": 0.5},
    order=("b", "a"),
)


def step(number: int, kind: str, **facts: object) -> Step:
    values = {"id": request_id(number), "kind": kind, "project": "demo", "token": "t", "at_ms": AT_MS, "elapsed_ms": 1.5}
    return Step(**(values | facts))


@asynccontextmanager
async def telling(api: Api, *steps: Step) -> AsyncIterator[list[Wanted]]:
    """A proxy that tells these steps to whoever listens."""
    wishes: list[Wanted] = []
    listeners: list[asyncio.StreamWriter] = []

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listeners.append(writer)
        while line := await reader.readline():
            wishes.append(msgspec.json.decode(line, type=Wanted))
            writer.write(b"".join(msgspec.json.encode(each) + b"\n" for each in steps))
        writer.close()

    path = api.layout.progress_socket("told")
    server = await asyncio.start_unix_server(told, sock=_bound(path))
    try:
        yield wishes
    finally:
        server.close()
        for listener in listeners:
            listener.transport.abort()
        await asyncio.to_thread(path.unlink)


async def first(api: Api, key: str, **variables: str) -> list[dict]:
    async with aclosing(api.stream(PROGRESS, key, **variables)) as payloads, asyncio.timeout(10):
        payload = await anext(payloads)
    assert "errors" not in payload, payload["errors"]
    return payload["data"]["requestProgress"]


async def test_steps_are_shown_with_what_was_decided(api: Api) -> None:
    steps = (
        step(1, "routed", decision=DECISION),
        step(1, "attempt_ended", model="b", status="error", http_status=503, error="overloaded"),
        step(2, "attempt", project="support-bot"),
        step(3, "ended", status="success", http_status=200, cause=request_id(1)),
    )
    async with telling(api, *steps) as wishes:
        routed, failed, ended = await first(api, api.viewer_key, project="demo")
    assert wishes[0] == Wanted(("demo",))
    assert routed == {
        "traceId": request_id(1),
        "kind": "ROUTED",
        "project": "demo",
        "token": "t",
        "at": "2026-09-21T14:13:20.000Z",
        "elapsedMs": 1.5,
        "cause": None,
        "model": None,
        "status": None,
        "httpStatus": None,
        "error": None,
        "decision": {
            "order": ["b", "a"],
            "totals": [{"model": "b", "total": 1.0}, {"model": "a", "total": 0.5}],
            "dropped": [{"model": "c", "reason": "daily cost"}],
            "policies": [
                {"kind": "cheapest", "weight": 1, "models": [{"model": "a", "score": 0.5}, {"model": "b", "score": 1.0}]}
            ],
        },
    }
    assert [failed[name] for name in ("kind", "model", "status", "httpStatus", "error", "decision")] == [
        "ATTEMPT_ENDED",
        "b",
        "error",
        503,
        "overloaded",
        None,
    ]
    assert (ended["kind"], ended["cause"], ended["httpStatus"]) == ("ENDED", request_id(1), 200)


async def test_one_request_is_followed_with_the_calls_that_its_policies_make(api: Api) -> None:
    steps = (step(1, "routed"), step(2, "routed"), step(3, "attempt", model="judge", cause=request_id(2)))
    async with telling(api, *steps):
        found = await first(api, api.viewer_key, project="demo", traceId=request_id(2))
    assert [(each["traceId"], each["kind"]) for each in found] == [(request_id(2), "ROUTED"), (request_id(3), "ATTEMPT")]
