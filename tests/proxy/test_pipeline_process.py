"""The proxy as a process: killed, stopped, out of disk. Nothing is lost, nothing doubled, and it says what it does."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from core.events import RequestAdmitted, RequestFinished
from tests.proxy.kills import Load, check_kill
from tests.proxy.product import (
    DONE,
    HELLO,
    Asked,
    Provider,
    Publisher,
    Subprocess,
    configuration,
    event,
    hanging,
    journalled,
    provider,
    role,
    streaming,
    subprocess_proxy,
    word,
)
from tests.proxy.servers import until


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


async def chat(proxy: Subprocess, **more: Any) -> Any:
    return await proxy.sdk(**more).chat.completions.create(model="x", messages=HELLO)


async def readiness(proxy: Subprocess) -> tuple[int, str]:
    """The status of /readyz and its reason."""
    async with httpx.AsyncClient(verify=False) as ops:
        answer = await ops.get(f"http://127.0.0.1:{proxy.ops_port}/readyz")
    return answer.status_code, answer.json().get("reason", "")


# --- killed -------------------------------------------------------------------------------------------------------------


async def test_kills_under_load_lose_no_ended_answer_and_double_none(tmp_path: Path, up: Provider) -> None:
    up.on("b", streaming(role(), word("One"), event(finish="stop"), DONE))
    Publisher(tmp_path).publish(configuration(up.port))
    load = Load()
    for kill in range(3):
        async with subprocess_proxy(tmp_path) as proxy:
            await load.run_until_killed(proxy, after_s=0.3 + 0.1 * kill)
    assert len(load.ended) > 30
    await check_kill(tmp_path, load)


async def test_a_request_that_was_in_flight_is_ended_as_crashed_once(tmp_path: Path, up: Provider) -> None:
    up.on("a", hanging)
    Publisher(tmp_path).publish(configuration(up.port))
    async with subprocess_proxy(tmp_path) as proxy:
        asking = asyncio.create_task(chat(proxy))
        await until(lambda: up.asked)
        proxy.process.kill()
        with pytest.raises(openai.APIConnectionError):
            await asking
    for _ in range(2):
        async with subprocess_proxy(tmp_path) as proxy:
            row = proxy.row()
            proxy.process.kill()
    assert (row.status, row.http_status, row.error_code) == ("error", 0, "crashed")
    assert row.id == next(event.id for event in journalled(tmp_path) if isinstance(event, RequestAdmitted))


# --- stopped ------------------------------------------------------------------------------------------------------------


async def test_a_stop_lets_open_streams_end_and_takes_nothing_new(tmp_path: Path, up: Provider) -> None:
    release = asyncio.Event()

    async def slow(asked: Asked) -> None:
        await asked.begin_stream()
        await asked.events(role(), word("One"))
        await release.wait()
        await asked.events(event(finish="stop"), DONE)
        await asked.end_stream()

    up.on("a", slow)
    Publisher(tmp_path).publish(configuration(up.port))
    async with subprocess_proxy(tmp_path) as proxy:
        stream = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True)
        assert (await anext(stream)).choices[0].delta.content == ""
        proxy.process.send_signal(signal.SIGTERM)
        while await readiness(proxy) != (503, "stopping"):
            continue
        with pytest.raises(openai.APIConnectionError):
            await chat(proxy)
        assert proxy.process.poll() is None
        release.set()
        parts = [part.choices[0].delta.content async for part in stream]
        assert parts == ["One", None]
        assert await proxy.wait() == 0
    assert proxy.row().status == "success"
    assert (tmp_path / "proxy" / "checkpoint.json").exists()


@pytest.mark.parametrize("how", ["a second signal", "the end of the grace"])
async def test_a_stop_does_not_wait_for_ever(tmp_path: Path, up: Provider, how: str) -> None:
    up.on("a", streaming(role(), word("One"), then=hanging))
    Publisher(tmp_path).publish(configuration(up.port))
    async with subprocess_proxy(tmp_path, drain_s=30 if how == "a second signal" else 0.3) as proxy:
        stream = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True)
        await anext(stream)
        proxy.process.send_signal(signal.SIGTERM)
        if how == "a second signal":
            while (await readiness(proxy))[0] == 200:
                continue
            proxy.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(proxy.wait(), 5) == 0
    row = proxy.row()
    assert (row.status, row.error_code, row.usage is not None) == ("error", "shut_down", True)
    assert [attempt.status for attempt in row.attempts] == ["cancelled"]  # no failure of the model


async def test_a_new_process_goes_on_with_what_the_last_one_knew(tmp_path: Path, up: Provider) -> None:
    up.on("a", lambda asked: asked.answer(b"{}", status=b"500 No"))
    Publisher(tmp_path).publish(configuration(up.port, policies="[{kind: health}]"))
    for number in range(2):
        async with subprocess_proxy(tmp_path) as proxy:
            for _ in range(2):
                await chat(proxy)
            if number == 0:
                proxy.process.send_signal(signal.SIGTERM)
                await proxy.wait()
    assert [[attempt.model for attempt in row.attempts] for row in proxy.finished()] == [["a", "b"], ["b"], ["b"], ["b"]]


# --- a disk without room ------------------------------------------------------------------------------------------------

FULL_AT = 60_000


async def fill(proxy: Subprocess) -> Exception:
    """Ask until something is refused."""
    for _ in range(500):
        try:
            await chat(proxy)
        except openai.APIError as error:
            return error
    raise AssertionError("the journal never filled up")


def give_room(proxy: Subprocess) -> None:
    """Lift the limit on the size of files."""
    resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def test_a_journal_without_room_refuses_and_recovers_by_itself(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port))
    async with subprocess_proxy(tmp_path, file_size_limit=FULL_AT) as proxy:
        refused = await fill(proxy)
        assert isinstance(refused, openai.InternalServerError)
        assert (refused.status_code, refused.code) == (503, "journal_unavailable")
        assert refused.response.headers["x-should-retry"] == "false"
        served = len(up.asked)
        with pytest.raises(openai.InternalServerError):
            await chat(proxy)
        assert len(up.asked) == served  # no upstream call that could not be recorded
        assert await readiness(proxy) == (503, "the journal cannot be written")
        give_room(proxy)
        async with asyncio.timeout(5):
            while (await readiness(proxy))[0] != 200:
                continue
        await chat(proxy)
        assert len(up.asked) == served + 1
        rows = proxy.finished()
        assert [row.status for row in rows] == ["success"] * len(up.asked)
        assert not proxy.open_admissions()


async def test_the_end_of_a_crashed_request_waits_for_room_over_a_restart(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port))
    async with subprocess_proxy(tmp_path) as proxy:
        for _ in range(10):
            await chat(proxy)
        up.on("a", hanging)
        asking = asyncio.create_task(chat(proxy))
        await until(lambda: len(up.asked) == 11)
        proxy.process.kill()
        with pytest.raises(openai.APIConnectionError):
            await asking
    (crashed,) = proxy.open_admissions()
    full_at = sum(path.stat().st_size for path in (tmp_path / "journal").glob("*.journal"))
    async with subprocess_proxy(tmp_path, file_size_limit=full_at) as proxy:
        proxy.process.send_signal(signal.SIGTERM)
        assert await proxy.wait() == 0
    assert proxy.open_admissions() == {crashed}
    async with subprocess_proxy(tmp_path) as proxy:
        assert [row.id for row in proxy.finished() if row.error_code == "crashed"] == [crashed]


async def test_journal_failure_serve_serves_on_and_records_later(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port, settings="journal_failure: serve\n"))
    async with subprocess_proxy(tmp_path, file_size_limit=FULL_AT) as proxy:
        for _ in range(80):
            await chat(proxy)
        written = len(proxy.finished())
        assert written < 80
        assert await readiness(proxy) == (200, "")
        give_room(proxy)
        await until(lambda: len(proxy.finished()) == 80)
    events = [event for event in journalled(tmp_path) if isinstance(event, RequestFinished)]
    assert max(Counter(event.id for event in events).values()) == 1
    assert not proxy.open_admissions()
