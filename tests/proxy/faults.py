"""What providers do wrong, what the SDK is to raise for it, and rounds of all of it over one proxy."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, NamedTuple

import openai

from tests.proxy.product import (
    DONE,
    HELLO,
    Asked,
    Behaviour,
    Provider,
    Proxy,
    closing,
    configuration,
    error_body,
    failing,
    hanging,
    role,
    sending,
    streaming,
    well,
    word,
)
from tests.proxy.servers import chunk

# Which project asks which models, how long an attempt may take there, and how long a request in all: not long where time is
# what is to run out, and long enough for a busy machine everywhere else.
PATIENT_MS = 10_000
PROJECTS = {
    "alone": (["a"], PATIENT_MS, PATIENT_MS),
    "alone-hurried": (["a"], 500, 900),
    "backed": (["a", "b"], 500, PATIENT_MS),
    "committed": (["a", "b"], PATIENT_MS, PATIENT_MS),
    "committed-hurried": (["a", "b"], 500, 900),
    "shut": (["refused"], PATIENT_MS, PATIENT_MS),
    "shut-backed": (["refused", "b"], PATIENT_MS, PATIENT_MS),
    "well": (["b"], PATIENT_MS, PATIENT_MS),
}
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
HUGE_BYTES = 200_000_000


class Fault(NamedTuple):
    """One thing that goes wrong with `behaviour`, asked for `stream`ed or not.

    `code` is the error that the SDK gets when no other candidate is left; `committed` says that none is tried.
    """

    behaviour: Behaviour | None  # None: nobody listens
    stream: bool
    code: str | None
    committed: bool = False

    def project(self, *, backed: bool) -> str:
        """The one of `PROJECTS` in which it is met, `backed` by a healthy model or not."""
        if self.behaviour is None:
            return "shut-backed" if backed else "shut"
        if backed and not self.committed:
            return "backed"
        name = "committed" if backed else "alone"
        return f"{name}-hurried" if self.code == "timeout" else name


async def reset(asked: Asked) -> None:
    await asked.send(b"HTTP/1.1 200 OK\r\ncontent-")
    asked.writer.transport.abort()


async def dripping_head(asked: Asked) -> None:
    await asked.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await asked.send(b"x-slow: 1\r\n")
        await asyncio.sleep(0.02)


async def dripping_body(asked: Asked) -> None:
    await asked.send(JSON_HEAD + b"content-length: 100000\r\n\r\n")
    while True:
        await asked.send(b" ")
        await asyncio.sleep(0.02)


async def dripping_comments(asked: Asked) -> None:
    await asked.send(STREAM_HEAD)
    while True:
        await asked.events(b": one moment\n\n")
        await asyncio.sleep(0.02)


async def dripping_words(asked: Asked) -> None:
    await asked.begin_stream()
    while True:
        await asked.events(word("drip "))
        await asyncio.sleep(0.02)


async def huge(asked: Asked) -> None:
    """A body without an end in sight, in one JSON string or one event."""
    start = b'data: {"choices":[{"delta":{"content":"' if asked.json.get("stream") else b'{"choices":[{"message":{"content":"'
    kind = b"text/event-stream" if asked.json.get("stream") else b"application/json"
    await asked.send(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (kind, HUGE_BYTES) + start)
    piece = b"x" * 1_000_000
    for _ in range(HUGE_BYTES // len(piece)):
        await asked.send(piece)
        asked.sent += len(piece)


async def cut_late(asked: Asked) -> None:
    """Lose the connection behind 15 MB."""
    asked.writer.transport.set_write_buffer_limits(high=0)
    kind = b"text/event-stream" if asked.json.get("stream") else b"application/json"
    await asked.send(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: 20000000\r\n\r\n" % kind)
    for _ in range(15):
        await asked.send(b"x" * 1_000_000)
    asked.writer.close()


FAULTS: dict[str, Fault] = {
    "refuses": Fault(None, False, "all_models_failed"),
    "refuses a stream": Fault(None, True, "all_models_failed"),
    "closes": Fault(closing, False, "all_models_failed"),
    "resets": Fault(reset, True, "all_models_failed"),
    "hangs before headers": Fault(hanging, False, "timeout"),
    "hangs before the headers of a stream": Fault(hanging, True, "timeout"),
    "hangs before content": Fault(streaming(role(), then=hanging), True, "timeout"),
    "hangs in mid-stream": Fault(streaming(role(), word("Hi"), then=hanging), True, "timeout", committed=True),
    "resets in mid-stream": Fault(streaming(role(), word("Hi"), then=closing), True, "all_models_failed", committed=True),
    "sends garbage": Fault(sending(b"\x00\xff\x16\x03garbage\r\n\r\n" * 20), False, "all_models_failed"),
    "sends a garbled body": Fault(sending(JSON_HEAD + b"content-length: 9\r\n\r\n{]garbage"), False, "all_models_failed"),
    "sends garbled events": Fault(streaming(role(), b"data: \xff\xfe{\n\n"), True, "all_models_failed"),
    "sends half a chunk": Fault(sending(JSON_HEAD + b"transfer-encoding: chunked\r\n\r\n40\r\n{"), False, "all_models_failed"),
    "sends half a chunk in mid-stream": Fault(
        sending(STREAM_HEAD + chunk(role()) + chunk(word("Hi")) + b"40\r\ndata: {"), True, "all_models_failed", committed=True
    ),
    "sends a false chunk": Fault(sending(STREAM_HEAD + b"zz\r\n"), True, "all_models_failed"),
    "drips its head": Fault(dripping_head, False, "timeout"),
    "drips its body": Fault(dripping_body, False, "timeout"),
    "drips comments": Fault(dripping_comments, True, "timeout"),
    "drips words": Fault(dripping_words, True, "timeout", committed=True),
    "fails": Fault(failing(500, body=b"<html>"), True, "all_models_failed"),
    "fails in mid-stream": Fault(
        streaming(role(), word("Hi"), b"data: " + error_body("out", "c0").replace(b"\n", b"") + b"\n\n"),
        True,
        "c0",
        committed=True,
    ),
    "says [DONE] at once": Fault(streaming(DONE), True, "all_models_failed"),
    "redirects": Fault(failing(302, b"location: /elsewhere", body=b""), False, "all_models_failed"),
}
HUGE: dict[str, Fault] = {
    "sends 200 MB": Fault(huge, False, "all_models_failed"),
    "sends an event of 200 MB": Fault(huge, True, "all_models_failed"),
}
LATE: dict[str, Fault] = {
    "cuts its body late": Fault(cut_late, False, "all_models_failed"),
    "cuts an event late": Fault(cut_late, True, "all_models_failed"),
}
EVERY = FAULTS | HUGE | LATE


def fault_token(project: str) -> str:
    """The token of one of `PROJECTS`."""
    return "sk-lr-" + hashlib.sha256(project.encode()).hexdigest()[:43]


def fault_configuration(port: int, *, patience: int = 1) -> dict[str, bytes]:
    """The models and projects that the faults are asked through; `patience` times their usual timeouts."""
    files = configuration(port, ["a", "b", "refused"], ports={"refused": 1})
    for project, (models, attempt_ms, timeout_ms) in PROJECTS.items():
        attempt_ms *= patience
        timeouts = f"attempt_timeout_ms: {attempt_ms}, idle_timeout_ms: {attempt_ms}, timeout_ms: {timeout_ms * patience}"
        listed = ", ".join(f"{{id: {model}}}" for model in models)
        digest = hashlib.sha256(fault_token(project).encode()).hexdigest()
        files[f"projects/{project}/project.yaml"] = f"id: id-{project}\nname: {project}\ntimeouts: {{{timeouts}}}\n".encode()
        files[f"projects/{project}/routing.yaml"] = f"models: [{listed}]\n".encode()
        files[f"projects/{project}/tokens/t.yaml"] = f"name: {project}\nsha256: {digest}\nprefix: sk-lr-\n".encode()
    return files


def arm(provider: Provider) -> None:
    """Let model a do what a request's `user` names."""

    async def misbehave(asked: Asked) -> None:
        fault = EVERY[asked.json["user"]]
        assert fault.behaviour is not None
        await fault.behaviour(asked)

    provider.on("a", misbehave)
    provider.on("b", well)


class FaultClients:
    """An SDK client for each project."""

    def __init__(self, proxy: Proxy) -> None:
        self._sdks = {project: proxy.sdk(key=fault_token(project), timeout=60) for project in PROJECTS}

    async def suffer(self, name: str, *, backed: bool) -> None:
        """Meet one fault, and hold what the SDK sees to what it should see."""
        fault = EVERY[name]
        project = fault.project(backed=backed)
        outcome = await self._ask(self._sdks[project], name, stream=fault.stream)
        expected = "well" if backed and not fault.committed else fault.code
        assert outcome == expected, f"{name}, {project}: {outcome}"

    async def _ask(self, sdk: openai.AsyncOpenAI, name: str, *, stream: bool) -> str | None:
        try:
            answer: Any = await sdk.chat.completions.create(model="x", messages=HELLO, user=name, stream=stream)
            if stream:
                async for part in answer:
                    assert part.model in ("a", "b")
        except openai.APIError as error:
            return error.code
        return "well"
