"""A real proxy over a data folder, and providers that speak the real wire: what the tests of whole requests start from."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import openai

from core.config import Config
from core.events import JournalEvent, RequestAdmitted, RequestFinished
from core.files import load
from core.layout import Layout
from core.published import delta_name, full_name
from core.snapshot import difference, encode_delta, full_delta
from proxy.journal import read_records
from proxy.main import Process, ProxySettings
from tests.proxy.servers import Upstream, chunk, sized

ROOT = Path(__file__).parents[2]
TOKEN = "sk-lr-" + "x" * 43
OTHER_TOKEN = "sk-lr-" + "y" * 43
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
_event = msgspec.json.Decoder(JournalEvent)


# --- configuration ------------------------------------------------------------------------------------------------------


def configuration(
    port: int,
    models: Iterable[str] = ("a", "b"),
    *,
    project: str = "",
    settings: str = "",
    provider: str = "",
    policies: str = "[]",
    ports: Mapping[str, int] | None = None,
) -> dict[str, bytes]:
    """Files of a revision: models in their order at one provider (or one each by `ports`), a project, another one's token.

    The upstream knows a model by `up-<id>`. The texts are lines that are added to their file.
    """
    ports = ports or {}
    listed = ", ".join(f"{{id: {model}}}" for model in models)
    files = {
        "waybill.yaml": f"format: 1\n{settings}",
        "projects/p/project.yaml": f"id: id-p\nname: P\n{project}",
        "projects/p/routing.yaml": f"models: [{listed}]\npolicies: {policies}\n",
        "projects/p/tokens/t.yaml": _token(TOKEN),
        "projects/q/project.yaml": "id: id-q\nname: Q\n",
        "projects/q/tokens/t2.yaml": _token(OTHER_TOKEN),
        "providers/up.yaml": _provider(port, provider),
    }
    for model in models:
        own = f"up-{model}" if model in ports else "up"
        files[f"models/{model}.yaml"] = f"provider: {own}\nupstream_name: up-{model}\nprices: {{input: 1, output: 2}}\n"
        if model in ports:
            files[f"providers/{own}.yaml"] = _provider(ports[model], "")
    return {path: text.encode() for path, text in files.items()}


def _provider(port: int, more: str) -> str:
    return f"kind: openai-compatible\nbase_url: http://127.0.0.1:{port}/v1\n{more}"


def _token(value: str) -> str:
    return f"name: {value[:8]}{value[-1]}\nsha256: {hashlib.sha256(value.encode()).hexdigest()}\nprefix: {value[:10]}\n"


class Publisher:
    """Publishes revisions into a data folder as the API does."""

    def __init__(self, data: Path) -> None:
        self.layout = Layout(data)
        self.layout.published.mkdir(parents=True, exist_ok=True)
        self.layout.proxies.mkdir(exist_ok=True)
        self.sequence = 0
        self.revision = ""
        self._config = Config()

    def publish(self, files: Mapping[str, bytes], *, whole: bool = False) -> str:
        """The next publication: a full one first, then deltas. Its revision."""
        config = load(files)
        self.sequence += 1
        revision = f"{self.sequence:040x}"
        if whole or self.sequence == 1:
            name, data = full_name(self.sequence), encode_delta(full_delta(config, revision))
        else:
            name = delta_name(self.sequence)
            data = encode_delta(difference(self._config, self.revision, config, revision, {}))
        self.put(name, data)
        self.revision, self._config = revision, config
        return revision

    def put(self, name: str, data: bytes) -> None:
        """A file, whole or not at all."""
        fresh = self.layout.published / f".{name}.tmp"
        fresh.write_bytes(data)
        fresh.rename(self.layout.published / name)

    def state(self) -> dict[str, Any]:
        """What the proxy says that it runs."""
        found: dict[str, Any] = json.loads(self.layout.proxy_state("proxy-1").read_bytes())
        return found


def journalled(data: Path) -> list[JournalEvent]:
    """All events in the journal."""
    return [_event.decode(payload) for _, payload in read_records(Layout(data).journal, 0)]


# --- the proxy ----------------------------------------------------------------------------------------------------------


class Clients:
    """Asynchronous SDK clients of one server, closed with it."""

    def __init__(self) -> None:
        self._clients: list[openai.AsyncOpenAI] = []

    def url(self, project: str = "") -> str:
        """The base URL for SDKs, of a project's own path where one is named."""
        raise NotImplementedError

    def sdk(self, project: str = "", key: str = TOKEN, **options: Any) -> openai.AsyncOpenAI:
        """The official SDK; it does not retry unless told to."""
        # Nothing here is TLS, and reading the store of certificates costs more than all that a test does.
        http = openai.DefaultAsyncHttpxClient(verify=False)
        chosen: dict[str, Any] = {"max_retries": 0, "timeout": 10, "http_client": http, **options}
        client = openai.AsyncOpenAI(base_url=self.url(project), api_key=key, **chosen)
        self._clients.append(client)
        return client

    async def close_clients(self) -> None:
        """Close all of them."""
        for client in self._clients:
            await client.close()


