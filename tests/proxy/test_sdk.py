"""What the official OpenAI SDK sees through Waybill is what it sees from the provider, but for `model`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.proxy.product import (
    DONE,
    HELLO,
    Asked,
    InProcess,
    Provider,
    Publisher,
    configuration,
    event,
    provider,
    role,
    running,
    streaming,
    sync_sdk,
    usage,
    whole,
    word,
)


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    Publisher(tmp_path).publish(configuration(up.port))
    async with running(tmp_path) as made:
        yield made


def dumped(value: Any) -> dict[str, Any]:
    """What the SDK parsed, without the model: that is Waybill's."""
    found: dict[str, Any] = value.model_dump()
    found.pop("model")
    return found


# Everything the dialect has, and things that it does not have yet.
RICH: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Où? 𝄞 \u2028"}, {"type": "new_part", "x": [1, {"y": None}]}]},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "temperature": 0.30000000000000004,
    "logit_bias": {"50256": -100},
    "seed": 9007199254740993,
    "extra_body": {"field_of_tomorrow": {"deep": [1.0, 1e-7, "\\u0000"]}},
}


@pytest.mark.parametrize("project", ["", "p"])
async def test_a_whole_answer_is_parsed_as_the_providers_own(up: Provider, proxy: InProcess, project: str) -> None:
    async def behave(asked: Asked) -> None:
        message = {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "é"}'}}],
            "thoughts_of_tomorrow": {"x": [1, 2.50]},
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
        await asked.answer(whole("up-a-2026", choices=[choice], service_tier="flex", new={"a": 1e3}), b"x-request-id: req_7")

    up.behaviours = dict.fromkeys(("up-a", "direct"), behave)
    direct = await up.sdk().chat.completions.create(model="direct", **RICH)
    through = await proxy.sdk(project).chat.completions.create(model="anything", **RICH)
    assert dumped(through) == dumped(direct)
    assert (through.model, direct.model) == ("a", "up-a-2026")
    assert through._request_id == direct._request_id == "req_7"


