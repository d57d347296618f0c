"""Simulated models in Anthropic's dialect and as embedders: repeatable, scripted, and what the official SDKs' types take."""

from __future__ import annotations

import json
import math
import struct
from base64 import b64decode
from typing import Any

import pytest
from anthropic.types import Message
from msgspec import Raw
from openai.types import CreateEmbeddingResponse

from core.config import SimulatedAnswer, Simulation
from proxy.providers.anthropic_stream import MessageRelay
from proxy.providers.simulated_script import Playwright, Script


def body(text: Any = "hi", **members: Any) -> bytes:
    given = {"model": "sim", "max_tokens": 1_000, "messages": [{"role": "user", "content": text}], **members}
    return json.dumps(given).encode()


def script(data: bytes, **settings: Any) -> Script:
    return Playwright("sim", Simulation(**settings)).script(data, "anthropic")


def message(data: bytes, **settings: Any) -> Message:
    said = script(data, **settings)
    assert said.status == 200
    return Message.model_validate_json(b"".join(said.pieces))


def events(said: Script) -> list[dict[str, Any]]:
    found = []
    for each in b"".join(said.pieces).decode().split("\n\n")[:-1]:
        name, data = each.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def said_by(streamed: list[dict[str, Any]], kind: str, member: str) -> str:
    deltas = [each["delta"] for each in streamed if each["type"] == "content_block_delta"]
    return "".join(delta[member] for delta in deltas if delta["type"] == kind)


def text_of(answer: Message) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


def test_the_same_seed_and_request_give_the_same_script() -> None:
    settings = {"seed": 3, "latency_ms": 200.0, "latency_sigma": 0.5, "failure_rate": 0.3, "tokens_per_second": 50.0}
    for number in range(20):
        data = body(f"request {number}", stream=number % 2 == 0)
        assert script(data, **settings) == script(data, **settings)


def test_an_answer_is_a_message_with_plausible_usage() -> None:
    answer = message(body("How are you today?"), output_tokens=12)
    assert (answer.model, answer.stop_reason, answer.role) == ("sim", "end_turn", "assistant")
    assert len(text_of(answer).split(" ")) == 12
    assert answer.usage.output_tokens == 12
    assert 4 <= answer.usage.input_tokens <= 20


@pytest.mark.parametrize("pace", [0.0, 1_000.0])
def test_a_stream_has_the_dialects_events_and_is_relayed(pace: float) -> None:
    said = script(body(stream=True), output_tokens=7, tokens_per_second=pace)
    streamed = events(said)
    kinds = [each["type"] for each in streamed]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[3:-3] == ["content_block_delta"] * 7
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert len(said_by(streamed, "text_delta", "text").split(" ")) == 7
    assert len(said.pieces) == (8 if pace else 1)
    relay = MessageRelay(Raw(b'"w"'))
    for piece in said.pieces:
        relay.feed(piece)
    assert relay.ended
    assert relay.usage is not None
    assert (relay.usage.output_tokens, relay.usage.input_tokens > 0) == (7, True)


@pytest.mark.parametrize("stream", [False, True])
def test_the_cap_is_kept_and_said(stream: bool) -> None:
    data = body(stream=stream, max_tokens=5)
    if stream:
        streamed = events(script(data))
        assert len(said_by(streamed, "text_delta", "text").split(" ")) == 5
        assert streamed[-2]["delta"]["stop_reason"] == "max_tokens"
    else:
        answer = message(data)
        assert (len(text_of(answer).split(" ")), answer.stop_reason) == (5, "max_tokens")


CALL = SimulatedAnswer(when="weather", tool_call={"name": "get_weather", "arguments": {"city": "Zürich", "days": [1, 2]}})


def test_a_scripted_tool_call() -> None:
    answer = message(body("the weather?"), answers=(CALL,))
    [block] = answer.content
    assert block.type == "tool_use"
    assert (block.name, block.input, answer.stop_reason) == ("get_weather", {"city": "Zürich", "days": [1, 2]}, "tool_use")
    streamed = events(script(body("the weather?", stream=True), answers=(CALL,)))
    assert json.loads(said_by(streamed, "input_json_delta", "partial_json")) == block.input
    [opened] = [each["content_block"] for each in streamed if each["type"] == "content_block_start"]
    assert (opened["name"], opened["id"], opened["input"]) == (block.name, block.id, {})


@pytest.mark.parametrize("kind", ["enabled", "adaptive"])
def test_it_thinks_when_told_to(kind: str) -> None:
    thinking = {"type": kind, "budget_tokens": 1_024}
    answer = message(body(thinking=thinking), output_tokens=5)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.usage.output_tokens == 13
    streamed = events(script(body(thinking=thinking, stream=True), output_tokens=5))
    assert said_by(streamed, "thinking_delta", "thinking") == getattr(answer.content[0], "thinking", "")
    assert said_by(streamed, "signature_delta", "signature") == getattr(answer.content[0], "signature", "")
    assert [each["index"] for each in streamed if each["type"] == "content_block_start"] == [0, 1]
    assert message(body(thinking={"type": "disabled"})).content[0].type == "text"