class Proxy(Clients):
    """A running proxy: its addresses, its journal, SDK clients for it."""

    def __init__(self, data: Path, port: int, ops_port: int) -> None:
        super().__init__()
        self.data = data
        self.port = port
        self.ops_port = ops_port

    def url(self, project: str = "") -> str:
        """The base URL for SDKs, of a project's own path where one is named."""
        return f"http://127.0.0.1:{self.port}{f'/projects/{project}' if project else ''}/v1"

    def events(self) -> list[JournalEvent]:
        """All events in the journal."""
        return journalled(self.data)

    def finished(self) -> list[RequestFinished]:
        """The ends in the journal."""
        return [event for event in self.events() if isinstance(event, RequestFinished)]

    def row(self) -> RequestFinished:
        """The only end in the journal."""
        (row,) = self.finished()
        return row

    def open_admissions(self) -> set[str]:
        """Ids of admitted requests that have no end."""
        events = self.events()
        ended = {event.id for event in events if isinstance(event, RequestFinished)}
        return {event.id for event in events if isinstance(event, RequestAdmitted)} - ended


class InProcess(Proxy):
    """The whole proxy process in this process' loop."""

    def __init__(self, data: Path, process: Process, task: asyncio.Task[None]) -> None:
        super().__init__(data, process.port, process.ops_port)
        self.process = process
        self.task = task


@asynccontextmanager
async def running(data: Path, **settings: Any) -> AsyncIterator[InProcess]:
    """Run a proxy here on a data folder; drained at the end."""
    thresholds = gc.get_threshold()
    local = ("127.0.0.1", 0)
    process = Process(ProxySettings(**{"data": data, "listen": local, "ops": local, "drain_s": 0.2, **settings}))
    task = asyncio.create_task(process.run())
    started = asyncio.create_task(process.started.wait())
    await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        started.cancel()
        task.result()
    proxy = InProcess(data, process, task)
    try:
        yield proxy
    finally:
        await proxy.close_clients()
        process.stop()
        await task
        # What the process set for its own whole life. What it froze stays so: pytest collects after every test, and would look
        # at all that was ever imported each time.
        gc.set_threshold(*thresholds)