@pytest.mark.parametrize("project", ["", "p"])
@pytest.mark.parametrize("wants_usage", [True, False])
async def test_a_stream_is_parsed_as_the_providers_own(up: Provider, proxy: InProcess, project: str, wants_usage: bool) -> None:
    calls = [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]
    said = [
        role(),
        word("Où "),
        event(delta={"reasoning_content": "hm"}, field_of_tomorrow=1),
        event(delta={"tool_calls": calls}),
        event(delta={"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]}),
        event(finish="tool_calls"),
    ]

    async def behave(asked: Asked) -> None:
        asks = asked.json.get("stream_options", {}).get("include_usage")
        await streaming(*said, *([usage()] if asks else []), DONE)(asked)

    up.behaviours = dict.fromkeys(("up-a", "direct"), behave)
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wants_usage else {}

    async def chunks(client: openai.AsyncOpenAI) -> list[Any]:
        stream = await client.chat.completions.create(model="direct", stream=True, **options, **RICH)
        return [chunk async for chunk in stream]

    direct = await chunks(up.sdk())
    through = await chunks(proxy.sdk(project))
    assert [dumped(chunk) for chunk in through] == [dumped(chunk) for chunk in direct]
    assert {chunk.model for chunk in through} == {"a"}
    row = proxy.row()
    assert row.usage is not None
    assert (row.usage.input_tokens, row.usage.output_tokens, row.usage.estimated) == (9, 3, False)
    assert row.cost_nano_usd == 9 * 1_000 + 3 * 2_000


@pytest.mark.parametrize("project", ["", "p"])
@pytest.mark.parametrize("stream", [True, False])
async def test_the_synchronous_sdk_sees_the_same(up: Provider, proxy: InProcess, project: str, stream: bool) -> None:
    def ask(url: str) -> list[dict[str, Any]]:
        with sync_sdk(url) as client:
            if stream:
                with client.chat.completions.create(model="x", messages=HELLO, stream=True) as chunks:
                    return [dumped(chunk) for chunk in chunks]
            return [dumped(client.chat.completions.create(model="x", messages=HELLO))]

    direct = await asyncio.to_thread(ask, up.url())
    assert await asyncio.to_thread(ask, proxy.url(project)) == direct
    assert direct


@pytest.mark.parametrize("stream", [True, False])
async def test_the_upstream_gets_the_clients_members_byte_for_byte(up: Provider, proxy: InProcess, stream: bool) -> None:
    """Numbers, escapes, order and white space inside members: only `model`, and the wish for usage, are Waybill's."""
    members = {
        "messages": '[ {"role" : "user", "content":"\\u00e9\\ud834\\udd1e \\/ é"} ]',
        "temperature": "1.0",
        "big": "123456789012345678901234567890",
        "tiny": "1e-07",
        "unknown": '{"b": 1, "a" :[ ] , "b2":  null}',
        "stream": "true" if stream else "false",
    }
    body = '{"model":"gpt",' + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"
    headers = {"content-type": "application/json", "x-client-request-id": "mine", "cookie": "secret", "openai-project": "x"}
    client = proxy.sdk()
    await client.post("/chat/completions", cast_to=object, content=body.encode(), options={"headers": headers})
    asked = up.asked[-1]
    expected = body.replace('"gpt"', '"up-a"').encode()
    if stream:
        expected = expected[:-1] + b',"stream_options":{"include_usage":true}}'
    assert asked.body == expected
    sent = asked.headers
    assert sent[b"x-client-request-id"] == b"mine"
    assert sent[b"host"] == b"127.0.0.1:%d" % up.port
    assert not {b"cookie", b"authorization", b"openai-project", b"user-agent"} & sent.keys()


async def test_an_answer_goes_to_the_client_byte_for_byte_but_for_model(up: Provider, proxy: InProcess) -> None:
    body = b'{ "id":"x", "model" : "up-a-2026" ,"choices":[{"message":{"content":"\\u00e9","x":1.00}}],\n\t"new":1e-07 }'
    up.on("a", lambda asked: asked.answer(body, b"x-ratelimit-remaining-requests: 5", b"set-cookie: a=b", b"openai-version: 7"))
    raw = await proxy.sdk().chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    assert raw.content == body.replace(b'"up-a-2026"', b'"a"')
    assert raw.headers["x-ratelimit-remaining-requests"] == "5"
    assert raw.headers["openai-version"] == "7"
    assert "set-cookie" not in raw.headers


@pytest.mark.parametrize("stream", [True, False])
async def test_metadata_is_in_headers(proxy: InProcess, stream: bool) -> None:
    raw = await proxy.sdk().chat.completions.with_raw_response.create(model="auto", messages=HELLO, stream=stream)
    if stream:
        _ = [chunk async for chunk in raw.parse()]  # type: ignore[attr-defined]  # the overloads do not know a bool
    row = proxy.row()
    assert raw.headers["x-waybill-trace-id"] == row.id
    assert raw.headers["x-waybill-model"] == row.model == "a"
    assert raw.headers["x-waybill-revision"] == row.revision == f"{1:040x}"
    assert raw.headers["x-request-id"] == "req_1"


@pytest.mark.parametrize("project", ["", "p"])
async def test_models_are_listed_and_retrieved(proxy: InProcess, project: str) -> None:
    client = proxy.sdk(project)
    assert [model.id async for model in client.models.list()] == ["auto", "a", "b"]
    assert (await client.models.retrieve("b")).id == "b"
    assert (await client.models.retrieve("auto")).owned_by == "waybill"
    with pytest.raises(openai.NotFoundError) as refused:
        await client.models.retrieve("c")
    assert refused.value.code == "not_found"
    assert proxy.events() == []


async def test_a_model_with_a_slash_in_its_id_is_served_and_retrieved(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port, ["team/a"]))
    async with running(tmp_path) as proxy:
        client = proxy.sdk()
        assert (await client.models.retrieve("team/a")).id == "team/a"
        assert (await client.chat.completions.create(model="team/a", messages=HELLO)).model == "team/a"


@pytest.mark.parametrize("name", ["auto", "gpt-4o", "b", "", "ü/..\n"])
async def test_any_model_name_is_served_by_the_projects_routing(proxy: InProcess, name: str) -> None:
    answer = await proxy.sdk().chat.completions.create(model=name, messages=HELLO)
    assert answer.model == "a"


async def test_a_request_of_many_answers_is_whole(up: Provider, proxy: InProcess) -> None:
    def of(index: int, delta: dict[str, str], finish: str | None = None) -> bytes:
        return event(choices=[{"index": index, "delta": delta, "finish_reason": finish}])

    said = [of(1, {"content": "b"}), of(0, {"content": "a"}), of(0, {}, "stop"), of(1, {"content": "B"}), of(1, {}, "length")]
    up.on("a", streaming(*said, usage(), DONE))
    stream = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True, n=2)
    seen = [(chunk.choices[0].index, chunk.choices[0].delta.content, chunk.choices[0].finish_reason) async for chunk in stream]
    assert seen == [(1, "b", None), (0, "a", None), (0, None, "stop"), (1, "B", None), (1, None, "length")]


async def test_the_streaming_helper_of_the_sdk_accumulates(proxy: InProcess) -> None:
    async with proxy.sdk().chat.completions.stream(model="auto", messages=HELLO) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "One two three"


async def test_a_body_that_was_printed_over_many_lines_is_served_and_kept(tmp_path: Path, up: Provider) -> None:
    """A journal record is one line: content that is kept in it must not break that."""
    Publisher(tmp_path).publish(configuration(up.port, project="trace: {content: true}\n"))
    async with running(tmp_path) as proxy:
        body = json.dumps({"model": "m", "messages": HELLO}, indent=4).encode()
        client = proxy.sdk()
        await client.post("/chat/completions", cast_to=object, content=body)
        content = proxy.row().content
    assert content is not None
    assert content["request"]["messages"] == HELLO
    assert content["answer"]["choices"][0]["message"]["content"] == "Hi there"
