"""A committed stream on its way to the client: forwarding, backpressure, and a comment where the model is silent for long."""

from __future__ import annotations

import asyncio

from proxy.attempts import Attempt
from proxy.providers import Relay
from proxy.running import AnyExchange
from proxy.server import Request

KEEP_ALIVE_S = 15.0
_COMMENT = b": keep-alive\n\n"


class KeepAlive:
    """Writes an SSE comment whenever nothing was sent for a while: proxies between here and the client stay patient."""

    __slots__ = ("_interval_s", "_loop", "_request", "_timer", "sent_at")

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop, interval_s: float) -> None:
        self._request = request
        self._loop = loop
        self._interval_s = interval_s
        self.sent_at = loop.time()
        self._timer = loop.call_later(interval_s, self._look)

    def stop(self) -> None:
        """No comment from now on."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = self.sent_at + self._interval_s
        if due <= now + 0.001:  # the loop's clock counts milliseconds: a timer may seem early
            self._request.write(_COMMENT)
            self.sent_at = now
            due = now + self._interval_s
        self._timer = self._loop.call_at(due, self._look)


async def forward(
    request: Request,
    attempt: Attempt,
    exchange: AnyExchange,
    relay: Relay,
    first: bytes,
    keep_alive_s: float = KEEP_ALIVE_S,
) -> bytes:
    """Forward until the relay has ended or failed, never further than the client keeps up.

    Returns the last part, which is still to be sent: it leaves in one write with the end. Raises StreamBroken, ClientStalled.
    """
    out = first
    if relay.ended or relay.error is not None:
        return out
    content = attempt.call.content
    keep_alive = KeepAlive(request, attempt.loop, keep_alive_s)

    def send(out: bytes) -> bool:
        keep_alive.sent_at = attempt.loop.time()
        if content is not None:
            content.stream(out)
        return request.write(out)

    try:
        if out:
            send(out)
        while True:
            await request.drain()
            out = await attempt.forward(exchange, relay, send)
            if relay.ended or relay.error is not None:
                return out
            if out:
                send(out)
    finally:
        keep_alive.stop()
