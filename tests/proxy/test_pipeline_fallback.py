"""When the next candidate is tried, when it is not, and what the client is told when none is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.proxy.product import (
    DONE,
    HELLO,
    Asked,
    Behaviour,
    InProcess,
    Provider,
    Publisher,
    closing,
    configuration,
    error_body,
    event,
    failing,
    hanging,
    provider,
    role,
    running,
    sending,
    streaming,
    well,
    whole,
    word,
)
from tests.proxy.servers import chunk

OK_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
OK_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
QUICK = "timeouts: {attempt_timeout_ms: 500, timeout_ms: 9000}\n"


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    Publisher(tmp_path).publish(configuration(up.port, project=QUICK))
    async with running(tmp_path) as made:
        yield made


async def ask(proxy: InProcess, *, stream: bool) -> str:
    """One answer's text, whole."""
    client = proxy.sdk()
    if not stream:
        answer = await client.chat.completions.create(model="x", messages=HELLO)
        return f"{answer.model}: {answer.choices[0].message.content}"
    said, model = "", ""
    async for part in await client.chat.completions.create(model="x", messages=HELLO, stream=True):
        model = part.model
        said += part.choices[0].delta.content or ""
    return f"{model}: {said}"


async def reset(asked: Asked) -> None:
    """Close with a reset in the middle of the head."""
    await asked.send(b"HTTP/1.1 200 O")
    asked.writer.transport.abort()


async def stalled_body(asked: Asked) -> None:
    await asked.send(OK_JSON + b"content-length: 100\r\n\r\n{")
    await asked.gone()


async def stalled_stream(asked: Asked) -> None:
    await asked.begin_stream()
    await asked.events(role())
    await asked.gone()


# What goes wrong, then the attempt's status, HTTP status, and how its error begins.
FAILURES: dict[str, tuple[Behaviour, str, int | None, str]] = {
    "closed before any byte": (closing, "error", None, "the upstream closed the connection before"),
    "reset in the head": (reset, "error", None, "the upstream closed the connection before"),
    "no answer in time": (hanging, "timeout", None, "no answer in time"),
    "401": (failing(401), "error", 401, "The provider refused its credential"),
    "402": (failing(402), "error", 402, "upstream says 402"),
    "403": (failing(403), "error", 403, "The provider refused its credential"),
    "404": (failing(404), "error", 404, "upstream says 404"),
    "408": (failing(408), "error", 408, "upstream says 408"),
    "409": (failing(409), "error", 409, "upstream says 409"),
    "429": (failing(429, b"retry-after: 7"), "error", 429, "upstream says 429"),
    "500": (failing(500, body=b"<html>oops"), "error", 500, "The provider answered 500"),
    "529": (failing(529, body=b""), "error", 529, "The provider answered 529"),
    "a redirect": (failing(307, b"location: http://127.0.0.1:1/"), "error", 307, "upstream says 307"),
    "no HTTP": (sending(b"SSH-2.0-OpenSSH_9\r\n\r\n"), "error", None, "malformed HTTP"),
    "an error with status 200": (
        lambda asked: asked.answer(error_body("no capacity")),
        "error",
        200,
        "",
    ),
}
WHOLE: dict[str, tuple[Behaviour, str, int | None, str]] = {
    "no JSON": (lambda asked: asked.answer(b"<html>"), "error", 200, "the provider's answer is no chat completion"),
    "no choices": (lambda asked: asked.answer(b'{"id":"x"}'), "error", 200, "the provider's answer is no chat completion"),
    "half a body": (sending(OK_JSON + b"content-length: 9\r\n\r\n{"), "error", 200, "the upstream closed the connection in"),
    "half a chunk": (
        sending(OK_JSON + b"transfer-encoding: chunked\r\n\r\nff\r\n{"),
        "error",
        200,
        "the upstream closed the connection in",
    ),
    "a body that stalls": (stalled_body, "timeout", 200, "no answer in time"),
    "a stream": (streaming(role(), word("hi"), DONE), "error", 200, "the provider's answer is no chat completion"),
}
STREAMED: dict[str, tuple[Behaviour, str, int | None, str]] = {
    "an error event": (
        streaming(role(), b"data: " + error_body("overloaded").replace(b"\n", b"") + b"\n\n"),
        "error",
        200,
        "ov",
    ),
    "an end without content": (streaming(role()), "error", 200, "The provider's stream broke off"),
    "[DONE] alone": (streaming(DONE), "error", 200, "The provider's stream had an end but no answer"),
    "a cut": (sending(OK_STREAM + b"transfer-encoding: chunked\r\n\r\n" + chunk(role())), "error", 200, "the upstream closed"),
    "garbage": (streaming(role(), b"data: {nonsense\n\n"), "error", 200, "The provider sent a malformed event"),
    "half an event": (streaming(role(), word("hi")[:-9]), "error", 200, "The provider's stream broke off"),
    "a stall before content": (stalled_stream, "timeout", 200, "no"),
    "a whole answer": (lambda asked: asked.answer(whole()), "error", 200, ""),
}
CASES = [
    *((stream, name, case) for name, case in FAILURES.items() for stream in (False, True)),
    *((False, name, case) for name, case in WHOLE.items()),
    *((True, name, case) for name, case in STREAMED.items()),
]


