"""Progress inside requests, from every proxy's socket to whoever follows; connected only while somebody does.

Nothing is kept and nothing is made up for: a follower that falls behind loses its oldest steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from core.layout import Layout
from core.progress import Step, Wanted

LOOK_S = 0.5  # how soon a proxy that was started is listened to
MOST_STEPS = 1_000
_MOST_LINE_BYTES = 1 << 20

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Step).decode


class _Follower:
    """One subscription: its project, and what it has not taken yet."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.steps: deque[Step] = deque(maxlen=MOST_STEPS)
        self.news = asyncio.Event()


class ProgressFeed:
    """One a process. Everything in it belongs to the event loop."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._followers: set[_Follower] = set()
        self._proxies: dict[Path, asyncio.StreamWriter] = {}  # those that are connected, by their sockets
        self._reading: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    def close(self) -> None:
        """End every `follow` at its next turn."""
        self._closed = True
        for follower in self._followers:
            follower.news.set()

    async def follow(self, project: str) -> AsyncGenerator[list[Step], None]:
        """The steps of a project's requests as they happen, those that came together in one list."""
        follower = _Follower(project)
        self._followers.add(follower)
        try:
            await self._begin()
            while not self._closed:
                await follower.news.wait()
                follower.news.clear()
                if follower.steps:
                    steps = list(follower.steps)
                    follower.steps.clear()
                    yield steps
        finally:
            self._followers.discard(follower)
            self._end()

    async def _begin(self) -> None:
        """Somebody new follows: tell the proxies, and connect to them if nobody did before."""
        self._wish()
        async with self._connecting:
            if self._looking is None:
                await self._connect()  # whoever follows hears of a request that begins right after
                self._looking = asyncio.create_task(self._keep_looking(), name="progress")

    def _end(self) -> None:
        """Somebody left: tell the proxies, or leave them where that was the last."""
        if self._followers:
            self._wish()
            return
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        for writer in self._proxies.values():
            writer.transport.abort()
        self._proxies.clear()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._connect()

    async def _connect(self) -> None:
        """Connect to every proxy that is there and not connected."""
        for path in self._layout.proxies.glob("*.progress"):
            if path in self._proxies:
                continue
            with contextlib.suppress(OSError):  # one that was killed left its name
                reader, writer = await asyncio.open_unix_connection(sock=_connected(path), limit=_MOST_LINE_BYTES)
                if not self._followers:
                    writer.transport.abort()
                    return
                self._proxies[path] = writer
                self._wish()
                task = asyncio.create_task(self._read(path, reader, writer), name=f"progress of {path.stem}")
                self._reading.add(task)
                task.add_done_callback(self._reading.discard)

    async def _read(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ValueError, msgspec.DecodeError, OSError):  # a line that is too long is a ValueError
            while line := await reader.readline():
                self._tell(_decode(line))
        if self._proxies.get(path) is writer:
            del self._proxies[path]
        writer.transport.abort()

    def _tell(self, step: Step) -> None:
        for follower in self._followers:
            if follower.project == step.project:
                follower.steps.append(step)
                follower.news.set()

    def _wish(self) -> None:
        """Say to every proxy what is wanted now."""
        line = _encode(Wanted(tuple(sorted({follower.project for follower in self._followers})))) + b"\n"
        for writer in self._proxies.values():
            writer.write(line)


def _connected(path: Path) -> socket.socket:
    """A connection to a path of any length: sockets' own are short, so it is named by its open folder."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        found.close()
        raise
    finally:
        os.close(folder)
    return found
