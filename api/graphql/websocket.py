"""The graphql-transport-ws protocol, server side (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).

    >> connection_init {authorization?}     << connection_ack, or close 4401 (nobody) / 4403 (refused)
    >> subscribe id {query, …}              << next id {…} …, complete id   or   error id […]
    >> complete id                             ends the operation
    >> ping                                 << pong

A process that stops closes with 1012, upon which clients come again. A client that reads slowly holds up its own operations
and nobody else's: each send waits until the socket takes it.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any, Final, Literal

import msgspec
from litestar import WebSocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect

from api.access import AccessError, Unauthenticated
from api.graphql.authentication import Authentication
from api.graphql.context import Context
from api.graphql.execution import Executions, StreamEnded, refusal_errors
from api.graphql.negotiation import Params

PROTOCOL: Final = "graphql-transport-ws"
INIT_TIMEOUT_S: Final = 10.0
MAX_OPERATIONS: Final = 50

Socket = WebSocket[None, None, State]
_encode: Final = msgspec.json.Encoder().encode
_ABSENT: Final = msgspec.Raw(b"null")


class Message(msgspec.Struct):
    """What a client sends; the payload's shape depends on the type."""

    type: Literal["connection_init", "subscribe", "complete", "ping", "pong"]
    id: str | None = None
    payload: msgspec.Raw = _ABSENT


class Closed(Exception):
    """The connection must end with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class WebSocketEndpoint:
    """Serves websocket connections at `/graphql`."""

    def __init__(self, executions: Executions, authentication: Authentication) -> None:
        self.executions = executions
        self.authentication = authentication

    async def serve(self, socket: Socket) -> None:
        """One connection from its handshake to its end."""
        if PROTOCOL not in socket.scope["subprotocols"]:
            await socket.accept()
            await socket.close(4406, "Subprotocol not acceptable")
            return
        await socket.accept(subprotocols=PROTOCOL)
        connection = Connection(socket, self.executions, self.authentication)
        # A peer that vanished needs no answer: ClientDisconnected of uvicorn is an OSError.
        with suppress(WebSocketDisconnect, OSError):
            try:
                await connection.run()
            except Closed as end:
                await socket.close(end.code, str(end)[:120])


class Connection:
    """One client's connection and its running operations."""

    def __init__(self, socket: Socket, executions: Executions, authentication: Authentication) -> None:
        self.socket = socket
        self.executions = executions
        self.authentication = authentication
        self.context = authentication.context(socket)
        self.context.cookies = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until the client leaves. Raises Closed, WebSocketDisconnect."""
        try:
            await self._initialise()
            reader = asyncio.ensure_future(self._read())
            await asyncio.wait({reader, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if not reader.done():
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
            (reader if not self._ended.done() else self._ended).result()
        finally:
            tasks = list(self._operations.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._ended.done():
                self._ended.exception()

    async def _initialise(self) -> None:
        try:
            async with asyncio.timeout(INIT_TIMEOUT_S):
                while (message := await self._receive()).type != "connection_init":
                    await self._before_init(message)
        except TimeoutError as error:
            raise Closed(4408, "Connection initialisation timeout") from error
        payload = _decoded(message.payload, dict[str, Any] | None, "connection init payload") or {}
        try:
            await self.authentication.identify(self.socket, self.context, payload)
        except AccessError as error:
            raise Closed(4403, "Forbidden") from error
        if self.context.viewer is None:
            self.executions.metrics.unauthenticated.inc()
            raise Closed(4401, "Unauthorized")
        await self._send({"type": "connection_ack"})

    async def _before_init(self, message: Message) -> None:
        if message.type == "ping":
            await self._send({"type": "pong"})
        elif message.type == "subscribe":
            raise Closed(4401, "Unauthorized")

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message.type == "subscribe":
                self._subscribe(message)
            elif message.type == "complete" and message.id in self._operations:
                self._operations.pop(message.id).cancel()
            elif message.type == "ping":
                await self._send({"type": "pong"})
            elif message.type == "connection_init":
                raise Closed(4429, "Too many initialisation requests")

    async def _receive(self) -> Message:
        message: Message = _decoded(await self.socket.receive_text(), Message, "message")
        return message

    def _subscribe(self, message: Message) -> None:
        if not message.id:
            raise Closed(4400, "Invalid message")
        if message.id in self._operations:
            raise Closed(4409, f"Subscriber for {message.id} already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            raise Closed(4429, f"More than {MAX_OPERATIONS} operations on one connection")
        params: Params = _decoded(message.payload, Params, "subscribe payload")
        task = asyncio.create_task(self._operate(message.id, params))
        self._operations[message.id] = task
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """An operation's task that ended badly ends the connection."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._ended.done():
            self._ended.set_exception(error)

    async def _operate(self, operation_id: str, params: Params) -> None:
        last: dict[str, Any] = {"id": operation_id, "type": "complete"}
        head = b'{"id":' + _encode(operation_id) + b',"type":"next","payload":'
        context = self.context
        try:
            context = await self.authentication.again(self.context)
            operation = self.executions.prepare(params, context)
            async with aclosing(self.executions.payloads(operation, context)) as payloads:
                async for payload in payloads:
                    await self.socket.send_data((head + payload + b"}").decode(), mode="text")
        except (WebSocketDisconnect, OSError):
            raise  # nobody is left to tell
        except StreamEnded as end:
            raise Closed(1012, "Service Restart") from end
        except Exception as error:  # masked where it must be, and logged
            last = {"id": operation_id, "type": "error", "payload": refusal_errors(error, context.request_id)}
            if isinstance(error, Unauthenticated):
                await self._send(last)
                raise Closed(4401, "Unauthorized") from error
        # The id is free again before the client hears of it: it may be used at once.
        if self._operations.get(operation_id) is asyncio.current_task():
            del self._operations[operation_id]
        await self._send(last)

    async def _send(self, message: dict[str, Any]) -> None:
        await self.socket.send_data(_encode(message).decode(), mode="text")


def _decoded(text: str | msgspec.Raw, kind: Any, what: str) -> Any:
    """What a client sent, as a `kind`. Raises Closed."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Closed(4400, f"Invalid {what}") from error


__all__ = ["PROTOCOL", "Context", "WebSocketEndpoint"]
