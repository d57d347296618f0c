"""Policies that ask a model: what is asked, what becomes of the answer, and that each call is booked as one of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from core.events import RequestFinished
from tests.proxy.product import (
    Asked,
    Behaviour,
    InProcess,
    Provider,
    Publisher,
    configuration,
    failing,
    hanging,
    provider,
    running,
    well,
    whole,
)
from tests.proxy.servers import until

LLM = "[{kind: llm, model: j, fallback_models: [k]%s}]"
INTENTS = """\
policies:
  - kind: semantic-intent
    embedding_model: e
    intents:
      billing: {examples: [Where is my invoice?, I was charged twice], models: [b]}
      Small Talk: {examples: [Hello], models: [a]}
"""


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        made.on("a", well)
        made.on("b", well)
        yield made


def files(up: Provider, policies: str, project: str = "") -> dict[str, bytes]:
    """Models a and b in the project; j and k, who judge, and e, who embeds, only registered."""
    found = configuration(up.port, policies=policies, project=project)
    for model in ("j", "k", "e"):
        found[f"models/{model}.yaml"] = f"provider: up\nupstream_name: up-{model}\nprices: {{input: 1, output: 2}}\n".encode()
    return found


def saying(text: str) -> Behaviour:
    async def behave(asked: Asked) -> None:
        await asked.answer(whole(asked.json["model"], text))

    return behave


def judging(**points: float) -> Behaviour:
    return saying(json.dumps({"routing": [{"model": model, "point": point} for model, point in points.items()]}))


async def embedding(asked: Asked) -> None:
    """A plane of two directions: money, and everything else."""
    data = [
        {"object": "embedding", "index": at, "embedding": [1.0, 0.1] if "nvoice" in text or "charged" in text else [0.0, 1.0]}
        for at, text in enumerate(asked.json["input"])
    ]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    await asked.answer(json.dumps({"object": "list", "data": data, "model": "up-e", "usage": usage}).encode())


async def chat(proxy: InProcess, text: str = "Hello") -> str:
    messages: list[Any] = [{"role": "system", "content": "Where is my invoice?"}, {"role": "user", "content": text}]
    return str((await proxy.sdk().chat.completions.create(model="x", messages=messages, max_tokens=50)).model)


def routing_rows(proxy: InProcess) -> list[RequestFinished]:
    return [row for row in proxy.finished() if row.call_type == "routing"]


def row(proxy: InProcess) -> RequestFinished:
    """The last request of a client."""
    return [row for row in proxy.finished() if row.call_type != "routing"][-1]


async def test_the_judges_points_decide_and_its_call_has_a_row_of_its_own(tmp_path: Path, up: Provider) -> None:
    up.on("j", judging(a=0.2, b=0.9))
    Publisher(tmp_path).publish(files(up, LLM % ", prompt: Prefer b for greetings"))
    async with running(tmp_path) as proxy:
        assert await chat(proxy) == "b"
        [judgement], request = routing_rows(proxy), row(proxy)
    asked = up.asked[0].json
    assert "Prefer b for greetings" in asked["messages"][0]["content"]
    assert "Hello" in asked["messages"][1]["content"]
    assert (judgement.cause, judgement.status, judgement.model, judgement.cost_nano_usd) == (request.id, "success", "j", 15_000)
    assert (judgement.project, judgement.token, judgement.revision) == (request.project, request.token, request.revision)
    assert request.cost_nano_usd == 15_000  # its own call alone
    assert request.decision is not None
    [outcome] = request.decision.policies
    assert (outcome.kind, outcome.scores) == ("llm", {"a": 0.2, "b": 0.9})


@pytest.mark.parametrize(("kind", "cap"), [("openai", "max_completion_tokens"), ("openai-compatible", "max_tokens")])
async def test_a_judges_answer_is_held_short_in_the_words_of_its_provider(
    tmp_path: Path, up: Provider, kind: str, cap: str
) -> None:
    """OpenAI's newer models answer 400 to `max_tokens`."""
    up.on("j", judging(b=1.0))
    found = files(up, LLM % ", max_completion_tokens: 99")
    found["providers/up.yaml"] = f"kind: {kind}\nbase_url: http://127.0.0.1:{up.port}/v1\n".encode()
    Publisher(tmp_path).publish(found)
    async with running(tmp_path) as proxy:
        assert await chat(proxy) == "b"
    asked = up.asked[0].json
    assert {name: asked[name] for name in asked if name.startswith("max_")} == {cap: 99}


async def test_a_judgement_is_remembered_for_the_same_question_alone(tmp_path: Path, up: Provider) -> None:
    up.on("j", judging(a=0.2, b=0.9))
    Publisher(tmp_path).publish(files(up, LLM % ""))
    async with running(tmp_path) as proxy:
        for text in ("Hello", "Hello", "Good bye"):
            assert await chat(proxy, text) == "b"
        assert len(routing_rows(proxy)) == 2


