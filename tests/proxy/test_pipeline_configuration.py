"""Revisions, credentials and message content as whole requests see them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from core.layout import Layout
from core.published import delta_name
from core.sealing import generate_keys, seal
from proxy.content import KEPT_BYTES
from tests.proxy.product import (
    DONE,
    HELLO,
    Asked,
    InProcess,
    Provider,
    Publisher,
    configuration,
    error_body,
    event,
    failing,
    hanging,
    provider,
    role,
    running,
    streaming,
    well,
    word,
)
from tests.proxy.servers import until

KEY = "sk-provider-5ecre7-0123456789"


@pytest.fixture
async def up() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


async def chat(proxy: InProcess, *, stream: bool = False, **more: Any) -> Any:
    answer: Any = await proxy.sdk().chat.completions.create(**{"model": "x", "messages": HELLO, "stream": stream, **more})
    return [part async for part in answer] if stream else answer


# --- reload -------------------------------------------------------------------------------------------------------------


async def test_a_request_keeps_the_revision_that_it_began_with(tmp_path: Path, up: Provider) -> None:
    release = asyncio.Event()

    async def slow_to_fail(asked: Asked) -> None:
        await release.wait()
        await failing(500)(asked)

    up.on("a", slow_to_fail)
    publisher = Publisher(tmp_path)
    old = publisher.publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        asking = asyncio.create_task(chat(proxy))
        await until(lambda: up.asked)
        new = publisher.publish(configuration(up.port, ["c"]))
        await until(lambda: publisher.state()["revision"] == new)
        assert (await chat(proxy)).model == "c"
        release.set()
        assert (await asking).model == "b"  # the new revision has no such model
        assert {row.revision: row.model for row in proxy.finished()} == {new: "c", old: "b"}


async def test_a_stream_goes_on_through_reloads(tmp_path: Path, up: Provider) -> None:
    publisher = Publisher(tmp_path)
    first = publisher.publish(configuration(up.port))
    async with running(tmp_path) as proxy:

        async def reloading(asked: Asked) -> None:
            await asked.begin_stream()
            await asked.events(role())
            for number in range(5):
                revision = publisher.publish(configuration(up.port, project=f"description: revision {number}\n"))
                await until(lambda revision=revision: publisher.state()["revision"] == revision)
                await asked.events(word(f"{number} "))
            await asked.events(event(finish="stop"), DONE)
            await asked.end_stream()

        up.on("a", reloading)
        parts = await chat(proxy, stream=True)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == "0 1 2 3 4 "
        assert proxy.row().revision == first


async def test_a_revision_that_cannot_be_run_changes_nothing(tmp_path: Path, up: Provider) -> None:
    publisher = Publisher(tmp_path)
    good = publisher.publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        publisher.sequence += 1
        publisher.put(delta_name(2), b"{nonsense")
        await until(lambda: publisher.state()["refused"])
        assert publisher.state()["revision"] == good
        assert (await chat(proxy)).model == "a"
        assert proxy.row().revision == good
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxy.ops_port}") as ops:
            assert (await ops.get("/readyz")).status_code == 200
            metrics = (await ops.get("/metrics")).text
        assert "waybill_refused_revisions_total 1.0" in metrics
        assert f'waybill_configuration_info{{revision="{good}"}} 1.0' in metrics
        better = publisher.publish(configuration(up.port, ["b"]), whole=True)
        await until(lambda: publisher.state()["revision"] == better)
        assert publisher.state()["refused"] is None
        assert (await chat(proxy)).model == "b"


async def test_the_log_says_which_revision_runs(tmp_path: Path, up: Provider, caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(tmp_path)
    first = publisher.publish(configuration(up.port))

    def told() -> list[str]:
        return [record.__dict__["revision"] for record in caplog.records if record.message == "revision running"]

    with caplog.at_level(logging.INFO, "waybill.proxy"):
        async with running(tmp_path):
            second = publisher.publish(configuration(up.port, policies="[{kind: health}]"))
            await until(lambda: len(told()) == 2)
    assert told() == [first, second]


async def test_a_revoked_token_is_refused_as_soon_as_its_revision_runs(tmp_path: Path, up: Provider) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        await chat(proxy)
        files = configuration(up.port)
        del files["projects/p/tokens/t.yaml"]
        revision = publisher.publish(files)
        await until(lambda: publisher.state()["revision"] == revision)
        with pytest.raises(openai.AuthenticationError):
            await chat(proxy)


async def test_labels_of_project_and_token_are_in_the_row(tmp_path: Path, up: Provider) -> None:
    files = configuration(up.port, project="labels: {team: blue, stage: dev}\n")
    files["projects/p/tokens/t.yaml"] += b"labels: {stage: prod}\n"
    Publisher(tmp_path).publish(files)
    async with running(tmp_path) as proxy:
        await chat(proxy)
        assert proxy.row().labels == {"team": "blue", "stage": "prod"}


# --- credentials --------------------------------------------------------------------------------------------------------


def credential(source: str, port: int) -> str:
    return f"credential: {{{source}, origin: 'http://127.0.0.1:{port}'}}\n"


def traces_of(secret: str, data: Path) -> list[Path]:
    """Files of the data folder that hold the secret, those that are meant to aside."""
    layout = Layout(data)
    meant = (layout.secrets, layout.private_key.parent)
    files = [path for path in data.rglob("*") if path.is_file() and not any(path.is_relative_to(each) for each in meant)]
    assert files
    return [path for path in files if secret.encode() in path.read_bytes()]


@pytest.fixture
def sources(tmp_path: Path, up: Provider, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The same key, to be had in each way; and ways in which it is not."""
    layout = Layout(tmp_path)
    for folder in (layout.secrets, layout.private_key.parent):
        folder.mkdir()
    (layout.secrets / "up.key").write_text(KEY + "\n")
    (layout.secrets / "empty").write_text("\n")
    (layout.secrets / "binary").write_bytes(b"\xff\xfe")
    (layout.secrets / "accented").write_text("clé")
    monkeypatch.setenv("WAYBILL_SECRET_UP", KEY)
    private, public = generate_keys()
    layout.private_key.write_bytes(private)
    origin = f"http://127.0.0.1:{up.port}"

    def sealed(box: str) -> str:
        return f"credential: {{sealed: {box}}}\n"

    return {
        "env": credential("env: WAYBILL_SECRET_UP", up.port),
        "file": credential("file: up.key", up.port),
        "sealed": sealed(seal(public, "up", origin, KEY)),
        "no such variable": credential("env: WAYBILL_SECRET_NONE", up.port),
        "no such file": credential("file: none", up.port),
        "empty file": credential("file: empty", up.port),
        "binary file": credential("file: binary", up.port),
        "no header can carry it": credential("file: accented", up.port),
        "sealed for another origin": sealed(seal(public, "up", "https://api.example.com", KEY)),
        "sealed for another provider": sealed(seal(public, "down", origin, KEY)),
        "sealed for another installation": sealed(seal(generate_keys()[1], "up", origin, KEY)),
    }


