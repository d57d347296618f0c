"""The embedded provider: plays scripts on the loop's clock as exchanges, with no socket, like any upstream.

`Simulator.open` and `SimulatedExchange` keep the promises of `proxy.upstream`: the same attributes, waits and errors.
"""

from __future__ import annotations

import asyncio

from core.config import Simulation
from core.facts import Dialect
from proxy.providers.simulated_script import Playwright, Script
from proxy.upstream import ConnectionLost, Sink, UpstreamRequest, UpstreamTimeout


class SimulatedExchange:
    """A simulated answer whose head has arrived."""

    __slots__ = ("_loop", "_next", "_script", "_started", "headers", "status")

    def __init__(self, script: Script, loop: asyncio.AbstractEventLoop, started: float) -> None:
        self.status = script.status
        self.headers = script.headers
        self._script = script
        self._loop = loop
        self._started = started
        self._next = 0

    @property
    def ended(self) -> bool:
        """Whether everything before the proper end was read."""
        return self._next >= len(self._script.pieces) and not self._script.cut

    async def read(self, by: float) -> bytes:
        """What is due by now, in one piece; b"" at the proper end. Raises UpstreamTimeout at `by`, and ConnectionLost."""
        script = self._script
        if script.first_s or script.each_s:
            due = self._started + script.first_s + min(self._next, max(len(script.pieces) - 1, 0)) * script.each_s
            await wait_until(due, by, self._loop, "body")
        if self._next >= len(script.pieces):
            if script.cut:
                raise ConnectionLost("the simulated connection was cut")
            return b""
        first = self._next
        self._next = self._due()
        return script.pieces[first] if self._next == first + 1 else b"".join(script.pieces[first : self._next])

    async def pour(self, sink: Sink, by: float, idle_s: float) -> None:
        """Give each read to `sink` until it says False or the answer has ended."""
        while data := await self.read(min(by, self._loop.time() + idle_s)):
            if not sink(data):
                return

    def close(self) -> None:
        """End the call: nothing more is read of it."""
        self._script = Script(self.status, self.headers, [], cut=True)

    def release(self) -> None:
        """The caller has all it needs; there is no connection to keep."""
        self.close()

    def _due(self) -> int:
        """The first piece that is not due yet."""
        script = self._script
        if not script.each_s:
            return len(script.pieces)
        elapsed = self._loop.time() - self._started - script.first_s
        return min(max(int(elapsed / script.each_s), self._next) + 1, len(script.pieces))


_DIALECTS: dict[bytes, Dialect] = {
    b"/chat/completions": "openai_chat",
    b"/v1/messages": "anthropic",
    b"/v1/messages?beta=true": "anthropic",
    b"/embeddings": "openai_embeddings",
}


class Simulator:
    """One simulated model, in the place of `proxy.upstream.Upstreams`."""

    def __init__(self, name: str, simulation: Simulation) -> None:
        self._playwright = Playwright(name, simulation)

    async def open(self, request: UpstreamRequest, *, connect_timeout_s: float, by: float) -> SimulatedExchange:
        """Answer `request`; a stream's head comes at once, any other when its body is ready. Raises UpstreamError."""
        loop = asyncio.get_running_loop()
        script = self._playwright.script(request.body, _DIALECTS[request.target])
        started = loop.time()
        if script.first_s and not script.streams:
            await wait_until(started + script.first_s, by, loop, "headers")
        if not script.status:
            raise ConnectionLost("the simulated connection was lost before an answer")
        return SimulatedExchange(script, loop, started)


async def wait_until(due: float, by: float, loop: asyncio.AbstractEventLoop, phase: str) -> None:
    """Sleep until `due`, or until `by` and raise UpstreamTimeout."""
    now = loop.time()
    if due <= now:
        return
    if due > by:
        await asyncio.sleep(by - now)
        raise UpstreamTimeout(phase)
    await asyncio.sleep(due - now)
