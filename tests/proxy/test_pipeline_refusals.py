"""The refusal table over real sockets: the SDK's exception, the code, whether it tries again, and whether there is a row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from proxy.pipeline import Bounds
from proxy.server import ServerLimits
from tests.proxy.product import (
    HELLO,
    OTHER_TOKEN,
    TOKEN,
    InProcess,
    Provider,
    Publisher,
    configuration,
    failing,
    hanging,
    provider,
    running,
)
from tests.proxy.servers import client, until

Ask = Callable[[openai.AsyncOpenAI], Awaitable[Any]]


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    project = "timeouts: {attempt_timeout_ms: 100, timeout_ms: 5000}\n"
    Publisher(tmp_path).publish(configuration(up.port, project=project))
    async with running(tmp_path, bounds=Bounds(body_bytes=100_000, requests=3)) as made:
        yield made


def unrecorded(proxy: InProcess) -> dict[str, int]:
    """Answers without a row, by kind, as /metrics says them."""
    text = httpx.get(f"http://127.0.0.1:{proxy.ops_port}/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("waybill_unrecorded_answers_total{")]
    return {line.split('"')[1]: int(float(line.rsplit(" ", 1)[1])) for line in lines}


async def tries(proxy: InProcess) -> int:
    """How many answers of any kind the proxy has given at model endpoints."""
    return len(proxy.finished()) + sum((await asyncio.to_thread(unrecorded, proxy)).values())


async def chat(client: openai.AsyncOpenAI, **more: Any) -> Any:
    return await client.chat.completions.create(**{"model": "x", "messages": HELLO, **more})


class Case:
    """One line of the table: who asks what, the SDK's exception, code and type, and how often it tried (of 3)."""

    def __init__(
        self,
        error: type[openai.APIStatusError],
        code: str,
        *,
        kind: str | None = None,
        ask: Ask = chat,
        project: str = "",
        key: str = TOKEN,
        status: int,
        row: str | None,
        tried: int = 1,
    ) -> None:
        self.error = error
        self.code = code
        self.kind = kind or code
        self.ask = ask
        self.project = project
        self.key = key
        self.status = status
        self.row = row
        self.tried = tried


def unauthorized(**more: Any) -> Case:
    return Case(openai.AuthenticationError, "invalid_api_key", kind="invalid_request_error", status=401, row=None, **more)


def bad(ask: Ask) -> Case:
    return Case(openai.BadRequestError, "invalid_request_error", ask=ask, status=400, row="rejected")


TABLE = {
    "unknown token": unauthorized(key="sk-lr-" + "z" * 43),
    "another project's token": unauthorized(key=OTHER_TOKEN, project="p"),
    "an unknown project": unauthorized(project="nobody"),
    "a model list with an unknown token": unauthorized(key="nonsense", ask=lambda sdk: sdk.models.list()),
    "no models": Case(openai.InternalServerError, "no_model_available", key=OTHER_TOKEN, status=503, row="rejected"),
    "bad messages": bad(lambda sdk: chat(sdk, messages="hello")),
    "no messages": bad(lambda sdk: chat(sdk, messages=[])),
    "bad n": bad(lambda sdk: chat(sdk, n=-1)),
    "no JSON": bad(lambda sdk: sdk.post("/chat/completions", cast_to=object, content=b"{")),
    "unknown path": Case(
        openai.NotFoundError,
        "not_found",
        ask=lambda sdk: sdk.post("/nothing", cast_to=object, body={}),
        status=404,
        row=None,
    ),
    "unknown model id": Case(
        openai.NotFoundError, "not_found", ask=lambda sdk: sdk.models.retrieve("zz"), status=404, row=None
    ),
    "wrong method": Case(
        openai.APIStatusError,
        "method_not_allowed",
        ask=lambda sdk: sdk.get("/chat/completions", cast_to=object),
        status=405,
        row=None,
    ),
    "body too large": Case(
        openai.APIStatusError,
        "request_too_large",
        ask=lambda sdk: chat(sdk, messages=[{"role": "user", "content": "x" * 150_000}]),
        status=413,
        row="rejected",
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE.keys())
async def test_the_sdk_raises_its_own_class_and_does_not_retry(
    proxy: InProcess, up: Provider, case: Case, stream: bool
) -> None:
    sdk = proxy.sdk(case.project, case.key, max_retries=2)
    with pytest.raises(case.error) as raised:
        await (chat(sdk, stream=True) if stream and case.ask is chat else case.ask(sdk))
    error = raised.value
    assert type(error) is case.error
    assert (error.status_code, error.code, error.type) == (case.status, case.code, case.kind)
    assert isinstance(error.body, dict)
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert error.response.headers["x-should-retry"] == "false"
    assert error.response.headers["content-type"] == "application/json"
    assert len(error.request_id or "") == 32
    assert [row.status for row in proxy.finished()] == ([case.row] if case.row else [])
    assert await tries(proxy) == case.tried
    assert up.asked == []


async def test_a_refusal_names_the_field(proxy: InProcess) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await chat(proxy.sdk(), messages=[{"role": "user", "content": 7}])
    assert raised.value.param == "messages[0].content"
    assert "messages[0].content" in str(raised.value)


async def test_a_project_without_models_says_so(proxy: InProcess) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        await chat(proxy.sdk(key=OTHER_TOKEN))
    assert "The project q has no enabled model." in str(raised.value)


@pytest.mark.parametrize("wait", [b"0", b"61"])
async def test_an_all_429_is_retried_exactly_when_the_wait_is_short(proxy: InProcess, up: Provider, wait: bytes) -> None:
    for model in "ab":
        up.on(model, failing(429, b"retry-after: " + wait))
    with pytest.raises(openai.RateLimitError):
        await chat(proxy.sdk(max_retries=1))
    assert len(proxy.finished()) == (2 if wait == b"0" else 1)


async def test_failures_and_timeouts_are_not_retried(proxy: InProcess, up: Provider) -> None:
    for behaviour, status in ((failing(500), 503), (hanging, 504)):
        for model in "ab":
            up.on(model, behaviour)
        with pytest.raises(openai.InternalServerError) as raised:
            await chat(proxy.sdk(max_retries=2))
        assert raised.value.status_code == status
    assert len(proxy.finished()) == 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Basic " + TOKEN}, 401),
        ({"x-api-key": TOKEN}, 200),
        ({"authorization": "bearer " + TOKEN}, 200),
        ({"authorization": "Basic abc", "x-api-key": TOKEN}, 200),
        ({"authorization": "Bearer nonsense", "x-api-key": TOKEN}, 401),
    ],
)
async def test_a_token_comes_as_bearer_else_as_api_key(proxy: InProcess, headers: dict[str, str], status: int) -> None:
    async with httpx.AsyncClient() as plain:
        answer = await plain.get(proxy.url() + "/models", headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("more", "code"), [("expires_at: 2020-01-01T00:00:00Z\n", "invalid_api_key"), ("expires_at: 2999-01-01T00:00:00Z\n", None)]
)
async def test_an_expired_token_is_unknown(tmp_path: Path, up: Provider, more: str, code: str | None) -> None:
    files = configuration(up.port)
    files["projects/p/tokens/t.yaml"] += more.encode()
    Publisher(tmp_path).publish(files)
    async with running(tmp_path) as proxy:
        if code is None:
            assert (await chat(proxy.sdk())).model == "a"
        else:
            with pytest.raises(openai.AuthenticationError, match="expired"):
                await chat(proxy.sdk())