def test_json_is_json() -> None:
    config = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert json.loads(text_of(message(body(output_config=config), output_tokens=9)))["answer"]


@pytest.mark.parametrize("content", ["two and two", [{"type": "text", "text": "two and"}, {"type": "image", "source": {}}]])
def test_scripted_text_is_said_as_it_is_written(content: Any) -> None:
    answers = (SimulatedAnswer(when="two and", text='It is\n\n 4, "four".'),)
    assert text_of(message(body(content), answers=answers)) == 'It is\n\n 4, "four".'
    streamed = events(script(body(content, stream=True), answers=answers))
    assert said_by(streamed, "text_delta", "text") == 'It is\n\n 4, "four".'


def test_an_empty_scripted_text_is_an_empty_answer() -> None:
    answers = (SimulatedAnswer(when="hi"),)
    assert text_of(message(body(), answers=answers)) == ""
    kinds = [each["type"] for each in events(script(body(stream=True), answers=answers))]
    assert kinds[2:] == ["content_block_start", "content_block_stop", "message_delta", "message_stop"]


def test_scripted_failures_are_said_in_the_dialect() -> None:
    answers = (
        SimulatedAnswer(when="busy", status=429, retry_after_s=7),
        SimulatedAnswer(when="wrong", status=400, text="That is wrong."),
        SimulatedAnswer(when="cut", text="one two three four", fail_after_chunks=2),
    )
    busy = script(body("busy"), answers=answers)
    assert (busy.status, dict(busy.headers)[b"retry-after"]) == (429, b"7")
    assert json.loads(busy.pieces[0])["error"]["type"] == "rate_limit_error"
    wrong = json.loads(script(body("wrong", stream=True), answers=answers).pieces[0])
    assert wrong == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "That is wrong."},
        "request_id": wrong["request_id"],
    }
    assert wrong["request_id"].startswith("req_")
    cut = script(body("cut", stream=True), answers=answers)
    data = b"".join(cut.pieces)
    assert (cut.cut, b"two" in data, b"three" in data, b"message_stop" in data) == (True, True, False, False)


def test_a_wrong_request_is_refused() -> None:
    refused = script(b'{"model":"m","messages":[]}')
    assert (refused.status, json.loads(refused.pieces[0])["error"]["type"]) == (400, "invalid_request_error")


# --- embeddings ---------------------------------------------------------------------------------------------------------


def embedded(text: Any, **members: Any) -> CreateEmbeddingResponse:
    data = json.dumps({"model": "sim", "input": text, **members}).encode()
    said = Playwright("sim", Simulation(seed=1, tokens_per_second=1.0)).script(data, "openai_embeddings")
    assert (said.status, said.first_s) == (200, 0.0)
    return CreateEmbeddingResponse.model_validate_json(said.pieces[0])


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_text_has_one_vector_of_length_1_wherever_it_stands() -> None:
    alone = embedded("red apples").data[0].embedding
    assert len(alone) == 256
    assert math.isclose(cosine(alone, alone), 1.0, rel_tol=1e-6)
    together = embedded(["blue", "red apples"])
    assert [each.index for each in together.data] == [0, 1]
    assert together.data[1].embedding == alone
    assert together.usage.prompt_tokens == together.usage.total_tokens > 0


def test_texts_that_share_words_are_near() -> None:
    first, near, far = (each.embedding for each in embedded(["reset my password", "my password is lost", "boats sail"]).data)
    assert cosine(first, near) > 0.4 > 0.2 > cosine(first, far)


def test_base64_is_the_same_vector_and_dimensions_are_kept() -> None:
    plain = embedded("a b c", dimensions=7).data[0].embedding
    data = b'{"model":"sim","input":"a b c","dimensions":7,"encoding_format":"base64"}'
    packed = json.loads(Playwright("sim", Simulation()).script(data, "openai_embeddings").pieces[0])["data"][0]["embedding"]
    assert struct.unpack("<7f", b64decode(packed)) == pytest.approx(plain)


@pytest.mark.parametrize(("given", "count"), [("a", 1), ([1, 2, 3], 1), ([[1, 2], [3]], 2), (["a", "b"], 2), (" ", 1)])
def test_inputs_of_every_form(given: Any, count: int) -> None:
    assert len(embedded(given).data) == count


@pytest.mark.parametrize(
    "members", [{"input": ""}, {"input": []}, {"input": "a", "dimensions": 0}, {"input": "a", "encoding_format": "x"}]
)
def test_a_wrong_request_for_embeddings_is_refused(members: dict[str, Any]) -> None:
    data = json.dumps({"model": "sim", **members}).encode()
    assert Playwright("sim", Simulation()).script(data, "openai_embeddings").status == 400


def test_embedders_fail_as_they_are_told() -> None:
    busy = SimulatedAnswer(when="busy", status=429)
    made = Playwright("sim", Simulation(answers=(busy,)))
    assert made.script(b'{"model":"m","input":["too busy"]}', "openai_embeddings").status == 429