@pytest.mark.parametrize(("stream", "case"), [(stream, case) for stream, _, case in CASES], ids=[
    f"{name}, {'streamed' if stream else 'whole'}" for stream, name, _ in CASES
])  # fmt: skip
async def test_the_next_candidate_answers(
    proxy: InProcess, up: Provider, stream: bool, case: tuple[Behaviour, str, int | None, str]
) -> None:
    behaviour, status, http_status, reason = case
    up.on("a", behaviour)
    assert await ask(proxy, stream=stream) == ("b: One two three" if stream else "b: Hi there")
    row = proxy.row()
    assert (row.status, row.http_status, row.model) == ("success", 200, "b")
    first, second = row.attempts
    assert (first.model, first.status, first.http_status) == ("a", status, http_status)
    assert first.error.startswith(reason)
    assert (second.model, second.status, second.http_status) == ("b", "success", 200)
    assert [asked.json["model"] for asked in up.asked] == ["up-a", "up-b"]
    assert first.ended_ms <= second.started_ms
    assert second.usage is not None
    assert row.cost_nano_usd == second.cost_nano_usd == 9 * 1_000 + 3 * 2_000


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refused_connection_falls_back(tmp_path: Path, up: Provider, stream: bool) -> None:
    Publisher(tmp_path).publish(configuration(up.port, ports={"a": 1}))
    async with running(tmp_path) as proxy:
        assert (await ask(proxy, stream=stream))[0] == "b"
        assert proxy.row().attempts[0].error == "no connection to 127.0.0.1:1: Connection refused"


class Rejected:
    """An answer that is the client's own matter."""

    def __init__(self, status: int, error: type[openai.APIStatusError]) -> None:
        self.status = status
        self.error = error


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "case",
    [
        Rejected(400, openai.BadRequestError),
        Rejected(413, openai.APIStatusError),
        Rejected(422, openai.UnprocessableEntityError),
        Rejected(418, openai.APIStatusError),
    ],
    ids=lambda case: str(case.status),
)
async def test_the_requests_own_fault_goes_to_the_client_as_it_came(
    proxy: InProcess, up: Provider, case: Rejected, stream: bool
) -> None:
    body = b'{ "error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context","new":1.0} }'
    up.on("a", failing(case.status, b"x-request-id: req_9", b"x-ratelimit-limit-requests: 3", body=body))
    for client in (up.sdk(), proxy.sdk()):
        name = "up-a" if client.base_url.port == up.port else "x"
        with pytest.raises(case.error) as raised:
            await client.chat.completions.create(model=name, messages=HELLO, stream=stream)
        error = raised.value
        assert (error.status_code, error.code, error.param) == (case.status, "context", "messages")
        assert error.request_id == "req_9"
        assert error.response.content == body
        assert error.response.headers["x-ratelimit-limit-requests"] == "3"
    row = proxy.row()
    assert (row.status, row.http_status, row.error_code, row.error) == ("error", case.status, "context", "too long")
    assert [(attempt.model, attempt.http_status) for attempt in row.attempts] == [("a", case.status)]


async def test_a_refusal_in_another_form_is_said_in_the_clients(proxy: InProcess, up: Provider) -> None:
    up.on("a", failing(400, body=b'{"detail":"nope"}'))
    with pytest.raises(openai.BadRequestError) as raised:
        await ask(proxy, stream=False)
    assert raised.value.body == {"message": "The provider answered 400.", "type": "api_error", "param": None, "code": None}


async def test_a_provider_that_says_pages_gets_some_lines_of_the_row(proxy: InProcess, up: Provider) -> None:
    up.on("a", failing(400, body=error_body("x" * 100_000)))
    with pytest.raises(openai.BadRequestError):
        await ask(proxy, stream=False)
    row = proxy.row()
    assert len(row.error) == len(row.attempts[0].error) == 500


# --- the commit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "code"),
    [
        (closing, "all_models_failed"),
        (lambda asked: asked.events(b"data: " + error_body("gone", "c1").replace(b"\n", b"") + b"\n\n"), "c1"),
        (lambda asked: asked.events(b"data: [[[\n\n"), None),
        (lambda asked: asked.end_stream(), None),
    ],
    ids=["cut", "error event", "garbage", "end without [DONE]"],
)
async def test_after_the_first_content_a_failure_is_an_error_event(
    proxy: InProcess, up: Provider, then: Behaviour, code: str | None
) -> None:
    up.on("a", streaming(role(), word("One"), then=then))
    stream = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True)
    assert [(await anext(stream)).choices[0].delta.content for _ in range(2)] == ["", "One"]
    with pytest.raises(openai.APIError) as raised:
        await anext(stream)
    assert raised.value.code == code
    row = proxy.row()
    assert (row.status, row.http_status, row.model, len(row.attempts)) == ("error", 200, "a", 1)
    assert row.usage is not None
    assert row.usage.estimated
    assert row.usage.output_tokens > 0
    assert len(up.asked) == 1


