"""Real peers on loopback for the tests of the proxy: raw clients, scripted upstreams, an outgoing proxy."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.server import Handler, Server, ServerLimits, serve

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def open_descriptors() -> int:
    """File descriptors that this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    """Wait for a state of the code under test that it has no reason to announce."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.002)


class Client:
    """A raw client: sends bytes, reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, bodiless: bool = False) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers and body of the next answer; the body is de-chunked."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        status_line, *lines = head[:-4].split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        status = int(status_line.split(b" ")[1])
        if bodiless or status < 200 or status in (204, 304):
            return status, headers, b""
        if headers.get(b"transfer-encoding") == b"chunked":
            return status, headers, b"".join([chunk async for chunk in self.chunks()])
        if b"content-length" in headers:
            return status, headers, await asyncio.wait_for(self.reader.readexactly(int(headers[b"content-length"])), 5)
        return status, headers, await asyncio.wait_for(self.reader.read(), 5)

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            size = int(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 5), 16)
            chunk = (await asyncio.wait_for(self.reader.readexactly(size + 2), 5))[:-2]
            if not size:
                return
            yield chunk

    async def rest(self) -> bytes:
        """Everything until the server closes; a reset counts as closing."""
        try:
            return await asyncio.wait_for(self.reader.read(), 5)
        except ConnectionResetError:
            return b"<reset>"

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """A connected raw client."""
    connected = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield connected
    finally:
        await connected.close()


@asynccontextmanager
async def serving(handler: Handler, limits: ServerLimits | None = None) -> AsyncIterator[Server]:
    """Our server around a handler."""
    server = await serve(handler, "127.0.0.1", 0, limits)
    try:
        yield server
    finally:
        await server.close(0.2)


class Upstream:
    """A scripted upstream: runs its script once a connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.gone = asyncio.Event()  # a connection was closed by the other side, as a script reports it
        self.port = 0
        self._server: asyncio.AbstractServer

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._script(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def stop(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await until(lambda: not self._tasks)


@asynccontextmanager
async def upstream(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """A running scripted upstream."""
    running = Upstream(script)
    await running.start(tls)
    try:
        yield running
    finally:
        await running.stop()


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one request with a content-length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head, await reader.readexactly(length)


def answering(*pieces: bytes, close: bool = False) -> Script:
    """Answer each request with the same pieces, each a write of its own."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if close:
                return

    return script


def sized(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with a content-length."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, lines, len(body), body)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class ConnectProxy:
    """A real HTTP proxy: CONNECT tunnels, and requests with absolute targets. Notes the heads that it saw."""

    def __init__(self, *, refuse: bytes = b"", target_port: int = 0) -> None:
        self.heads: list[bytes] = []
        self._refuse = refuse
        self._target_port = target_port  # where everything goes, whatever name was asked for

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self._refuse:
            writer.write(self._refuse)
            await writer.drain()
            return
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        if head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            other_writer.write(head)
        try:
            await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))
        finally:
            other_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def resident_bytes(pid: int | None = None) -> int:
    """A process' resident memory, this one's unless told."""
    return int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
