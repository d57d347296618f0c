"""What the official Anthropic SDK sees through Waybill is what it sees from the provider, but for `model`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest

from core.money import Usage
from tests.proxy import messages
from tests.proxy.anthropics import ASK, anthropic_provider, files, sdk, sync_sdk
from tests.proxy.messages import STOP, closing, error, event, finish, opening, start, word
from tests.proxy.product import ROOT, Asked, InProcess, Provider, Publisher, configuration, running, streaming
from tests.proxy.servers import until


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with anthropic_provider() as made:
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    Publisher(tmp_path).publish(files(up.port))
    async with running(tmp_path) as made:
        yield made


def dumped(value: Any) -> dict[str, Any]:
    """What the SDK parsed, without the model: that is Waybill's."""
    found: dict[str, Any] = value.model_dump()
    found.pop("model", None)
    found.get("message", {}).pop("model", None)
    return found


# Everything the dialect has, and things that it does not have yet.
RICH: dict[str, Any] = {
    "model": "direct",
    "max_tokens": 2048,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Où? 𝄞 \u2028"}, {"type": "block_of_tomorrow", "x": [1, None]}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1.0}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "4"}]},
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "extra_body": {"temperature": 0.30000000000000004, "field_of_tomorrow": {"deep": [1.0, 1e-7, "\\u0000"]}},
}
CACHED = {
    "input_tokens": 4,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 50,
    "output_tokens_details": {"thinking_tokens": 8},
}
SPENT = Usage(
    input_tokens=134, cached_input_tokens=100, cache_write_5m_tokens=10, cache_write_1h_tokens=20,
    output_tokens=50, reasoning_tokens=8,
)  # fmt: skip
BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Hm. é", "signature": "c2ln"},
    {"type": "text", "text": 'It is "x".', "citations": None},
    {"type": "tool_use", "id": "t2", "name": "f", "input": {"a": "é", "b": [1, 2.5]}},
]
STREAM = [
    start("up", {**CACHED, "output_tokens": 1, "output_tokens_details": None}),
    opening(0, type="thinking", thinking="", signature=""),
    event("ping"),
    event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm."}),
    event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"}),
    closing(0),
    opening(1),
    word("Ünï\u2028", 1),
    word(" code", 1).replace(b"}}\n\n", b"}          }\n\n"),
    event("event_of_tomorrow", x=[1]),
    closing(1),
    opening(2, type="tool_use", id="t2", name="f", input={}),
    event("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"a":'}),
    event("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": "1}"}),
    closing(2),
    finish("tool_use", output_tokens=50, output_tokens_details={"thinking_tokens": 8}),
    STOP,
]


@pytest.mark.parametrize("project", ["", "p"])
async def test_a_whole_answer_is_parsed_as_the_providers_own(up: Provider, proxy: InProcess, project: str) -> None:
    said = messages.whole("up", content=BLOCKS, stop_reason="tool_use", usage=CACHED, thoughts_of_tomorrow={"x": [1, 2.50]})
    up.behaviours = dict.fromkeys(("up-a", "direct"), lambda asked: asked.answer(said))
    async with sdk(up) as direct, sdk(proxy, project) as through:
        expected, answer = await direct.messages.create(**RICH), await through.messages.create(**RICH)
    assert dumped(answer) == dumped(expected)
    assert (answer.model, answer.content[2].type) == ("a", "tool_use")
    asked_directly, asked_through = up.asked
    assert asked_through.body == asked_directly.body.replace(b'"direct"', b'"up-a"')
    for name in (b"anthropic-version", b"content-type"):
        assert asked_through.headers[name] == asked_directly.headers[name]
    row = proxy.row()
    assert (row.status, row.dialect, row.call_type, row.usage) == ("success", "anthropic", "completion", SPENT)
    assert row.cost_nano_usd == 134 * 1_000 + 50 * 2_000


