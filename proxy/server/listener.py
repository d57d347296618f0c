"""Listening, counting connections, and closing without cutting answers short."""

from __future__ import annotations

import asyncio

from proxy.outbox import Outbox
from proxy.server.connection import Connection
from proxy.server.heads import DatedHeads
from proxy.server.limits import ServerLimits
from proxy.server.request import Handler

# A cancelled handler still settles and journals what its request used.
_CANCELLED_S = 2.0


class Server:
    """A listening server. `port` is the real one when 0 was asked for."""

    def __init__(self, handler: Handler, limits: ServerLimits, outbox: Outbox, loop: asyncio.AbstractEventLoop) -> None:
        self.handler = handler
        self.outbox = outbox
        self.limits = limits
        self.loop = loop
        self.heads = DatedHeads()
        self.running = 0  # handlers at work
        self.closing = False
        self.port = 0
        self._connections: set[Connection] = set()
        self._listener: asyncio.AbstractServer
        self._drained = asyncio.Event()

    @property
    def connections(self) -> int:
        """Open client connections."""
        return len(self._connections)

    async def listen(self, host: str, port: int) -> None:
        """Bind; raises OSError when the address is taken."""
        listener = await self.loop.create_server(lambda: Connection(self), host, port, backlog=1024)
        self._listener = listener
        self.port = listener.sockets[0].getsockname()[1]

    async def close(self, grace_s: float) -> None:
        """Stop listening; idle connections close, requests in flight get `grace_s`, then they are cancelled."""
        self.closing = True
        self._listener.close()
        for connection in tuple(self._connections):
            connection.close_gracefully()
        await self._settled(grace_s)
        for connection in tuple(self._connections):
            connection.cancel()
        await self._settled(_CANCELLED_S)

    async def _settled(self, seconds: float) -> None:
        self.check_drained()
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            return

    def check_drained(self) -> None:
        """Let `close` go on once nothing is open and no handler runs."""
        if not self._connections and self.running == 0:
            self._drained.set()
        else:
            self._drained.clear()

    def admit(self, connection: Connection) -> bool:
        """Count a connection in; False: there are too many."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.max_connections and not self.closing

    def forget(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        if self.closing:
            self.check_drained()


async def serve(
    handler: Handler, host: str, port: int, limits: ServerLimits | None = None, outbox: Outbox | None = None
) -> Server:
    """Serve HTTP/1.1: one task a request runs `handler`, and is cancelled when its client goes away.

    Answers leave through `outbox`, so that what is journalled in the same turn of the loop is written before them.
    """
    loop = asyncio.get_running_loop()
    server = Server(handler, limits or ServerLimits(), outbox or Outbox(loop), loop)
    await server.listen(host, port)
    return server
