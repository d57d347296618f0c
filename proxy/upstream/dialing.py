"""Making a connection to an origin: directly, over TLS, or through an outgoing proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from proxy.tls import trusting_context
from proxy.upstream.connection import Connection
from proxy.upstream.errors import ConnectFailed, UpstreamTimeout
from proxy.upstream.origin import Origin
from proxy.upstream.proxies import OutgoingProxy

_CONNECT_ANSWER_BYTES = 16_384


class Dialer:
    """Dials one origin."""

    def __init__(self, origin: Origin, proxy: OutgoingProxy | None, loop: asyncio.AbstractEventLoop) -> None:
        self._origin = origin
        self._proxy = proxy
        self._loop = loop

    def opening_lines(self, origin: Origin) -> tuple[bytes, bytes]:
        """What stands before and behind the target in a request: through a plain proxy the target is a whole URL."""
        prefix = b""
        lines = f" HTTP/1.1\r\nhost: {origin.authority}\r\naccept-encoding: identity\r\n".encode()
        if self._proxy is not None and origin.scheme == "http":
            prefix = f"http://{origin.authority}".encode()
            if self._proxy.authorization:
                lines += b"proxy-authorization: %b\r\n" % self._proxy.authorization
        return prefix, lines

    async def dial(self, protocol: Callable[[], Connection], by: float) -> Connection:
        """A connected socket until `by`; raises ConnectFailed or UpstreamTimeout("connect")."""
        try:
            async with asyncio.timeout_at(by):
                return await self._dial(protocol)
        except TimeoutError:
            raise UpstreamTimeout("connect") from None
        except ssl.SSLCertVerificationError as error:
            raise ConnectFailed(f"TLS to {self._origin.host}: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise ConnectFailed(f"TLS to {self._origin.host}: {error.reason}") from None
        except OSError as error:
            raise ConnectFailed(f"no connection to {self._origin.authority}: {error.strerror or error}") from None

    async def _dial(self, protocol: Callable[[], Connection]) -> Connection:
        origin, proxy = self._origin, self._proxy
        tls = await trusting_context(self._loop) if origin.scheme == "https" else None
        if proxy is None:
            name = origin.host if tls else None
            _, connection = await self._loop.create_connection(
                protocol, origin.host, origin.port, ssl=tls, server_hostname=name
            )
            return connection
        if tls is None:
            _, connection = await self._loop.create_connection(protocol, proxy.host, proxy.port)
            return connection
        return await self._tunnel(protocol, proxy, tls)

    async def _tunnel(self, protocol: Callable[[], Connection], proxy: OutgoingProxy, tls: ssl.SSLContext) -> Connection:
        host = f"[{self._origin.host}]" if ":" in self._origin.host else self._origin.host
        authority = f"{host}:{self._origin.port}"
        transport, handshake = await self._loop.create_connection(_ConnectHandshake, proxy.host, proxy.port)
        try:
            handshake.ask(authority, proxy.authorization)
            await handshake.agreed
            connection = protocol()
            secured = await self._loop.start_tls(transport, connection, tls, server_hostname=self._origin.host)
        except BaseException:
            transport.abort()
            raise
        connection.connection_made(cast(asyncio.BaseTransport, secured))
        return connection


class _ConnectHandshake(asyncio.Protocol):
    """Sends CONNECT and waits for the proxy's consent."""

    def __init__(self) -> None:
        self.agreed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, authority: str, authorization: bytes) -> None:
        credentials = b"proxy-authorization: %b\r\n" % authorization if authorization else b""
        target = authority.encode()
        self._transport.write(b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (target, target, credentials))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if b"\r\n\r\n" in self._answer:
            self._judge(self._answer.partition(b"\r\n")[0].split(b" "))
        elif len(self._answer) > _CONNECT_ANSWER_BYTES:
            self._fail("answered with too long a head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("closed the connection")

    def _judge(self, status_line: list[bytes]) -> None:
        if len(status_line) < 2 or not status_line[0].startswith(b"HTTP/1."):
            self._fail("did not answer in HTTP")
        elif not status_line[1].startswith(b"2"):
            self._fail(f"refused the tunnel with status {status_line[1][:3].decode(errors='replace')}")
        elif not self.agreed.done():
            self.agreed.set_result(None)

    def _fail(self, what: str) -> None:
        if not self.agreed.done():
            self.agreed.set_exception(ConnectFailed(f"the outgoing proxy {what}"))
