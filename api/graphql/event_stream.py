"""A stream of server-sent events that costs its sender one call an event: no task and no timer for each.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

KEEP_ALIVE_S: Final = 12.0
_COMMENT: Final = b":\n\n"


class EventStream(Response[None]):
    """Whole events, encoded, as they come; a comment where none came for `keep_alive_s`, so that nobody between takes the
    connection for dead. A client that leaves ends the events where they wait."""

    def __init__(
        self, events: AsyncGenerator[bytes, None], headers: dict[str, str], *, keep_alive_s: float = KEEP_ALIVE_S
    ) -> None:
        super().__init__(None, status_code=200, media_type="text/event-stream", headers=headers)
        self.events = events
        self.keep_alive_s = keep_alive_s

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """What sends it."""
        return _Sending(self)


class _Sending(ASGIResponse):
    _should_set_content_length = False

    def __init__(self, stream: EventStream) -> None:
        super().__init__(status_code=stream.status_code, media_type=stream.media_type, headers=stream.headers)
        self._events = stream.events
        self._keep_alive_s = stream.keep_alive_s
        self._said_at = 0.0

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Until the events end or the client leaves, whichever is first."""
        said = asyncio.create_task(self._say(send))
        left = asyncio.create_task(_left(receive))
        kept = asyncio.create_task(self._keep_alive(send))
        try:
            await asyncio.wait({said, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (kept, left, said):
                task.cancel()
            # Awaited, so that whatever the events hold is let go before the connection is another request's.
            outcomes = await asyncio.gather(said, left, kept, return_exceptions=True)
        if outcomes[0] is None:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not isinstance(outcomes[0], asyncio.CancelledError):
            raise outcomes[0]

    async def _say(self, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        async with aclosing(self._events) as events:
            async for event in events:
                self._said_at = clock()
                await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _keep_alive(self, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        self._said_at = clock()
        while True:
            silent_s = clock() - self._said_at
            if silent_s >= self._keep_alive_s:
                self._said_at = clock()
                await send({"type": "http.response.body", "body": _COMMENT, "more_body": True})
            else:
                await asyncio.sleep(self._keep_alive_s - silent_s)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
