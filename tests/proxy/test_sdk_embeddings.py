"""Embeddings through the official OpenAI SDK: what it sees is what the provider would have sent, but for `model`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from core.money import Usage
from tests.proxy.product import (
    Asked,
    InProcess,
    Provider,
    Publisher,
    configuration,
    failing,
    hanging,
    provider,
    running,
    sync_sdk,
)


async def embed(asked: Asked) -> None:
    """Answer as OpenAI does: floats, or base64 where the client asks for it, as its SDK does by default."""
    packed = asked.json.get("encoding_format") == "base64"
    given = asked.json["input"]
    vector: Any = "AACAPwAAAEA=" if packed else [1.0, 2.0]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(given))]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    answer = {"object": "list", "data": data, "model": asked.json["model"], "usage": usage}
    await asked.answer(json.dumps(answer, indent=1).encode(), b"x-request-id: req_1")


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        made.default = embed
        yield made


@pytest.fixture
async def proxy(tmp_path: Path, up: Provider) -> AsyncIterator[InProcess]:
    Publisher(tmp_path).publish(configuration(up.port, project="timeouts: {attempt_timeout_ms: 200}\n"))
    async with running(tmp_path) as made:
        yield made


@pytest.mark.parametrize("project", ["", "p"])
@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}, {"dimensions": 2, "extra_body": {"new": {"x": 1.0}}}])
async def test_vectors_are_the_providers_own(up: Provider, proxy: InProcess, project: str, options: dict[str, Any]) -> None:
    async def ask(client: openai.AsyncOpenAI) -> dict[str, Any]:
        answer = await client.embeddings.create(model="direct", input=["a", "é"], **options)
        assert [each.embedding for each in answer.data] == [[1.0, 2.0], [1.0, 2.0]]
        return answer.model_dump()

    direct, through = await ask(up.sdk()), await ask(proxy.sdk(project))
    assert through == {**direct, "model": "a"}
    directly, waybills = up.asked
    assert waybills.body == directly.body.replace(b'"direct"', b'"up-a"')
    assert waybills.head.startswith(b"POST /v1/embeddings HTTP/1.1\r\n")
    row = proxy.row()
    assert (row.call_type, row.dialect, row.status, row.stream) == ("embedding", "openai_embeddings", "success", False)
    assert (row.usage, row.cost_nano_usd) == (Usage(input_tokens=8), 8_000)
    assert [event.call_type for event in proxy.events()] == ["embedding"] * 2


async def test_the_synchronous_sdk_sees_the_same(up: Provider, proxy: InProcess) -> None:
    def ask(url: str) -> Any:
        with sync_sdk(url) as client:
            return client.embeddings.create(model="m", input=["x"]).data

    assert await asyncio.to_thread(ask, proxy.url()) == await asyncio.to_thread(ask, up.url())


async def test_the_next_candidate_answers_for_one_that_fails(up: Provider, proxy: InProcess) -> None:
    up.on("a", failing(500))
    assert (await proxy.sdk().embeddings.create(model="m", input=["x"])).model == "b"


async def test_a_request_that_the_provider_refuses_is_the_clients_own_mistake(up: Provider, proxy: InProcess) -> None:
    up.on("a", failing(400))
    with pytest.raises(openai.BadRequestError, match="upstream says 400"):
        await proxy.sdk(max_retries=2).embeddings.create(model="m", input=["x"])
    assert len(up.asked) == 1


async def test_a_slow_embedder_times_out(up: Provider, proxy: InProcess) -> None:
    up.behaviours = dict.fromkeys(("up-a", "up-b"), hanging)
    with pytest.raises(openai.InternalServerError) as refused:
        await proxy.sdk(max_retries=2).embeddings.create(model="m", input=["x"])
    assert (refused.value.status_code, refused.value.code) == (504, "timeout")
    assert proxy.row().status == "timeout"


@pytest.mark.parametrize("given", ["", [], 7])
async def test_a_wrong_request_names_its_field(proxy: InProcess, given: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await proxy.sdk(max_retries=2).embeddings.create(model="m", input=given)
    assert refused.value.param == "input"
    assert proxy.row().status == "rejected"


async def test_output_limits_do_not_hold_embeddings_back(tmp_path: Path, up: Provider) -> None:
    """An embedding has no output: nothing is reserved for one."""
    limits = "limits:\n  rules: [{metric: output_tokens, value: 1, window: daily}]\n"
    Publisher(tmp_path).publish(configuration(up.port, project=limits))
    async with running(tmp_path) as proxy:
        for _ in range(3):
            await proxy.sdk().embeddings.create(model="m", input=["x"])
    assert b"max" not in up.asked[-1].body


async def test_a_simulated_embedder_gives_the_same_vectors_in_both_formats(tmp_path: Path) -> None:
    Publisher(tmp_path).publish({**configuration(9), "providers/up.yaml": b"kind: simulated\n"})
    async with running(tmp_path) as proxy:
        client = proxy.sdk()
        packed = await client.embeddings.create(model="m", input=["red apples", "boats"])
        plain = await client.embeddings.create(model="m", input=["red apples", "boats"], encoding_format="float")
    assert len(packed.data[0].embedding) == 256
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding)
    assert packed.usage == plain.usage


async def test_a_project_may_list_embedding_and_chat_models_side_by_side(tmp_path: Path) -> None:
    made = {**configuration(9), "providers/up.yaml": b"kind: simulated\n"}
    made["models/a.yaml"] += b"capabilities: {chat: false}\n"
    made["models/b.yaml"] += b"capabilities: {embeddings: false}\n"
    Publisher(tmp_path).publish(made)
    async with running(tmp_path) as proxy:
        client = proxy.sdk()
        answer = await client.chat.completions.create(model="a", messages=[{"role": "user", "content": "Hello"}])
        vectors = await client.embeddings.create(model="b", input="Hello")
    assert (answer.model, vectors.model) == ("b", "a")
