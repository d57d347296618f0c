"""The simulated provider: repeatable, like a real model on the wire, scripted failures included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from core.config import Model, Provider, SimulatedAnswer, Simulation
from proxy.dialects import openai_chat
from proxy.providers import endpoint
from proxy.providers.simulated import SimulatedExchange, Simulator
from proxy.providers.simulated_dice import Dice
from proxy.providers.simulated_script import Playwright, Script
from proxy.upstream import ConnectionLost, UpstreamTimeout

NEVER = float("inf")


def body(text: Any = "hi", **members: Any) -> bytes:
    return json.dumps({"model": "sim", "messages": [{"role": "user", "content": text}], **members}).encode()


def script(data: bytes, **settings: Any) -> Script:
    return Playwright("sim", Simulation(**settings)).script(data)


def completion(data: bytes, **settings: Any) -> ChatCompletion:
    said = script(data, **settings)
    assert said.status == 200
    return ChatCompletion.model_validate_json(b"".join(said.pieces))


def chunks(said: Script) -> list[ChatCompletionChunk]:
    events = b"".join(said.pieces).decode().split("\n\n")[:-1]
    assert events[-1] == "data: [DONE]"
    return [ChatCompletionChunk.model_validate_json(event[6:]) for event in events[:-1]]


def text_of(streamed: list[ChatCompletionChunk], index: int = 0) -> str:
    choices = [choice for chunk in streamed for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


def test_the_same_seed_and_request_give_the_same_script() -> None:
    settings = {"seed": 3, "latency_ms": 200.0, "latency_sigma": 0.5, "failure_rate": 0.3, "tokens_per_second": 50.0}
    for number in range(30):
        data = body(f"request {number}", stream=number % 2 == 0)
        assert script(data, **settings) == script(data, **settings)


def test_another_seed_or_request_gives_another_answer() -> None:
    answers = {completion(body(text), seed=seed).choices[0].message.content for text in "abcd" for seed in range(4)}
    assert len(answers) > 8


def test_an_answer_is_a_completion_with_plausible_usage() -> None:
    answer = completion(body("How are you today?"), output_tokens=12)
    assert (answer.model, answer.choices[0].finish_reason) == ("sim", "stop")
    assert len((answer.choices[0].message.content or "").split(" ")) == 12
    assert answer.usage is not None
    assert (answer.usage.completion_tokens, answer.usage.total_tokens) == (12, answer.usage.prompt_tokens + 12)
    assert 4 <= answer.usage.prompt_tokens <= 20


def test_a_stream_says_the_same_as_the_whole_answer() -> None:
    streamed = chunks(script(body(stream=True, stream_options={"include_usage": True}), output_tokens=7))
    assert streamed[0].choices[0].delta.role == "assistant"
    assert len(text_of(streamed).split(" ")) == 7
    assert len({chunk.id for chunk in streamed}) == 1
    assert streamed[-2].choices[0].finish_reason == "stop"
    assert streamed[-1].choices == []
    assert streamed[-1].usage is not None
    assert streamed[-1].usage.completion_tokens == 7


def test_usage_is_streamed_only_when_asked_for() -> None:
    assert all(chunk.usage is None for chunk in chunks(script(body(stream=True))))


@pytest.mark.parametrize("cap", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_cap_is_kept_and_said(cap: str, stream: bool) -> None:
    data = body(stream=stream, **{cap: 5})
    if stream:
        streamed = chunks(script(data))
        assert (len(text_of(streamed).split(" ")), streamed[-1].choices[0].finish_reason) == (5, "length")
    else:
        choice = completion(data).choices[0]
        assert (len((choice.message.content or "").split(" ")), choice.finish_reason) == (5, "length")


def test_a_long_answer_goes_round() -> None:
    answer = completion(body(), output_tokens=1_000)
    assert len((answer.choices[0].message.content or "").split(" ")) == 1_000


def test_n_answers() -> None:
    assert [choice.index for choice in completion(body(n=3)).choices] == [0, 1, 2]
    streamed = chunks(script(body(n=2, stream=True), output_tokens=3))
    assert text_of(streamed, 0) == text_of(streamed, 1) != ""


@pytest.mark.parametrize("form", ["json_object", "json_schema"])
def test_json_is_json(form: str) -> None:
    said = completion(body(response_format={"type": form, "json_schema": {"name": "x"}}), output_tokens=9)
    assert json.loads(said.choices[0].message.content or "")["answer"]
    assert said.usage is not None
    assert said.usage.completion_tokens == 9


CALL = SimulatedAnswer(when="weather", tool_call={"name": "get_weather", "arguments": {"city": "Zürich", "days": [1, 2]}})


def test_a_scripted_tool_call() -> None:
    choice = completion(body("the weather?"), answers=(CALL,)).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    [call] = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Zürich", "days": [1, 2]})
    streamed = chunks(script(body("the weather?", stream=True), answers=(CALL,)))
    pieces = [call.function for chunk in streamed for call in chunk.choices[0].delta.tool_calls or []]
    assert json.loads("".join(piece.arguments or "" for piece in pieces if piece))["city"] == "Zürich"
    assert streamed[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "content", ["what is two and two", [{"type": "text", "text": "two and"}, {"type": "image_url", "image_url": {"url": "x"}}]]
)
def test_scripted_text_is_said_as_it_is_written(content: Any) -> None:
    answers = (SimulatedAnswer(when="three", text="no"), SimulatedAnswer(when="two and", text='It is\n\n 4, "four".'))
    said = completion(body(content), answers=answers)
    assert said.choices[0].message.content == 'It is\n\n 4, "four".'
    assert text_of(chunks(script(body(content, stream=True), answers=answers))) == 'It is\n\n 4, "four".'


def test_a_script_looks_at_the_last_user_message_alone() -> None:
    messages = [
        {"role": "user", "content": "ping"},
        {"role": "assistant", "content": "ping"},
        {"role": "user", "content": "bye"},
    ]
    data = json.dumps({"model": "m", "messages": messages}).encode()
    answers = (SimulatedAnswer(when="ping", text="pong"),)
    assert completion(data, answers=answers).choices[0].message.content != "pong"


def test_an_empty_scripted_text_is_an_empty_answer() -> None:
    answers = (SimulatedAnswer(when="hi"),)
    assert completion(body(), answers=answers).choices[0].message.content == ""
    assert text_of(chunks(script(body(stream=True), answers=answers))) == ""


def test_scripted_failures() -> None:
    answers = (
        SimulatedAnswer(when="busy", status=429, retry_after_s=7),
        SimulatedAnswer(when="wrong", status=400, text="That is wrong."),
    )
    busy = script(body("busy"), answers=answers)
    assert (busy.status, dict(busy.headers)[b"retry-after"]) == (429, b"7")
    wrong = script(body("wrong", stream=True), answers=answers)
    assert (wrong.status, json.loads(wrong.pieces[0])["error"]["message"]) == (400, "That is wrong.")


def test_a_wrong_request_is_refused() -> None:
    refused = script(b'{"model":"m","messages":[],"n":100000}')
    assert (refused.status, json.loads(refused.pieces[0])["error"]["param"]) == (400, "n")


def test_failures_come_at_their_rate_and_in_every_kind() -> None:
    said = [script(body(f"{number}", stream=True), failure_rate=0.5) for number in range(1_000)]
    kinds = [script.status if not script.cut or not script.status else "cut" for script in said]
    assert 0.42 < 1 - kinds.count(200) / 1_000 < 0.58
    assert {0, 200, 429, 500, "cut"} == set(kinds)


def test_latency_is_spread_around_its_median() -> None:
    waits = sorted(script(body(f"{n}"), latency_ms=100.0, latency_sigma=0.5).first_s for n in range(1_000))
    assert 0.09 < waits[500] < 0.11
    assert waits[-1] > 0.25
    assert waits[0] > 0


def test_dice_are_even() -> None:
    dice = Dice(1, b"x")
    rolls = [dice.roll() for _ in range(10_000)]
    assert 0.48 < sum(rolls) / 10_000 < 0.52
    assert all(0 <= roll < 1 for roll in rolls)


# --- played on a clock --------------------------------------------------------------------------------------------------

SIM = endpoint("waybill/sim", Model(provider="s", upstream_name="sim"), "s", Provider(kind="simulated"), None)


async def play(data: bytes, by: float = NEVER, **settings: Any) -> SimulatedExchange:
    playing = Simulator("sim", Simulation(**{"output_tokens": 6, **settings}))
    return await playing.open(SIM.build(openai_chat.parse(data), {}), connect_timeout_s=1, by=by)


async def reads(exchange: SimulatedExchange) -> AsyncIterator[bytes]:
    while data := await exchange.read(NEVER):
        yield data


async def test_without_delays_a_stream_comes_in_one_read_and_relays() -> None:
    relay = SIM.relay(openai_chat.parse(body(stream=True)))
    exchange = await play(body(stream=True))
    out = relay.feed(await exchange.read(NEVER))
    assert exchange.ended
    assert await exchange.read(NEVER) == b""
    assert relay.ended
    assert relay.usage is not None
    assert relay.usage.output_tokens == 6
    events = (out + relay.tail).decode().split("\n\n")[:-2]
    streamed = [ChatCompletionChunk.model_validate_json(event[6:]) for event in events]
    assert {chunk.model for chunk in streamed} == {"waybill/sim"}
    assert all(chunk.choices for chunk in streamed)


async def test_tokens_come_at_their_pace() -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    exchange = await play(body(stream=True), latency_ms=500.0, tokens_per_second=100.0, output_tokens=10)
    assert loop.time() - started < 0.45  # the head comes at once
    times = [loop.time() - started async for _ in reads(exchange)]
    assert times[0] >= 0.495
    assert len(times) >= 3
    assert 0.58 <= times[-1] < 10.0


async def test_a_whole_answer_takes_as_long_as_its_stream() -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    exchange = await play(body(), latency_ms=20.0, tokens_per_second=200.0, output_tokens=10)
    assert loop.time() - started >= 0.065
    assert json.loads(await exchange.read(NEVER))["usage"]["completion_tokens"] == 10


@pytest.mark.parametrize(("stream", "phase"), [(False, "headers"), (True, "body")])
async def test_the_deadline_holds(stream: bool, phase: str) -> None:
    by = asyncio.get_running_loop().time() + 0.02
    with pytest.raises(UpstreamTimeout) as late:
        await (await play(body(stream=stream), by, latency_ms=60_000.0)).read(by)
    assert late.value.phase == phase


async def test_a_stream_is_cut_after_its_chunks() -> None:
    answers = (SimulatedAnswer(when="hi", text="one two three four", fail_after_chunks=2),)
    exchange = await play(body(stream=True), answers=answers)
    data = await exchange.read(NEVER)
    assert (data.count(b"one"), data.count(b"two"), data.count(b"three"), data.count(b"[DONE]")) == (1, 1, 0, 0)
    assert not exchange.ended
    with pytest.raises(ConnectionLost):
        await exchange.read(NEVER)


async def test_a_connection_may_be_lost_before_its_answer() -> None:
    requests = [SIM.build(openai_chat.parse(body(f"{number}")), {}) for number in range(100)]
    lost = next(request for request in requests if not script(request.body, failure_rate=1.0).status)
    with pytest.raises(ConnectionLost):
        await Simulator("sim", Simulation(failure_rate=1.0)).open(lost, connect_timeout_s=1, by=NEVER)


async def test_nothing_is_read_of_a_closed_exchange() -> None:
    exchange = await play(body(stream=True), latency_ms=60_000.0)
    exchange.close()
    with pytest.raises(ConnectionLost):
        await exchange.read(NEVER)