async def test_nothing_is_sent_before_content(proxy: InProcess, up: Provider) -> None:
    """Neither the head nor role events leave: another candidate may still have to answer."""
    release = asyncio.Event()

    async def hesitating(asked: Asked) -> None:
        await asked.begin_stream()
        await asked.events(b": ping\n\n", role(), event(delta={"content": ""}))
        await release.wait()
        await failing_stream(asked)

    async def failing_stream(asked: Asked) -> None:
        asked.writer.close()

    up.on("a", hesitating)
    up.on("b", streaming(role(), word("fine"), event(finish="stop"), DONE))
    stream: Any = asyncio.create_task(
        proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True)  # type: ignore[arg-type]
    )
    done, _ = await asyncio.wait((stream,), timeout=0.05)
    assert not done
    release.set()
    said = [part.choices[0].delta.content async for part in await stream]
    assert said == ["", "fine", None]


async def test_a_flood_of_comments_is_no_content(proxy: InProcess, up: Provider) -> None:
    """Something always to be read must not keep an attempt alive for ever."""

    async def flooding(asked: Asked) -> None:
        await asked.begin_stream()
        while not asked.writer.is_closing():
            await asked.events(b": still thinking\n\n" * 200)

    up.on("a", flooding)
    assert await ask(proxy, stream=True) == "b: One two three"
    assert proxy.row().attempts[0].status == "timeout"


# --- none is left -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("waits", "said", "retry"),
    [(("30", "7"), "7", "true"), (("61", "600"), "61", "false"), (("90", None), "90", "false"), ((None, None), None, "false")],
)
async def test_all_rate_limited_is_429_with_the_smallest_wait(
    proxy: InProcess, up: Provider, waits: tuple[str | None, ...], said: str | None, retry: str, stream: bool
) -> None:
    for model, wait in zip("ab", waits, strict=True):
        up.on(model, failing(429, *([b"retry-after: " + wait.encode()] if wait else [])))
    with pytest.raises(openai.RateLimitError) as raised:
        await ask(proxy, stream=stream)
    error = raised.value
    assert (error.code, error.type) == ("rate_limit_exceeded", "rate_limit_exceeded")
    assert error.response.headers.get("retry-after") == said
    assert error.response.headers["x-should-retry"] == retry
    assert proxy.row().status == "error"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_timeout_at_last_is_504(proxy: InProcess, up: Provider, stream: bool) -> None:
    up.on("a", failing(500))
    up.on("b", hanging)
    with pytest.raises(openai.InternalServerError) as raised:
        await ask(proxy, stream=stream)
    assert (raised.value.status_code, raised.value.code) == (504, "timeout")
    row = proxy.row()
    assert (row.status, row.http_status, [attempt.status for attempt in row.attempts]) == ("timeout", 504, ["error", "timeout"])


@pytest.mark.parametrize("stream", [False, True])
async def test_any_other_mixture_is_503(proxy: InProcess, up: Provider, stream: bool) -> None:
    up.on("a", hanging)
    up.on("b", failing(429, b"retry-after: 1"))
    with pytest.raises(openai.InternalServerError) as raised:
        await ask(proxy, stream=stream)
    error = raised.value
    assert (error.status_code, error.code) == (503, "all_models_failed")
    assert error.response.headers["x-should-retry"] == "false"
    row = proxy.row()
    assert (row.status, row.error_code) == ("error", "all_models_failed")
    assert row.cost_nano_usd == 0


# --- what is no attempt -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_pooled_connection_that_closed_is_replaced_unseen(proxy: InProcess, up: Provider, stream: bool) -> None:
    served: set[asyncio.StreamWriter] = set()

    async def closing_the_second_time(asked: Asked) -> None:
        if asked.writer in served:
            asked.writer.close()
        else:
            served.add(asked.writer)
            await well(asked)

    up.on("a", closing_the_second_time)
    for _ in range(2):
        assert (await ask(proxy, stream=stream))[0] == "a"
    assert len(up.asked) == 3
    assert [len(row.attempts) for row in proxy.finished()] == [1, 1]


async def test_the_order_of_the_attempts_is_that_of_the_decision(tmp_path: Path, up: Provider) -> None:
    models = ["a", "b", "c", "d"]
    for model in models[:3]:
        up.on(model, failing(503))
    Publisher(tmp_path).publish(configuration(up.port, models))
    async with running(tmp_path) as proxy:
        assert (await ask(proxy, stream=False))[0] == "d"
        row = proxy.row()
    assert [attempt.model for attempt in row.attempts] == models
    assert row.decision is not None
    assert list(row.decision.order) == models


async def test_a_model_that_failed_is_passed_over_by_health(tmp_path: Path, up: Provider) -> None:
    up.on("a", failing(500))
    Publisher(tmp_path).publish(configuration(up.port, policies="[{kind: health}]"))
    async with running(tmp_path) as proxy:
        for _ in range(4):
            assert (await ask(proxy, stream=False))[0] == "b"
        assert [[attempt.model for attempt in row.attempts] for row in proxy.finished()] == [["a", "b"], ["b"], ["b"], ["b"]]