@pytest.mark.parametrize("project", ["", "p"])
async def test_a_stream_is_the_providers_own_byte_for_byte_but_for_model(up: Provider, proxy: InProcess, project: str) -> None:
    up.behaviours = dict.fromkeys(("up-a", "direct"), streaming(*STREAM))

    async def read(client: anthropic.AsyncAnthropic) -> bytes:
        async with client.messages.with_streaming_response.create(**RICH, stream=True) as answer:
            return await answer.read()

    async with sdk(up) as direct, sdk(proxy, project) as through:
        expected, seen = await read(direct), await read(through)
    assert seen == expected.replace(b'"model":"up"', b'"model":"a"')
    assert seen.count(b'"model":"a"') == 1
    row = proxy.row()
    assert (row.stream, row.usage, row.attempts[0].first_content_ms is not None) == (True, SPENT, True)


async def test_the_streaming_helper_of_the_sdk_accumulates(up: Provider, proxy: InProcess) -> None:
    up.behaviours = dict.fromkeys(("up-a", "direct"), streaming(*STREAM))

    async def final(client: anthropic.AsyncAnthropic) -> Any:
        async with client.messages.stream(**RICH) as stream:
            return await stream.get_final_message()

    async with sdk(up) as direct, sdk(proxy) as through:
        expected, answer = await final(direct), await final(through)
    assert dumped(answer) == dumped(expected)
    assert (answer.model, answer.content[2].input, answer.usage.output_tokens) == ("a", {"a": 1}, 50)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_synchronous_sdk_sees_the_same(up: Provider, proxy: InProcess, stream: bool) -> None:
    def ask(server: Any) -> list[dict[str, Any]]:
        with sync_sdk(server) as client:
            if stream:
                with client.messages.create(**ASK, stream=True) as events:
                    return [dumped(each) for each in events]
            return [dumped(client.messages.create(**ASK))]

    direct = await asyncio.to_thread(ask, up)
    assert await asyncio.to_thread(ask, proxy) == direct
    assert direct


async def test_betas_and_versions_go_on(up: Provider, proxy: InProcess) -> None:
    async with sdk(proxy, default_headers={"anthropic-version": "2024-12-31"}) as client:
        await client.beta.messages.create(**ASK, betas=["one-2025", "two-2025"])
    asked = up.asked[-1]
    assert asked.headers[b"anthropic-beta"] == b"one-2025,two-2025"
    assert asked.headers[b"anthropic-version"] == b"2024-12-31"
    assert b"authorization" not in asked.headers
    assert asked.head.startswith(b"POST /v1/messages HTTP/1.1\r\n")


async def test_older_sdks_ask_for_betas_in_the_query(up: Provider, proxy: InProcess) -> None:
    async with sdk(proxy) as client:
        await client.post("/v1/messages?beta=true", cast_to=object, body=ASK)
    assert up.asked[-1].head.startswith(b"POST /v1/messages?beta=true HTTP/1.1\r\n")
    assert proxy.row().path == "/v1/messages"


async def test_a_bearer_token_is_taken_as_well(proxy: InProcess) -> None:
    async with sdk(proxy, api_key=None, auth_token="sk-lr-" + "x" * 43) as client:
        assert (await client.messages.create(**ASK)).model == "a"


async def test_headers_of_the_answer(up: Provider, proxy: InProcess) -> None:
    kept = (b"anthropic-ratelimit-requests-remaining: 5", b"request-id: req_7")
    up.on("a", lambda asked: asked.answer(messages.whole(), *kept, b"anthropic-organization-id: o", b"set-cookie: a=b"))
    async with sdk(proxy) as client:
        raw = await client.messages.with_raw_response.create(**ASK)
    row = proxy.row()
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "5"
    assert raw.headers["request-id"] == "req_7"
    assert not {"anthropic-organization-id", "set-cookie"} & set(raw.headers)
    assert (raw.headers["x-waybill-trace-id"], raw.headers["x-waybill-model"]) == (row.id, "a")