class Subprocess(Proxy):
    """The proxy in a process of its own, to be signalled and killed."""

    def __init__(self, data: Path, **settings: Any) -> None:
        super().__init__(data, 0, 0)
        command = [sys.executable, "-m", "tests.proxy.proxy_process", str(data), json.dumps(settings)]
        self.log: list[str] = []
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

    async def ready(self) -> None:
        """Until it says that it serves, and where."""
        await asyncio.to_thread(self._read_until_ready)

    def _read_until_ready(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if '"serving"' in line:
                said = json.loads(line)
                self.port, self.ops_port = said["port"], said["ops_port"]
                return
        raise AssertionError("".join(self.log))

    async def wait(self) -> int:
        """Until it has ended: its exit code. Its log is in `log` then."""
        assert self.process.stderr is not None
        self.log += await asyncio.to_thread(self.process.stderr.readlines)
        return await asyncio.to_thread(self.process.wait, 20)


@asynccontextmanager
async def subprocess_proxy(data: Path, **settings: Any) -> AsyncIterator[Subprocess]:
    """A proxy in a process of its own; killed at the end if it still runs."""
    proxy = Subprocess(data, **settings)
    try:
        await proxy.ready()
        yield proxy
    finally:
        await proxy.close_clients()
        proxy.process.kill()
        await proxy.wait()
        assert proxy.process.stderr is not None
        proxy.process.stderr.close()


def sync_sdk(url: str, key: str = TOKEN, **options: Any) -> openai.OpenAI:
    """The official synchronous SDK."""
    http = openai.DefaultHttpxClient(verify=False)
    return openai.OpenAI(base_url=url, api_key=key, **{"max_retries": 0, "timeout": 10, "http_client": http, **options})


# --- providers ----------------------------------------------------------------------------------------------------------


class Asked:
    """One request as a provider received it, and the connection to answer on."""

    def __init__(self, head: bytes, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self.body = body
        self.reader = reader
        self.writer = writer
        self.sent = 0  # for behaviours that count what was taken

    @property
    def headers(self) -> dict[bytes, bytes]:
        lines = self.head[:-4].split(b"\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    async def send(self, *pieces: bytes) -> None:
        """Write pieces, each a write of its own."""
        for piece in pieces:
            if self.writer.transport.is_closing():
                raise ConnectionResetError  # uvloop's own word for it is a RuntimeError
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self, body: bytes, *headers: bytes, status: bytes = b"200 OK") -> None:
        """A whole answer."""
        await self.send(sized(body, b"content-type: application/json", *headers, status=status))

    async def begin_stream(self, *headers: bytes) -> None:
        """The head of a stream."""
        lines = b"".join(header + b"\r\n" for header in headers)
        await self.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n" + lines + b"\r\n"
        )

    async def events(self, *events: bytes) -> None:
        """Events, each in a chunk of its own."""
        for event in events:
            await self.send(chunk(event))

    async def end_stream(self) -> None:
        """The proper end of the body."""
        await self.send(b"0\r\n\r\n")

    async def gone(self) -> None:
        """Until the other side closes."""
        while await self.reader.read(65536):
            pass


Behaviour = Callable[[Asked], Awaitable[None]]


class Provider(Upstream, Clients):
    """A provider: answers each model as it was told to, by default with a whole answer or a stream of three words."""

    def __init__(self) -> None:
        Upstream.__init__(self, self._converse)
        Clients.__init__(self)
        self.asked: list[Asked] = []
        self.behaviours: dict[str, Behaviour] = {}
        self.default: Behaviour = well
        self.closed = asyncio.Event()  # some connection was closed by the other side
        self.connected: set[asyncio.StreamWriter] = set()

    def url(self, project: str = "") -> str:
        """The base URL for an SDK that asks it directly."""
        return f"http://127.0.0.1:{self.port}/v1"

    def on(self, model: str, behaviour: Behaviour) -> None:
        """How the model with this Waybill id behaves from now on."""
        self.behaviours[f"up-{model}"] = behaviour

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                asked = Asked(head, await reader.readexactly(length), reader, writer)
                self.asked.append(asked)
                behaviour = self.behaviours.get(asked.json["model"], self.default)
                await behaviour(asked)
                if writer.is_closing():
                    return
        finally:
            self.connected.discard(writer)
            self.closed.set()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A running provider."""
    made = Provider()
    await made.start()
    try:
        yield made
    finally:
        await made.close_clients()
        await made.stop()


def whole(model: str = "up", text: str = "Hi there", **more: Any) -> bytes:
    """A chat completion, as OpenAI prints it."""
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return json.dumps({**answer, "usage": usage, **more}, indent=2).encode()


def event(model: str = "up", delta: Mapping[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One chunk of a stream as an event."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return b"data: " + json.dumps({**base, "choices": choices, **more}, separators=(",", ":")).encode() + b"\n\n"


def role(model: str = "up") -> bytes:
    """The first event: no content."""
    return event(model, {"role": "assistant", "content": ""})


def word(text: str, model: str = "up") -> bytes:
    """An event with content."""
    return event(model, {"content": text})


def usage(model: str = "up") -> bytes:
    """The usage event."""
    return event(model, choices=[], usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})


DONE = b"data: [DONE]\n\n"


def error_body(message: str, code: str | None = None, kind: str = "server_error") -> bytes:
    """An error as OpenAI says it."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}, indent=2).encode()


async def well(asked: Asked) -> None:
    """Answer as a healthy provider."""
    body = asked.json
    model = body["model"]
    if not body.get("stream"):
        await asked.answer(whole(model), b"x-request-id: req_1")
        return
    await asked.begin_stream(b"x-request-id: req_1")
    words = [word(text, model) for text in ("One ", "two ", "three")]
    wants = (body.get("stream_options") or {}).get("include_usage")
    tail = [event(model, finish="stop"), *([usage(model)] if wants else []), DONE]
    await asked.events(role(model), *words, *tail)
    await asked.end_stream()


def failing(status: int, *headers: bytes, body: bytes | None = None) -> Behaviour:
    """Answer with an error."""

    async def behave(asked: Asked) -> None:
        said = error_body(f"upstream says {status}") if body is None else body
        await asked.answer(said, *headers, status=b"%d Whatever" % status)

    return behave


async def hanging(asked: Asked) -> None:
    """Never answer."""
    await asked.gone()


async def closing(asked: Asked) -> None:
    """Close before any byte of the answer."""
    asked.writer.close()


def sending(*pieces: bytes) -> Behaviour:
    """Send raw bytes, then close."""

    async def behave(asked: Asked) -> None:
        await asked.send(*pieces)
        asked.writer.close()

    return behave


def streaming(*events: bytes, then: Behaviour | None = None) -> Behaviour:
    """A stream of these events; then its proper end, or something else."""

    async def behave(asked: Asked) -> None:
        await asked.begin_stream()
        await asked.events(*events)
        if then is None:
            await asked.end_stream()
        else:
            await then(asked)

    return behave