# --- bounds -------------------------------------------------------------------------------------------------------------


def head(token: str, *lines: str) -> bytes:
    return "\r\n".join(
        ["POST /v1/chat/completions HTTP/1.1", "host: x", f"authorization: Bearer {token}", *lines, "", ""]
    ).encode()


async def test_a_declared_body_that_is_too_large_is_refused_before_it_is_sent(proxy: InProcess) -> None:
    async with client(proxy.port) as raw:
        raw.send(head(TOKEN, "content-length: 100001", "expect: 100-continue"))
        status, headers, body = await raw.answer()
    assert (status, headers[b"x-should-retry"], json.loads(body)["error"]["code"]) == (413, b"false", "request_too_large")
    assert proxy.row().status == "rejected"


async def test_a_chunked_body_is_cut_off_where_it_becomes_too_large(proxy: InProcess) -> None:
    async with client(proxy.port) as raw:
        raw.send(head(TOKEN, "transfer-encoding: chunked") + b"ffffff\r\n" + b"x" * 100_001)
        status, _, body = await raw.answer()
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


async def test_the_body_of_an_unknown_token_is_not_read(proxy: InProcess) -> None:
    async with client(proxy.port) as raw:
        raw.send(head("sk-lr-unknown", "content-length: 90000", "expect: 100-continue"))
        status, headers, _ = await raw.answer()
    assert status == 401  # and no `100 Continue` before
    assert headers[b"connection"] == b"close"


async def test_a_body_that_does_not_come_is_408(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path, limits=ServerLimits(body_s=0.1)) as proxy, client(proxy.port) as raw:
        raw.send(head(TOKEN, "content-length: 100") + b"{")
        status, headers, body = await raw.answer()
        assert (status, headers[b"x-should-retry"], json.loads(body)["error"]["code"]) == (408, b"false", "request_timeout")
        assert proxy.row().status == "rejected"


async def test_too_many_requests_at_once_are_told_to_come_back(proxy: InProcess, up: Provider) -> None:
    for model in "ab":
        up.on(model, hanging)
    sdk = proxy.sdk()
    waiting = [asyncio.create_task(chat(sdk)) for _ in range(3)]
    await until(lambda: len(up.asked) >= 3)
    with pytest.raises(openai.InternalServerError) as raised:
        await chat(sdk)
    error = raised.value
    assert (error.status_code, error.code) == (503, "overloaded")
    assert (error.response.headers["retry-after"], error.response.headers["x-should-retry"]) == ("1", "true")
    await asyncio.gather(*waiting, return_exceptions=True)
    assert sorted(row.status for row in proxy.finished()) == ["rejected", "timeout", "timeout", "timeout"]


# --- not ready ----------------------------------------------------------------------------------------------------------


async def test_without_a_configuration_it_is_alive_not_ready_and_serves_once_one_comes(tmp_path: Path, up: Provider) -> None:
    publisher = Publisher(tmp_path)
    async with running(tmp_path) as proxy, httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxy.ops_port}") as ops:
        with pytest.raises(openai.InternalServerError) as raised:
            await chat(proxy.sdk(max_retries=2))
        assert (raised.value.status_code, raised.value.code) == (503, "not_ready")
        assert "x-waybill-revision" not in raised.value.response.headers  # there is none that decided
        assert await tries(proxy) == 1
        assert (await ops.get("/healthz")).status_code == 200
        ready = await ops.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "no configuration yet")
        publisher.publish(configuration(up.port))
        await until(lambda: proxy.process.ready)
        assert (await ops.get("/readyz")).status_code == 200
        assert (await chat(proxy.sdk())).model == "a"


@pytest.mark.parametrize(("path", "method", "allow"), [("chat/completions", "GET", "POST"), ("models", "POST", "GET, HEAD")])
async def test_a_wrong_method_is_told_the_right_one(proxy: InProcess, path: str, method: str, allow: str) -> None:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}) as http:
        answer = await http.request(method, f"{proxy.url()}/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