# --- what Waybill answers itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", ["", "p"])
async def test_tokens_are_counted_without_a_provider_or_a_row(up: Provider, proxy: InProcess, project: str) -> None:
    counted = {name: value for name, value in RICH.items() if name != "max_tokens"}
    async with sdk(proxy, project) as client:
        answer = await client.messages.count_tokens(**counted)
        beta = await client.beta.messages.count_tokens(model="x", messages=ASK["messages"])
    assert 20 < answer.input_tokens < 300
    assert 0 < beta.input_tokens < 20
    assert (up.asked, proxy.events()) == ([], [])
    assert 'kind="count_tokens"} 2.0' in (await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{proxy.ops_port}/metrics")).text


@pytest.mark.parametrize("project", ["", "p"])
async def test_models_are_listed_and_retrieved(proxy: InProcess, project: str) -> None:
    async with sdk(proxy, project) as client:
        assert [model.id async for model in client.models.list(limit=1)] == ["auto", "a", "b"]
        assert (await client.models.retrieve("b")).display_name == "b"
        with pytest.raises(anthropic.NotFoundError) as refused:
            await client.models.retrieve("c")
    assert refused.value.type == "not_found_error"
    assert proxy.events() == []


# --- failures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (529, "overloaded_error"),
        (500, "api_error"),
        (429, "rate_limit_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
    ],
)
async def test_the_next_candidate_answers_for_one_that_fails(
    up: Provider, proxy: InProcess, status: int, kind: str, stream: bool
) -> None:
    up.on("a", messages.failing(status, kind))
    async with sdk(proxy) as client:
        answer = await client.messages.with_raw_response.create(**ASK, stream=stream)
    assert answer.headers["x-waybill-model"] == "b"
    await until(proxy.finished)
    assert [(attempt.model, attempt.http_status) for attempt in proxy.row().attempts] == [("a", status), ("b", 200)]


@pytest.mark.parametrize("last", [error(), b"event: content_block_delta\ndata: {\n\n", b""])
async def test_before_its_first_content_a_stream_falls_back_and_nothing_of_it_is_seen(
    up: Provider, proxy: InProcess, last: bytes
) -> None:
    up.on("a", streaming(start("first"), event("ping"), opening(), last))
    async with sdk(proxy) as client, client.messages.stream(**ASK) as stream:
        final = await stream.get_final_message()
    assert (final.model, final.content[0].type) == ("b", "text")
    row = proxy.row()
    assert [attempt.status for attempt in row.attempts] == ["error", "success"]
    assert row.attempts[0].usage is None


@pytest.mark.parametrize("stream", [True, False])
async def test_a_request_that_the_provider_refuses_is_the_clients_own_mistake(
    up: Provider, proxy: InProcess, stream: bool
) -> None:
    up.behaviours = dict.fromkeys(("up-a", "x"), messages.failing(400, "invalid_request_error"))
    seen: list[anthropic.BadRequestError] = []
    for server in (up, proxy):
        async with sdk(server, max_retries=2) as client:
            with pytest.raises(anthropic.BadRequestError) as refused:
                await client.messages.create(**ASK, stream=stream)
        seen.append(refused.value)
    direct, through = seen
    assert (through.body, through.type, through.request_id) == (direct.body, direct.type, direct.request_id)
    assert len(up.asked) == 2
    assert [attempt.model for attempt in proxy.row().attempts] == ["a"]


@pytest.mark.parametrize("kind", ["error", "cut", "closed"])
async def test_after_the_commit_a_failure_raises_and_is_never_a_false_end(up: Provider, proxy: InProcess, kind: str) -> None:
    async def breaks(asked: Asked) -> None:
        if kind == "error":
            await asked.events(error("api_error", "It broke."))
        if kind == "closed":
            asked.writer.transport.abort()
        else:
            await asked.end_stream()

    up.on("a", streaming(start("first"), opening(), word("one"), then=breaks))
    async with sdk(proxy) as client:
        stream = await client.messages.create(**ASK, stream=True)
        with pytest.raises(anthropic.APIStatusError) as broken:
            _ = [each async for each in stream]
    body: Any = broken.value.body
    row = proxy.row()
    assert (body["type"], body["error"]["type"]) == ("error", "api_error")
    assert body["request_id"] == ("req_up" if kind == "error" else row.id)
    assert (row.status, row.http_status) == ("error", 200)
    assert row.usage is not None
    assert row.usage.estimated