async def test_an_answer_that_cannot_be_read_is_mended_once_then_the_next_judge_is_asked(tmp_path: Path, up: Provider) -> None:
    up.on("j", saying("I like b"))
    up.on("k", judging(b=1.0))
    Publisher(tmp_path).publish(files(up, LLM % ""))
    async with running(tmp_path) as proxy:
        assert await chat(proxy) == "b"
        assert [row.model for row in routing_rows(proxy)] == ["j", "j", "k"]
        decision = row(proxy).decision
    assert "I like b" in json.dumps(up.asked[1].json)
    assert decision is not None
    assert decision.policies[0].scores == {"a": 0.5, "b": 1.0}


async def test_where_no_judge_answers_in_time_the_policy_has_failed_and_the_request_goes_on(
    tmp_path: Path, up: Provider
) -> None:
    up.on("j", failing(500))
    up.on("k", hanging)
    Publisher(tmp_path).publish(files(up, LLM % ", timeout_ms: 200"))
    async with running(tmp_path) as proxy:
        assert await chat(proxy) == "a"
        assert [(row.model, row.status) for row in routing_rows(proxy)] == [("j", "error"), ("k", "timeout")]
        decision = row(proxy).decision
    assert decision is not None
    assert "500" in decision.policies[0].failed


async def test_a_judge_without_room_under_the_tokens_limits_is_not_asked(tmp_path: Path, up: Provider) -> None:
    found = files(up, LLM % "")
    for model in ("j", "k"):
        found[f"models/{model}.yaml"] += b"limits: {rules: [{metric: calls, value: 0, window: daily}]}\n"
    Publisher(tmp_path).publish(found)
    async with running(tmp_path) as proxy:
        assert await chat(proxy) == "a"
        assert routing_rows(proxy) == []
        decision = row(proxy).decision
    assert decision is not None
    assert "0 of 0 used" in decision.policies[0].failed


async def test_a_judges_call_counts_in_the_limits_of_the_token(tmp_path: Path, up: Provider) -> None:
    up.on("j", judging(b=1.0))
    limits = "limits: {rules: [{metric: calls, value: 3, window: daily}]}\n"
    Publisher(tmp_path).publish(files(up, LLM % ", cache_ttl_seconds: 0", limits))
    async with running(tmp_path) as proxy:
        assert await chat(proxy) == "b"
        # The judge takes the third call; for the request itself nothing is left.
        with pytest.raises(openai.RateLimitError, match="3 of 3 used"):
            await chat(proxy)


async def test_a_client_that_leaves_ends_the_judges_call_too(tmp_path: Path, up: Provider) -> None:
    up.on("j", hanging)
    Publisher(tmp_path).publish(files(up, LLM % ""))
    async with running(tmp_path) as proxy:
        asking = asyncio.create_task(chat(proxy))
        await until(lambda: up.asked)
        asking.cancel()
        await until(lambda: len(proxy.finished()) == 2)
        assert [(row.call_type, row.status) for row in proxy.finished()] == [
            ("routing", "cancelled"), ("completion", "cancelled"),
        ]  # fmt: skip


async def test_requests_go_to_the_models_for_what_their_user_said_last(tmp_path: Path, up: Provider) -> None:
    up.on("e", embedding)
    found = files(up, "[]")
    found["projects/p/routing.yaml"] = ("models: [{id: a}, {id: b}]\n" + INTENTS).encode()
    Publisher(tmp_path).publish(found)
    async with running(tmp_path) as proxy:
        assert await chat(proxy, "My invoice is wrong") == "b"
        assert await chat(proxy, "How are you?") == "a"
        decision = row(proxy).decision
        assert [row.call_type for row in routing_rows(proxy)] == ["routing"] * 3
    assert [len(asked.json["input"]) for asked in up.asked if asked.json["model"] == "up-e"] == [3, 1, 1]
    assert decision is not None
    assert decision.policies[0].excluded == {"b": "it is not for small_talk"}


async def test_without_embeddings_every_model_scores_alike_and_nobody_asks_again_at_once(tmp_path: Path, up: Provider) -> None:
    up.on("e", failing(500))
    found = files(up, "[]")
    found["projects/p/routing.yaml"] = ("models: [{id: a}, {id: b}]\n" + INTENTS).encode()
    Publisher(tmp_path).publish(found)
    async with running(tmp_path) as proxy:
        assert await chat(proxy, "My invoice is wrong") == "a"
        assert await chat(proxy, "My invoice is wrong") == "a"
        assert len(routing_rows(proxy)) == 1
        decision = row(proxy).decision
    assert decision is not None
    assert decision.policies[0].scores == {"a": 1.0, "b": 1.0}
