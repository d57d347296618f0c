"""Limits on the path: who is let in, what is reserved upstream, what a refusal says, and what survives."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from core.events import RequestAdmitted, RequestFinished
from core.facts import decode_chat
from tests.proxy.product import (
    HELLO,
    Asked,
    Provider,
    Publisher,
    configuration,
    failing,
    hanging,
    provider,
    running,
    subprocess_proxy,
    well,
    whole,
)
from tests.proxy.servers import until

WELL_NANO_USD = 9 * 1_000 + 3 * 2_000  # what one answer of `well` costs: 9 tokens in at 1 USD a million, 3 out at 2


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


def limited(*rules: str) -> str:
    return "limits:\n  rules:\n" + "".join(f"    - {{{rule}}}\n" for rule in rules)


async def chat(proxy: Any, **more: Any) -> Any:
    return await proxy.sdk().chat.completions.create(**{"model": "x", "messages": HELLO, "max_tokens": 100, **more})


def admissions(proxy: Any) -> list[RequestAdmitted]:
    return [event for event in proxy.events() if isinstance(event, RequestAdmitted)]


async def refusal(proxy: Any, **more: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        await chat(proxy, **more)
    return caught.value


async def test_of_200_at_once_exactly_the_limits_ten_are_let_in(tmp_path: Path, up: Provider) -> None:
    release = asyncio.Event()

    async def when_released(asked: Asked) -> None:
        await release.wait()
        await well(asked)

    up.on("a", when_released)
    Publisher(tmp_path).publish(configuration(up.port, ("a",), project=limited("metric: calls, value: 10, window: daily")))
    async with running(tmp_path) as proxy:
        asking = [asyncio.create_task(chat(proxy)) for _ in range(200)]
        await until(lambda: sum(task.done() for task in asking) == 190)
        refused = [task.exception() for task in asking if task.done()]
        assert {type(error) for error in refused} == {openai.RateLimitError}
        # Room that only requests in flight take is worth another try.
        assert {(error.code, error.response.headers["retry-after"]) for error in refused} == {("rate_limit_exceeded", "1")}  # type: ignore[union-attr]
        release.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert sum(not isinstance(answer, BaseException) for answer in answers) == 10
        assert len(up.asked) == 10
        error = await refusal(proxy)
    assert (error.status_code, error.type, error.code) == (429, "insufficient_quota", "budget_exceeded")
    assert error.response.headers["x-should-retry"] == "false"
    assert "10 of 10 used" in error.message


async def test_no_admission_exceeds_a_dollar_whatever_sizes_and_failures_come(tmp_path: Path, up: Provider) -> None:
    dice = random.Random(7)

    async def sometimes(asked: Asked) -> None:
        fate = dice.random()
        if fate < 0.2:
            await failing(500)(asked)
        elif fate < 0.3:
            asked.writer.close()
        else:
            usage = {"prompt_tokens": 9, "completion_tokens": dice.randrange(asked.json["max_tokens"])}
            await asked.answer(whole(asked.json["model"], usage={**usage, "total_tokens": sum(usage.values())}))

    up.on("a", sometimes)
    up.on("b", sometimes)
    # 2 USD for a million tokens of output: 10,000 of them are two cents.
    Publisher(tmp_path).publish(configuration(up.port, project=limited("metric: cost, value: 0.5, window: monthly")))
    async with running(tmp_path) as proxy:

        async def one() -> None:
            with contextlib.suppress(openai.APIError):
                await chat(proxy, max_tokens=dice.randrange(1, 10_000))

        for _ in range(10):
            await asyncio.gather(*[one() for _ in range(20)])
        finished = proxy.finished()
        events = proxy.events()
    assert sum(row.status == "budget_exceeded" for row in finished) > 5
    used, held = 0, {}
    for event in events:
        if isinstance(event, RequestAdmitted):
            held[event.id] = event.reserved["cost"] + sum(spent["cost"] for spent in event.spent.values())
            assert used + sum(held.values()) <= 500_000_000
        elif isinstance(event, RequestFinished) and held.pop(event.id, None) is not None:
            used += event.cost_nano_usd or 0
    assert used == sum(row.cost_nano_usd or 0 for row in finished)
    assert used > 400_000_000


async def test_one_after_another_a_limit_of_50_reserves_is_used_to_95_percent(tmp_path: Path, up: Provider) -> None:
    up.on("a", well)
    # "Hello" is bound by 5 bytes + 16 for the message; 100 tokens of output at 2 USD a million: 221,000 nano-USD.
    Publisher(tmp_path).publish(configuration(up.port, ("a",), project=limited("metric: cost, value: 0.01105, window: daily")))
    async with running(tmp_path) as proxy:
        for _ in range(1_000):
            try:
                await chat(proxy)
            except openai.RateLimitError:
                break
        admitted, finished = admissions(proxy), proxy.finished()
    assert {event.reserved["cost"] for event in admitted} == {221_000}
    used = sum(row.cost_nano_usd or 0 for row in finished)
    assert used == WELL_NANO_USD * len(admitted)
    assert 0.95 * 11_050_000 <= used <= 11_050_000


async def test_the_cap_that_a_reserve_rests_on_goes_upstream_and_shrinks_to_what_fits(tmp_path: Path, up: Provider) -> None:
    up.on("a", well)
    files = configuration(
        up.port,
        ("a",),
        project=limited("metric: output_tokens, value: 1000, window: daily") + "default_max_output_tokens: 700\n",
    )
    Publisher(tmp_path).publish(files)
    async with running(tmp_path) as proxy:
        assert await proxy.sdk().chat.completions.create(model="x", messages=HELLO)
        release = asyncio.Event()

        async def when_released(asked: Asked) -> None:
            await release.wait()
            await well(asked)

        up.on("a", when_released)
        first = asyncio.create_task(proxy.sdk().chat.completions.create(model="x", messages=HELLO))
        await until(lambda: len(up.asked) == 2)
        second = asyncio.create_task(proxy.sdk().chat.completions.create(model="x", messages=HELLO))
        await until(lambda: len(up.asked) == 3)
        third = await refusal(proxy, max_tokens=openai.NOT_GIVEN)
        release.set()
        await asyncio.gather(first, second)
    # 1,000; then 997 less 700 in flight leave 297; then nothing is left.
    assert [asked.json["max_tokens"] for asked in up.asked] == [700, 700, 297]
    assert third.code == "rate_limit_exceeded"


async def test_a_model_without_room_is_passed_over_and_the_trace_says_why(tmp_path: Path, up: Provider) -> None:
    up.on("a", well)
    up.on("b", well)
    files = configuration(up.port)
    files["models/a.yaml"] += limited("metric: output_tokens, value: 300, window: daily").encode()
    Publisher(tmp_path).publish(files)
    async with running(tmp_path) as proxy:
        assert (await chat(proxy, max_tokens=400)).model == "b"
        assert (await chat(proxy, max_tokens=200)).model == "a"
        row = proxy.finished()[0]
    assert [(attempt.model, attempt.status) for attempt in row.attempts] == [("a", "skipped"), ("b", "success")]
    assert row.attempts[0].error == (
        "the daily output token limit of model a has too little left: "
        "0 of 300 used, this request may need 400, whenever it is asked"
    )


async def test_an_exact_count_takes_the_place_of_the_bound_before_a_refusal(tmp_path: Path, up: Provider) -> None:
    files = configuration(up.port, ("a",), project=limited("metric: input_tokens, value: 60, window: daily"))
    files["models/a.yaml"] = b"provider: up\nupstream_name: gpt-4o\nprices: {input: 1, output: 2}\n"
    Publisher(tmp_path).publish(files)
    words: Any = [{"role": "user", "content": "word " * 40}]  # 200 bytes and 16: above 60; 41 tokens and 7: below
    warm = decode_chat(b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}')
    async with running(tmp_path) as proxy:
        while await proxy.process._tokenizers.count("openai", "gpt-4o", warm) is None:
            continue  # its process takes longer to start where much else runs
        await chat(proxy, messages=words)
        await chat(proxy, messages=words)
        error = await refusal(proxy, messages=words)  # each used 9: 42 are left
        admitted, row = admissions(proxy), proxy.finished()[0]
    assert [event.reserved["input_tokens"] for event in admitted] == [48, 48]
    assert [attempt.status for attempt in row.attempts] == ["success"]
    assert error.code == "budget_exceeded"


async def test_a_fallback_moves_what_is_reserved_and_keeps_what_the_failure_cost(tmp_path: Path, up: Provider) -> None:
    up.on("a", failing(500))
    up.on("b", well)
    Publisher(tmp_path).publish(configuration(up.port, project=limited("metric: calls, value: 3, window: daily")))
    async with running(tmp_path) as proxy:
        for _ in range(3):
            assert (await chat(proxy)).model == "b"
        error = await refusal(proxy)
        rows = proxy.finished()
        admitted = admissions(proxy)
    assert (error.code, len(up.asked)) == ("budget_exceeded", 6)
    assert [event.model for event in admitted] == ["a", "b"] * 3
    assert [row.status for row in rows] == ["success"] * 3 + ["budget_exceeded"]


async def test_a_failed_request_gives_its_call_back(tmp_path: Path, up: Provider) -> None:
    up.on("a", failing(500))
    Publisher(tmp_path).publish(configuration(up.port, ("a",), project=limited("metric: calls, value: 1, window: daily")))
    async with running(tmp_path) as proxy:
        for _ in range(3):
            assert (await refusal(proxy)).code == "all_models_failed"
        up.on("a", well)
        await chat(proxy)
        assert (await refusal(proxy)).code == "budget_exceeded"


CASES = {
    "cost": (
        "metric: cost, value: 0.000001, window: daily",
        "insufficient_quota",
        "budget_exceeded",
        "cost limit of project p",
    ),
    "calls": ("metric: calls, value: 0, window: daily", "insufficient_quota", "budget_exceeded", "0 of 0 used"),
    "tokens": ("metric: total_tokens, value: 50, window: hourly", "insufficient_quota", "budget_exceeded", "token limit"),
    "rolling": (
        "metric: input_tokens, value: 5, window: {rolling: 2, unit: days}",
        "insufficient_quota",
        "budget_exceeded",
        "input token",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_limit_refuses_in_the_sdks_own_class(case: str, stream: bool, tmp_path: Path, up: Provider) -> None:
    rule, kind, code, said = CASES[case]
    Publisher(tmp_path).publish(configuration(up.port, project=limited(rule)))
    async with running(tmp_path) as proxy:
        error = await refusal(proxy, stream=stream)
        row = proxy.row()
    assert isinstance(error, openai.RateLimitError)
    assert (error.type, error.code, error.response.headers["x-should-retry"]) == (kind, code, "false")
    assert said in error.message
    assert up.asked == []
    assert (row.status, row.attempts == () or {a.status for a in row.attempts} == {"skipped"}) == ("budget_exceeded", True)


async def test_policies_and_limits_together_are_no_limit_refusal(tmp_path: Path, up: Provider) -> None:
    files = configuration(up.port, policies="[{kind: capability}]")
    files["models/a.yaml"] += b"capabilities: {vision: false}\n"
    files["models/b.yaml"] += limited("metric: calls, value: 0, window: daily").encode()
    Publisher(tmp_path).publish(files)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    async with running(tmp_path) as proxy:
        error = await refusal(proxy, messages=[{"role": "user", "content": [image]}])
        assert (error.status_code, error.code, proxy.row().status) == (503, "no_model_available", "rejected")


async def test_a_model_without_a_price_is_refused_under_a_cost_limit_unless_it_is_allowed(tmp_path: Path, up: Provider) -> None:
    up.on("a", well)
    files = configuration(up.port, ("a",), project=limited("metric: cost, value: 5, window: daily"))
    files["models/a.yaml"] = b"provider: up\nupstream_name: up-a\n"
    publisher = Publisher(tmp_path)
    publisher.publish(files)
    async with running(tmp_path) as proxy:
        assert (await refusal(proxy)).code == "no_model_available"
        revision = publisher.publish({**files, "models/a.yaml": files["models/a.yaml"] + b"unpriced: allow\n"})
        await until(lambda: proxy.process._revision() == revision)
        await chat(proxy)
        assert proxy.finished()[-1].cost_nano_usd is None


async def test_counts_survive_a_kill_and_what_was_in_flight_is_booked_at_its_reserve(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(
        configuration(up.port, ("a",), project=limited("metric: output_tokens, value: 210, window: daily"))
    )
    up.on("a", well)
    async with subprocess_proxy(tmp_path) as proxy:
        await chat(proxy)
        up.on("a", hanging)
        asking = asyncio.create_task(chat(proxy))
        await until(lambda: len(up.asked) == 2)
        proxy.process.kill()
        with pytest.raises(openai.APIConnectionError):
            await asking
    up.on("a", well)
    async with subprocess_proxy(tmp_path) as proxy:
        # 3 used, 100 of the one that died: 107 are left.
        assert (await refusal(proxy, max_tokens=108)).code == "budget_exceeded"
        await chat(proxy, max_tokens=107)
        crashed = next(row for row in proxy.finished() if row.error_code == "crashed")
    assert (crashed.model, crashed.usage.output_tokens if crashed.usage else None) == ("a", 100)


async def test_a_limit_added_by_a_reload_counts_what_is_in_flight_and_what_was_used(tmp_path: Path, up: Provider) -> None:
    """A fresh proxy knows all that was ever used: no opening balance is needed."""
    publisher = Publisher(tmp_path)
    publisher.publish(configuration(up.port, ("a",)))
    up.on("a", hanging)
    async with running(tmp_path) as proxy:
        asking = asyncio.create_task(chat(proxy))
        await until(lambda: up.asked)
        files = configuration(up.port, ("a",), project=limited("metric: calls, value: 2, window: daily"))
        revision = publisher.publish(files)
        await until(lambda: proxy.process._revision() == revision)
        up.on("a", well)
        await chat(proxy)
        assert (await refusal(proxy)).code == "rate_limit_exceeded"
        asking.cancel()
        await asyncio.wait((asking,))
        await until(lambda: proxy.process.metrics.active == 0)
        # The one that was given up has used its prompt, which costs: its call stays.
        assert (await refusal(proxy)).code == "budget_exceeded"


async def test_editing_a_limit_forgets_nothing(tmp_path: Path, up: Provider) -> None:
    up.on("a", well)
    publisher = Publisher(tmp_path)

    def with_calls(value: int) -> dict[str, bytes]:
        return configuration(up.port, ("a",), project=limited(f"metric: calls, value: {value}, window: daily"))

    publisher.publish(with_calls(2))
    async with running(tmp_path) as proxy:
        await chat(proxy)
        await chat(proxy)
        for value, code in ((1, "budget_exceeded"), (3, None), (3, "budget_exceeded")):
            revision = publisher.publish(with_calls(value)) if proxy.process._revision() else ""
            await until(lambda wanted=revision: proxy.process._revision() == wanted)
            if code is None:
                await chat(proxy)
            else:
                assert (await refusal(proxy)).code == code