async def test_a_client_that_leaves_cancels_the_provider_and_what_was_used_is_kept(up: Provider, proxy: InProcess) -> None:
    up.on("a", streaming(start("first", CACHED), opening(), word("one"), then=Asked.gone))
    async with sdk(proxy) as client:
        stream = await client.messages.create(**ASK, stream=True)
        async for each in stream:
            if each.type == "content_block_delta":
                break
        await stream.close()
    await asyncio.wait_for(up.closed.wait(), 1)
    await until(proxy.finished)
    row = proxy.row()
    assert row.status == "cancelled"
    assert row.usage is not None
    assert (row.usage.input_tokens, row.usage.cached_input_tokens) == (134, 100)


# --- who can answer -----------------------------------------------------------------------------------------------------


async def test_only_models_of_the_dialect_are_candidates(tmp_path: Path, up: Provider) -> None:
    made = {**configuration(up.port, ports={"b": up.port}), "providers/up-b.yaml": files(up.port)["providers/up.yaml"]}
    Publisher(tmp_path).publish(made)
    async with running(tmp_path) as proxy, sdk(proxy) as client:
        assert (await client.messages.create(**ASK)).model == "b"
        decision = proxy.row().decision
    assert decision is not None
    assert (decision.candidates, decision.order) == (("b",), ("b",))
    assert decision.unable == {"a": "its provider up (openai-compatible) does not speak Anthropic messages"}


async def test_without_any_the_refusal_says_why(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as proxy, sdk(proxy, max_retries=2) as client:
        with pytest.raises(anthropic.InternalServerError) as refused:
            await client.messages.create(**ASK)
        assert (refused.value.status_code, refused.value.type) == (503, "overloaded_error")
        assert "does not speak Anthropic messages" in str(refused.value)
        assert (proxy.row().status, up.asked) == ("rejected", [])


@pytest.mark.parametrize("stream", [True, False])
async def test_a_simulated_model_answers_with_no_provider(tmp_path: Path, stream: bool) -> None:
    made = {**configuration(9), "providers/up.yaml": b"kind: simulated\nsimulation: {output_tokens: 6}\n"}
    Publisher(tmp_path).publish(made)
    async with running(tmp_path) as proxy, sdk(proxy) as client:
        if stream:
            async with client.messages.stream(**ASK) as events:
                final = await events.get_final_message()
        else:
            final = await client.messages.create(**ASK)
        assert (final.model, final.stop_reason, final.usage.output_tokens) == ("a", "end_turn", 6)
        usage = proxy.row().usage
    assert usage is not None
    assert (usage.output_tokens, usage.input_tokens) == (6, final.usage.input_tokens)


async def test_content_is_kept_where_the_project_says_so(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(files(up.port, project="trace: {content: true}\n"))
    async with running(tmp_path) as proxy, sdk(proxy) as client:
        await client.messages.create(**ASK)
        content = proxy.row().content
    assert content is not None
    assert content["request"]["messages"] == ASK["messages"]
    assert json.dumps(content["answer"]["content"]) == json.dumps([{"type": "text", "text": "Hi there"}])


async def test_the_samples_provider_works_once_it_has_its_key(
    tmp_path: Path, up: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ROOT / "config-repo"
    sample = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.yaml")}
    here = f"http://127.0.0.1:{up.port}".encode()
    enabled = sample["providers/anthropic.yaml"].replace(b"enabled: false", b"enabled: true\nbase_url: " + here)
    sample["providers/anthropic.yaml"] = enabled.replace(b"origin: https://api.anthropic.com", b"origin: " + here)
    sample["projects/demo/tokens/t.yaml"] = configuration(up.port)["projects/p/tokens/t.yaml"]
    sample["projects/demo/routing.yaml"] = b"models: [{id: gpt-5-mini}, {id: claude-haiku-4-5}]"
    monkeypatch.setenv("WAYBILL_SECRET_ANTHROPIC", "sk-ant-key")
    Publisher(tmp_path).publish(sample)
    async with running(tmp_path) as proxy, sdk(proxy) as client:
        assert (await client.messages.create(**ASK)).model == "claude-haiku-4-5"
    asked = up.asked[-1]
    assert (asked.headers[b"x-api-key"], asked.json["model"]) == (b"sk-ant-key", "claude-haiku-4-5")
