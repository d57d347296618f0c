"""GraphQL over HTTP and over event streams: Litestar's request in, Litestar's response out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from graphql import OperationType
from litestar import Request, Response
from litestar.datastructures import State

from api.access import AccessError, Unauthenticated
from api.graphql.authentication import Authentication
from api.graphql.context import Context
from api.graphql.engine import Operation, RequestRefused
from api.graphql.event_stream import EventStream
from api.graphql.execution import Executions, StreamEnded, encode_errors, refusal_errors
from api.graphql.negotiation import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    PLAIN_JSON,
    BadRequest,
    MediaType,
    Params,
    params_of_body,
    params_of_url,
    preferred,
    require_json,
)

MAX_BODY_BYTES: Final = 1_048_576
BODY_TIMEOUT_S: Final = 30.0

HttpRequest = Request[None, None, State]
HttpResponse = Response[bytes]


class HttpEndpoint:
    """Answers GET and POST at `/graphql`."""

    def __init__(self, executions: Executions, authentication: Authentication) -> None:
        self.executions = executions
        self.authentication = authentication

    async def answer(self, request: HttpRequest) -> HttpResponse | EventStream:
        """The response to one request; never raises for what a client can cause."""
        context = self.authentication.context(request)
        media: MediaType = PLAIN_JSON
        try:
            media = preferred(request.headers.get("accept"))
            params = await _params(request)
            await self.authentication.identify(request, context)
            operation = self.executions.prepare(params, context)
            _require_transport(request, operation, media)
            if media == EVENT_STREAM:
                context.cookies = None
                return self._stream(operation, context)
            if request.method == "POST":
                await self.authentication.renew(context)
            payload = await self.executions.single(operation, context)
            return _response(context, 200, payload, media)
        except BadRequest as error:
            problem = {"message": str(error), "extensions": {"code": error.code, "requestId": context.request_id}}
            return _response(context, error.status, encode_errors([problem]), _readable(media))
        except RequestRefused as error:
            return self._refused(error, context, media)
        except AccessError as error:
            return self._denied(error, context, media)

    def _refused(self, error: RequestRefused, context: Context, media: MediaType) -> HttpResponse | EventStream:
        """A document that never ran: 400, except that older clients expect 200 and streams say it in the stream."""
        payload = encode_errors(refusal_errors(error, context.request_id))
        if media == EVENT_STREAM:
            return _event_stream(_refusal_events(payload), context)
        return _response(context, 400 if media == GRAPHQL_RESPONSE else 200, payload, media)

    def _denied(self, error: AccessError, context: Context, media: MediaType) -> HttpResponse:
        payload = encode_errors(refusal_errors(error, context.request_id))
        if isinstance(error, Unauthenticated):
            self.executions.metrics.unauthenticated.inc()
            response = _response(context, 401, payload, _readable(media))
            response.headers["www-authenticate"] = 'Bearer realm="waybill"'
            return response
        return _response(context, 403, payload, _readable(media))

    def _stream(self, operation: Operation, context: Context) -> EventStream:
        return _event_stream(self._events(operation, context), context)

    async def _events(self, operation: Operation, context: Context) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self.executions.payloads(operation, context)) as payloads:
                async for payload in payloads:
                    yield b"event: next\ndata: " + payload + b"\n\n"
        except StreamEnded:
            return  # without `complete`: clients take it for a lost connection, and come again
        except Exception as error:  # the status is sent: whatever happens is said in the stream, masked where it must be
            yield b"event: next\ndata: " + encode_errors(refusal_errors(error, context.request_id)) + b"\n\n"
        yield b"event: complete\ndata:\n\n"


async def _params(request: HttpRequest) -> Params:
    """The GraphQL request inside an HTTP request. Raises BadRequest."""
    if request.method == "GET":
        return params_of_url({name: str(value) for name, value in request.query_params.items()})
    require_json(request.headers.get("content-type"))
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise BadRequest(413, f"the body is larger than {MAX_BODY_BYTES} bytes", "PAYLOAD_TOO_LARGE")
    except TimeoutError as error:
        raise BadRequest(408, f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s", "TIMEOUT") from error
    return params_of_body(bytes(body))


def _require_transport(request: HttpRequest, operation: Operation, media: MediaType) -> None:
    """Raise BadRequest for an operation that this method or media type cannot carry."""
    if request.method == "GET" and operation.kind is OperationType.MUTATION:
        raise BadRequest(405, "a mutation is sent by POST", "METHOD_NOT_ALLOWED")
    if operation.kind is OperationType.SUBSCRIPTION and media != EVENT_STREAM:
        raise BadRequest(406, f"a subscription needs `accept: {EVENT_STREAM}` or a websocket", "NOT_ACCEPTABLE")


def _readable(media: MediaType) -> MediaType:
    """What an error outside a stream is written in."""
    return PLAIN_JSON if media == EVENT_STREAM else media


def _response(context: Context, status: int, payload: bytes, media: MediaType) -> HttpResponse:
    response = Response(payload, status_code=status, media_type=f"{media}; charset=utf-8")
    response.headers.update({"x-request-id": context.request_id, "cache-control": "no-store"})
    if status == 405:
        response.headers["allow"] = "POST"
    if context.cookies:
        response.headers["set-cookie"] = context.cookies[-1]
    return response


def _event_stream(events: AsyncGenerator[bytes, None], context: Context) -> EventStream:
    headers = {"x-request-id": context.request_id, "cache-control": "no-store", "x-accel-buffering": "no"}
    return EventStream(events, headers)


async def _refusal_events(payload: bytes) -> AsyncGenerator[bytes, None]:
    yield b"event: next\ndata: " + payload + b"\n\n"
    yield b"event: complete\ndata:\n\n"