@pytest.mark.parametrize("source", ["env", "file", "sealed"])
async def test_the_provider_gets_its_key_and_nobody_else(
    tmp_path: Path, up: Provider, sources: dict[str, str], source: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    project = "trace: {content: true}\ntimeouts: {attempt_timeout_ms: 100}\n"
    Publisher(tmp_path).publish(configuration(up.port, provider=sources[source], project=project))
    quoting = error_body(f"Incorrect API key provided: {KEY}")
    line = b"data: " + quoting.replace(b"\n", b"") + b"\n\n"
    said: list[bytes] = []

    def note(response: Any) -> None:
        said.extend([repr(response.headers.raw).encode(), response.content])

    async with running(tmp_path) as proxy:
        sdk = proxy.sdk()
        note(await sdk.chat.completions.with_raw_response.create(model="x", messages=HELLO))
        assert up.asked[0].headers[b"authorization"] == b"Bearer " + KEY.encode()
        for behaviour in (*(failing(status, body=quoting) for status in (400, 401, 403, 422, 429, 500)), hanging):
            for model in "ab":
                up.on(model, behaviour)
            with pytest.raises(openai.APIStatusError) as raised:
                await sdk.chat.completions.create(model="x", messages=HELLO)
            note(raised.value.response)
        for model in "ab":
            up.on(model, streaming(role(), line))
        with pytest.raises(openai.APIStatusError) as raised:
            await sdk.chat.completions.create(model="x", messages=HELLO, stream=True)
        note(raised.value.response)
        up.on("a", streaming(role(), word("hi"), line))
        with pytest.raises(openai.APIError):
            await chat(proxy, stream=True)
        assert len(proxy.finished()) == 10
    assert not [each for each in said if KEY.encode() in each]
    assert traces_of(KEY, tmp_path) == []
    assert KEY not in caplog.text


REASONS = {
    "no such variable": "the environment variable WAYBILL_SECRET_NONE of the proxy is not set",
    "no such file": "the secrets folder has no readable file none",
    "empty file": "the secrets file empty is empty",
    "binary file": "the secrets folder has no readable file binary",
    "no header can carry it": "the provider's key holds characters that no header can carry",
    "sealed for another origin": "is bound to provider up at https://api.example.com, not to http://127.0.0.1",
    "sealed for another provider": "is bound to provider down at",
    "sealed for another installation": "was not sealed for this installation",
}


@pytest.mark.parametrize(("source", "reason"), REASONS.items())
async def test_a_model_whose_key_cannot_be_had_is_passed_over(
    tmp_path: Path, up: Provider, sources: dict[str, str], source: str, reason: str
) -> None:
    files = configuration(up.port, ports={"b": up.port})
    files["providers/up.yaml"] += sources[source].encode()
    Publisher(tmp_path).publish(files)
    async with running(tmp_path) as proxy:
        assert (await chat(proxy)).model == "b"
        first = proxy.row().attempts[0]
    assert (first.model, first.status, first.http_status) == ("a", "error", None)
    assert reason in first.error
    assert [asked.json["model"] for asked in up.asked] == ["up-b"]
    assert traces_of(KEY, tmp_path) == []


@pytest.mark.parametrize(("kind", "reason"), [("anthropic", "does not speak OpenAI chat"), ("gemini", "is not served")])
async def test_a_provider_that_does_not_speak_the_dialect_is_no_candidate(
    tmp_path: Path, up: Provider, kind: str, reason: str
) -> None:
    files = configuration(up.port, ports={"b": up.port})
    files["providers/up.yaml"] = f"kind: {kind}\nbase_url: http://127.0.0.1:{up.port}\n".encode()
    Publisher(tmp_path).publish(files)
    async with running(tmp_path) as proxy:
        assert (await chat(proxy)).model == "b"
        row = proxy.row()
        assert row.decision is not None
        assert (row.decision.candidates, row.decision.order) == (("b",), ("b",))
        assert reason in row.decision.unable["a"]
    assert len(up.asked) == 1


async def test_a_clients_token_is_nowhere(tmp_path: Path, up: Provider) -> None:
    Publisher(tmp_path).publish(configuration(up.port, project="trace: {content: true}\n"))
    token = "sk-lr-" + "w" * 43
    async with running(tmp_path) as proxy:
        await chat(proxy)
        with pytest.raises(openai.AuthenticationError) as raised:
            await proxy.sdk(key=token).models.list()
        assert token not in str(raised.value)
        assert not any(b"sk-lr-" in asked.head + asked.body for asked in up.asked)
    assert traces_of("x" * 43, tmp_path) == []
    assert traces_of(token, tmp_path) == []


# --- message content ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_content_is_kept_only_where_the_project_says_so(tmp_path: Path, up: Provider, stream: bool) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(configuration(up.port))
    async with running(tmp_path) as proxy:
        await chat(proxy, stream=stream, messages=[{"role": "user", "content": "tell me"}])
        assert proxy.row().content is None
        assert b"tell me" not in b"".join(path.read_bytes() for path in Layout(tmp_path).journal.iterdir())
        revision = publisher.publish(configuration(up.port, project="trace: {content: true}\n"))
        await until(lambda: publisher.state()["revision"] == revision)
        await chat(proxy, stream=stream, messages=[{"role": "user", "content": "tell me"}])
        content = proxy.finished()[1].content
    assert content is not None
    assert content.keys() == {"request", "answer"}
    assert content["request"]["messages"] == [{"role": "user", "content": "tell me"}]
    if stream:
        assert [text in content["answer"] for text in ("One ", "three", '"finish_reason":"stop"', "[DONE]")] == [True] * 4
    else:
        assert content["answer"]["choices"][0]["message"]["content"] == "Hi there"


async def test_kept_content_is_bounded(tmp_path: Path, up: Provider) -> None:
    async def long(asked: Asked) -> None:
        await asked.begin_stream()
        for _ in range(40):
            await asked.events(word("é" * 10_000))
        await asked.events(event(finish="stop"), DONE)
        await asked.end_stream()

    up.on("a", long)
    Publisher(tmp_path).publish(configuration(up.port, project="trace: {content: true}\n"))
    async with running(tmp_path) as proxy:
        parts = await chat(proxy, stream=True, messages=[{"role": "user", "content": "ü" * 400_000}])
        assert len(parts) == 41
        content = proxy.row().content
    assert content is not None
    assert content["truncated"] == ["request", "answer"]
    assert 100_000 < len(content["request"]) <= KEPT_BYTES
    assert 100_000 < len(content["answer"]) <= KEPT_BYTES


@pytest.mark.parametrize("odd", [b"1e999", b"123456789012345678901234567890", b'"\\u0000"', b"[" * 500 + b"]" * 500])
async def test_content_that_is_odd_json_stops_nothing(tmp_path: Path, up: Provider, odd: bytes) -> None:
    Publisher(tmp_path).publish(configuration(up.port, project="trace: {content: true}\n"))
    body = b'{"model":"x","user":' + odd + b',"messages":[{"role":"user","content":"Hello"}]}'
    async with running(tmp_path) as proxy:
        await proxy.sdk().post("/chat/completions", cast_to=object, content=body)
        content = proxy.row().content  # a row that can be read
    assert content is not None
    assert "Hello" in str(content["request"])


@pytest.mark.parametrize("how", ["broken", "cancelled"])
async def test_what_was_said_of_a_broken_stream_is_kept(tmp_path: Path, up: Provider, how: str) -> None:
    up.on("a", streaming(role(), word("Half "), then=hanging if how == "cancelled" else well))
    Publisher(tmp_path).publish(configuration(up.port, project="trace: {content: true}\n"))
    async with running(tmp_path) as proxy:
        stream = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, stream=True)
        await anext(stream)
        await anext(stream)
        if how == "broken":
            with pytest.raises(openai.APIError):
                await anext(stream)
        await stream.close()
        await until(proxy.finished)
        content = proxy.row().content
    assert content is not None
    assert "Half " in content["answer"]
