"""Connections kept for reuse, per origin: last in, first out, so that a burst's surplus ages and closes."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping

from proxy.outbox import Outbox
from proxy.upstream.connection import Connection, StaleConnection
from proxy.upstream.dialing import Dialer
from proxy.upstream.errors import ConnectFailed, UpstreamTimeout
from proxy.upstream.exchange import Exchange
from proxy.upstream.origin import Origin, UpstreamRequest
from proxy.upstream.proxies import proxy_for

_IDLE_S = 45.0
_MAX_CONNECTIONS = 4096


class Pool:
    """The connections of one origin."""

    def __init__(
        self,
        origin: Origin,
        dialer: Dialer,
        outbox: Outbox,
        loop: asyncio.AbstractEventLoop,
        *,
        idle_s: float,
        max_connections: int,
    ) -> None:
        self.loop = loop
        self.outbox = outbox
        self.dialer = dialer
        self.opening = dialer.opening_lines(origin)
        self._idle_s = idle_s
        self._max = max_connections
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._dialing = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def open(self) -> int:
        """Open connections, idle ones included."""
        return len(self._open)

    def take(self) -> Connection | None:
        """The connection that was used last, if one is idle."""
        return self._idle.pop() if self._idle else None

    async def acquire(self, connect_by: float, by: float, *, fresh: bool) -> Connection:
        """A connection to use now: dialled, or handed over by another call when as many as allowed are open."""
        while len(self._open) + self._dialing >= self._max:
            if fresh and self._idle:
                self._idle[0].abandon()
                continue
            connection = await self._wait(by)
            if connection is not None:
                return connection
        self._dialing += 1
        try:
            connection = await self.dialer.dial(lambda: Connection(self), connect_by)
        except BaseException:
            self._dialing -= 1
            self._give_way()
            raise
        self._dialing -= 1
        self._open.add(connection)
        if connection.closed:
            self.forget(connection)
            raise ConnectFailed("the connection closed as soon as it was made")
        return connection

    def release(self, connection: Connection) -> None:
        """A connection whose answer is whole: to the caller that waits longest, else into the pool."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                connection.reused = True
                waiter.set_result(connection)
                return
        connection.park(self.loop.time() + self._idle_s)
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """A connection that has closed: its place is free."""
        if connection in self._open:
            self._open.remove(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._give_way()

    def close(self) -> None:
        """Close every connection."""
        for connection in tuple(self._open):
            connection.abandon()

    def _give_way(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _wait(self, by: float) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self.loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(by):
                return await waiter
        except TimeoutError:
            self._pass_on(waiter)
            raise UpstreamTimeout("connect") from None
        except asyncio.CancelledError:
            self._pass_on(waiter)
            raise

    def _pass_on(self, waiter: asyncio.Future[Connection | None]) -> None:
        # The hand-over and the end of the wait may meet in one turn of the loop: nothing may be lost then.
        if not waiter.done() or waiter.cancelled():
            return
        connection = waiter.result()
        if connection is None:
            self._give_way()
        else:
            self.release(connection)


class Upstreams:
    """All upstream sockets of the process; `open` is the one way to make a call, and calls leave through `outbox`."""

    def __init__(
        self,
        outbox: Outbox | None = None,
        *,
        idle_s: float = _IDLE_S,
        max_connections: int = _MAX_CONNECTIONS,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox or Outbox(self._loop)
        self._environ = os.environ if environ is None else environ
        self._idle_s = idle_s
        self._max_connections = max_connections
        self._pools: dict[Origin, Pool] = {}

    async def open(self, request: UpstreamRequest, *, connect_timeout_s: float, by: float) -> Exchange:
        """Send `request` and wait until the head of its answer is complete, at most until `by` (loop time).

        A pooled connection that turns out to be closed before any byte of the answer is replaced once by a fresh one; nothing
        else is sent twice. Raises UpstreamError.
        """
        pool = self._pools.get(request.origin)
        if pool is None:
            pool = self._add_pool(request.origin)
        head = self._head(pool, request)
        bodiless = request.method == b"HEAD"
        connection = pool.take()
        if connection is None:
            connection = await pool.acquire(self._loop.time() + connect_timeout_s, by, fresh=False)
        try:
            return await connection.exchange(head, request.body, by, bodiless=bodiless)
        except StaleConnection:
            pass
        connection = await pool.acquire(self._loop.time() + connect_timeout_s, by, fresh=True)
        connection.reused = False
        return await connection.exchange(head, request.body, by, bodiless=bodiless)

    async def close(self) -> None:
        """Close every connection, also those in use."""
        for pool in self._pools.values():
            pool.close()
        # The loop closes the sockets in its next turn.
        await asyncio.sleep(0)

    @property
    def open_connections(self) -> int:
        """Open sockets, idle ones included."""
        return sum(pool.open for pool in self._pools.values())

    def _add_pool(self, origin: Origin) -> Pool:
        dialer = Dialer(origin, proxy_for(origin, self._environ), self._loop)
        pool = Pool(origin, dialer, self._outbox, self._loop, idle_s=self._idle_s, max_connections=self._max_connections)
        self._pools[origin] = pool
        return pool

    @staticmethod
    def _head(pool: Pool, request: UpstreamRequest) -> bytes:
        prefix, suffix = pool.opening
        lines = b"".join([b"%b: %b\r\n" % header for header in request.headers])
        if lines.count(b"\n") != len(request.headers):
            raise ValueError("a header contains a line break")
        return b"%b %b%b%b%bcontent-length: %d\r\n\r\n" % (
            request.method,
            prefix,
            request.target,
            suffix,
            lines,
            len(request.body),
        )
