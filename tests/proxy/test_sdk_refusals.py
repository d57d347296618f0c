"""The refusal table in both dialects, streamed and not.

The official SDK raises its own exception class with code and type, is told whether to try again, and does not try what cannot
succeed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

from proxy.pipeline import Bounds
from tests.proxy import anthropics, messages, product
from tests.proxy.anthropics import ASK
from tests.proxy.product import (
    OTHER_TOKEN,
    TOKEN,
    Behaviour,
    InProcess,
    Provider,
    Publisher,
    Subprocess,
    failing,
    hanging,
    running,
)
from tests.proxy.servers import until

OPENAI, ANTHROPIC = "openai", "anthropic"
RETRIES = 1


class Said(NamedTuple):
    """How a dialect says a refusal: the SDK's class, the status, `type`, and OpenAI's `code` ("" as its type)."""

    error: type[Exception]
    status: int
    type: str
    code: str = ""


class Row(NamedTuple):
    """One line of the table and how to come by it."""

    openai: Said
    anthropic: Said
    project: str = ""  # lines of the project's file
    settings: str = ""
    model: str = ""  # lines of each model's file
    policies: str = "[]"
    key: str = TOKEN
    path: str = ""  # the project in the path
    up: Behaviour | None = None  # how every model behaves
    body: Mapping[str, Any] = {}  # what is asked otherwise
    ask: str = ""  # a path or a model's id instead of the request
    bounds: Bounds = Bounds()
    before: int = 0  # requests that are on their way already
    published: bool = True
    again: bool = False  # whether the SDK is told to try again
    wait: str | None = None


def limit(metric: str, value: float) -> str:
    return f"limits:\n  rules: [{{metric: {metric}, value: {value}, window: daily}}]\n"


BUDGET = Said(openai.RateLimitError, 429, "insufficient_quota", "budget_exceeded")
BILLING = Said(anthropic.PaymentRequiredError, 402, "billing_error")
RATE = Said(anthropic.RateLimitError, 429, "rate_limit_error")
BUSY = Said(openai.RateLimitError, 429, "rate_limit_exceeded")
INVALID_KEY = Said(openai.AuthenticationError, 401, "invalid_request_error", "invalid_api_key")
AUTHENTICATION = Said(anthropic.AuthenticationError, 401, "authentication_error")
BAD = Said(openai.BadRequestError, 400, "invalid_request_error")
BAD_ANTHROPIC = Said(anthropic.BadRequestError, 400, "invalid_request_error")
NOT_FOUND = Said(openai.NotFoundError, 404, "not_found")
NOT_FOUND_ANTHROPIC = Said(anthropic.NotFoundError, 404, "not_found_error")
NO_MODEL = Said(openai.InternalServerError, 503, "no_model_available")
OVERLOADED = Said(anthropic.ServiceUnavailableError, 503, "overloaded_error")

TABLE = {
    "an unknown token": Row(INVALID_KEY, AUTHENTICATION, key="sk-lr-" + "z" * 43),
    "a token of another project than the path's": Row(INVALID_KEY, AUTHENTICATION, key=OTHER_TOKEN, path="p"),
    "a cost limit that is used up": Row(BUDGET, BILLING, project=limit("cost", 0)),
    "too little money left": Row(BUDGET, BILLING, project=limit("cost", 0.00001)),
    "a limit of calls that is used up": Row(BUDGET, RATE, project=limit("calls", 0)),
    "too few input tokens left": Row(BUDGET, RATE, project=limit("input_tokens", 1)),
    "too few output tokens left": Row(BUDGET, RATE, project=limit("output_tokens", 1), body={"max_tokens": 5}),
    "too few tokens left": Row(BUDGET, RATE, project=limit("total_tokens", 1)),
    "a model's own limit that is used up": Row(BUDGET, RATE, model=limit("calls", 0)),
    "room taken by what is in flight": Row(
        BUSY, RATE, project=limit("calls", 1), up=hanging, before=1, again=True, wait="1"
    ),
    "all candidates answered 429": Row(BUSY, RATE, up=failing(429, b"retry-after: 0"), again=True, wait="0"),
    "all candidates answered 429 for long": Row(BUSY, RATE, up=failing(429, b"retry-after: 61"), wait="61"),
    "policies left no model": Row(NO_MODEL, OVERLOADED, model="context_window: 1\n", policies="[{kind: context}]"),
    "a project without models": Row(NO_MODEL, OVERLOADED, key=OTHER_TOKEN),
    "all candidates failed": Row(
        Said(openai.InternalServerError, 503, "all_models_failed"),
        Said(anthropic.ServiceUnavailableError, 503, "api_error"),
        up=failing(500),
    ),
    "a timeout": Row(
        Said(openai.InternalServerError, 504, "timeout"),
        Said(anthropic.GatewayTimeoutError, 504, "timeout_error"),
        up=hanging,
        project="timeouts: {attempt_timeout_ms: 50}\n",
    ),
    "a field of the wrong type": Row(BAD, BAD_ANTHROPIC, body={"messages": "hello"}),
    "no messages": Row(BAD, BAD_ANTHROPIC, body={"messages": []}),
    "an unknown path": Row(NOT_FOUND, NOT_FOUND_ANTHROPIC, ask="/v1/nothing"),
    "an unknown model's id": Row(NOT_FOUND, NOT_FOUND_ANTHROPIC, ask="zz"),
    "a body that is too large": Row(
        Said(openai.APIStatusError, 413, "request_too_large"),
        Said(anthropic.ContentTooLargeError, 413, "request_too_large"),
        bounds=Bounds(body_bytes=1_000),
        body={"messages": [{"role": "user", "content": "x" * 2_000}]},
    ),
    "too many requests at once": Row(
        Said(openai.InternalServerError, 503, "overloaded"),
        OVERLOADED,
        bounds=Bounds(requests=1),
        up=hanging,
        before=1,
        again=True,
        wait="1",
    ),
    "no configuration yet": Row(Said(openai.InternalServerError, 503, "not_ready"), OVERLOADED, published=False),
}  # fmt: skip


@asynccontextmanager
async def setting(tmp_path: Path, row: Row, dialect: str) -> AsyncIterator[tuple[InProcess, Provider]]:
    """The proxy and the provider of a row."""
    make = anthropics.anthropic_provider if dialect == ANTHROPIC else product.provider
    configure = anthropics.files if dialect == ANTHROPIC else product.configuration
    async with make() as up:
        if row.published:
            files = configure(up.port, project=row.project, settings=row.settings, policies=row.policies)
            files = {path: text + row.model.encode() if path.startswith("models/") else text for path, text in files.items()}
            Publisher(tmp_path).publish(files)
        if row.up is not None:
            up.default = row.up
        async with running(tmp_path, bounds=row.bounds) as proxy:
            yield proxy, up


Client = openai.AsyncOpenAI | anthropic.AsyncAnthropic


@asynccontextmanager
async def client_of(proxy: InProcess | Subprocess, row: Row, dialect: str, **options: Any) -> AsyncIterator[Client]:
    chosen: dict[str, Any] = {"max_retries": RETRIES, **options}
    if dialect == ANTHROPIC:
        async with anthropics.sdk(proxy, row.path, row.key, **chosen) as client:
            yield client
    else:
        yield proxy.sdk(row.path, row.key, **chosen)


async def ask(client: Client, row: Row, stream: bool) -> Any:
    if row.ask.startswith("/"):
        path = row.ask if isinstance(client, anthropic.AsyncAnthropic) else row.ask.removeprefix("/v1")
        return await client.post(path, cast_to=object, body={})
    if row.ask:
        return await client.models.retrieve(row.ask)
    asked = {**ASK, **row.body}
    if isinstance(client, anthropic.AsyncAnthropic):
        return await client.messages.create(**asked, stream=stream)
    return await client.chat.completions.create(**asked, stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
async def test_each_line_of_the_refusal_table(tmp_path: Path, row: Row, dialect: str, stream: bool) -> None:
    tries = 0

    async def count(_: Any) -> None:
        nonlocal tries
        tries += 1

    async with setting(tmp_path, row, dialect) as (proxy, up), client_of(proxy, row, dialect) as client:
        waiting = [asyncio.create_task(ask(client, row, stream)) for _ in range(row.before)]
        await until(lambda: len(up.asked) >= row.before)
        client._client.event_hooks["request"].append(count)
        said: Said = getattr(row, dialect)
        with pytest.raises(said.error) as raised:
            await ask(client, row, stream)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    error: Any = raised.value
    assert type(error) is said.error
    assert (error.status_code, error.type) == (said.status, said.type)
    headers = error.response.headers
    assert (headers["x-should-retry"], headers.get("retry-after")) == ("true" if row.again else "false", row.wait)
    assert tries == 1 + RETRIES * row.again
    check: dict[str, Callable[[Any, Said], None]] = {OPENAI: _shape_of_openai, ANTHROPIC: _shape_of_anthropic}
    check[dialect](error, said)


SYNC_ROWS = (
    "an unknown token",
    "a cost limit that is used up",
    "all candidates failed",
    "no messages",
    "an unknown model's id",
)


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("name", SYNC_ROWS)
async def test_the_synchronous_sdks_raise_the_same(tmp_path: Path, name: str, dialect: str) -> None:
    row = TABLE[name]
    said: Said = getattr(row, dialect)

    def raised(proxy: InProcess) -> Any:
        make = anthropics.sync_sdk if dialect == ANTHROPIC else _sync_openai
        with make(proxy, row.path, api_key=row.key, max_retries=RETRIES) as client, pytest.raises(said.error) as caught:
            _ask_synchronously(client, row)
        return caught.value

    async with setting(tmp_path, row, dialect) as (proxy, _):
        error = await asyncio.to_thread(raised, proxy)
        assert len(proxy.finished()) <= 1
    assert (type(error), error.status_code, error.type) == said[:3]


def _sync_openai(proxy: InProcess, project: str, *, api_key: str, **options: Any) -> openai.OpenAI:
    return product.sync_sdk(proxy.url(project), api_key, **options)


def _ask_synchronously(client: openai.OpenAI | anthropic.Anthropic, row: Row) -> Any:
    if row.ask:
        return client.models.retrieve(row.ask)
    asked = {**ASK, **row.body}
    if isinstance(client, anthropic.Anthropic):
        return client.messages.create(**asked)
    return client.chat.completions.create(**asked)


def _shape_of_openai(error: Any, said: Said) -> None:
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert error.code == (said.code or said.type)
    assert len(error.request_id) == 32


def _shape_of_anthropic(error: Any, said: Said) -> None:
    assert error.body.keys() == {"type", "error", "request_id"}
    assert error.body["type"] == "error"
    assert error.body["error"].keys() == {"type", "message"}
    assert error.request_id == error.body["request_id"] == error.response.headers["x-waybill-trace-id"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_simulated_models_refusal_has_the_shape_of_its_dialect(
    tmp_path: Path, dialect: str, stream: bool, status: int
) -> None:
    simulated = b"kind: simulated\nsimulation: {answers: [{when: wrong, status: %d, text: That is wrong.}]}\n" % status
    Publisher(tmp_path).publish({**product.configuration(9), "providers/up.yaml": simulated})
    row = Row(BAD, BAD_ANTHROPIC, body={"messages": [{"role": "user", "content": "wrong"}]})
    async with running(tmp_path) as proxy, client_of(proxy, row, dialect) as client:
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as raised:
            await ask(client, row, stream)
        assert proxy.row().http_status == status
    error: Any = raised.value
    assert (error.status_code, error.response.headers["x-should-retry"]) == (status, "false")
    if dialect == OPENAI:
        assert error.body.keys() == {"message", "type", "param", "code"}
        assert error.body["message"] == "That is wrong."
    else:
        assert error.body.keys() == {"type", "error", "request_id"}
        assert error.body["error"].keys() == {"type", "message"}
        assert error.body["request_id"].startswith("req_")


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
async def test_a_timeout_between_bytes_is_an_error_event_of_the_dialect(tmp_path: Path, dialect: str) -> None:
    """After the commit there is no status any more: the SDK raises what the stream says."""
    begun = [messages.start(), messages.opening(), messages.word("one")] if dialect == ANTHROPIC else [product.word("one")]
    row = Row(BAD, BAD, project="timeouts: {idle_timeout_ms: 50}\n", up=product.streaming(*begun, then=hanging))
    async with setting(tmp_path, row, dialect) as (proxy, _), client_of(proxy, row, dialect) as client:
        stream = await ask(client, row, stream=True)
        with pytest.raises((openai.APIError, anthropic.APIStatusError)) as raised:
            _ = [each async for each in stream]
        found = proxy.row()
    error: Any = raised.value
    assert (found.status, found.error_code, found.attempts[0].status) == ("error", "timeout", "timeout")
    if dialect == ANTHROPIC:
        assert (error.type, error.body["request_id"]) == ("timeout_error", found.id)
    else:
        assert (error.type, error.code) == ("timeout", "timeout")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
async def test_a_journal_that_cannot_be_written(tmp_path: Path, dialect: str, stream: bool) -> None:
    row = Row(Said(openai.InternalServerError, 503, "journal_unavailable"), OVERLOADED)
    configure = anthropics.files if dialect == ANTHROPIC else product.configuration
    make = anthropics.anthropic_provider if dialect == ANTHROPIC else product.provider
    async with make() as up:
        Publisher(tmp_path).publish(configure(up.port))
        async with (
            product.subprocess_proxy(tmp_path, file_size_limit=20_000) as proxy,
            client_of(proxy, row, dialect) as client,
        ):
            error: Any = await _until_refused(client, row, stream)
            served = len(up.asked)
            said: Said = getattr(row, dialect)
            assert (type(error), error.status_code, error.type) == said[:3]
            assert error.response.headers["x-should-retry"] == "false"
            with pytest.raises(said.error):
                await ask(client, row, stream)
            assert len(up.asked) == served


async def _until_refused(client: Client, row: Row, stream: bool) -> Exception:
    for _ in range(200):
        try:
            answer = await ask(client, row, stream)
            if stream:
                _ = [each async for each in answer]
        except (openai.APIError, anthropic.APIError) as error:
            return error
    raise AssertionError("the journal never filled up")
