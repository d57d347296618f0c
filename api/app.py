"""Litestar's wiring: which handler answers at which path. Nothing is decided here."""

from __future__ import annotations

from litestar import Litestar, Response, get, post, route, websocket
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from api.dashboard import Dashboard
from api.graphql.authentication import Authentication
from api.graphql.engine import Engine
from api.graphql.event_stream import EventStream
from api.graphql.execution import Executions
from api.graphql.guard import core_schema
from api.graphql.http import HttpEndpoint, HttpRequest, HttpResponse
from api.graphql.schema import build_schema
from api.graphql.websocket import Socket, WebSocketEndpoint
from api.relay import PREFIX, Relay
from api.services import Services
from api.unhandled import unhandled

PATH = "/graphql"


def build_app(services: Services) -> Litestar:
    """The API's ASGI application."""
    executions = Executions(Engine(core_schema(build_schema()), services.lengths), services.metrics)
    authentication = Authentication(services)
    graphql = _graphql(HttpEndpoint(executions, authentication), WebSocketEndpoint(executions, authentication))
    return Litestar(
        route_handlers=[*graphql, _relay(Relay(services.proxy_url, authentication)), _dashboard(Dashboard())],
        exception_handlers={Exception: unhandled},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def _graphql(http: HttpEndpoint, sockets: WebSocketEndpoint) -> list[ControllerRouterHandler]:
    @get(PATH, request_max_body_size=None)
    async def read(request: HttpRequest) -> HttpResponse | EventStream:
        return await http.answer(request)

    @post(PATH, status_code=200, request_max_body_size=None)
    async def write(request: HttpRequest) -> HttpResponse | EventStream:
        return await http.answer(request)

    @websocket(PATH)
    async def follow(socket: Socket) -> None:
        await sockets.serve(socket)

    return [read, write, follow]


def _relay(relay: Relay) -> ControllerRouterHandler:
    paths = [PREFIX + "/v1/{path:path}", PREFIX + "/projects/{slug:str}/v1/{path:path}"]

    @route(paths, http_method=["GET", "POST"], status_code=200, request_max_body_size=None)
    async def forward(request: HttpRequest) -> Response[bytes] | Stream:
        return await relay.answer(request)

    return forward


def _dashboard(dashboard: Dashboard) -> ControllerRouterHandler:
    @get(["/", "/{path:path}"])
    async def page(request: HttpRequest) -> Response[bytes]:
        found = dashboard.answer(request.scope["path"], request.headers)
        return Response(found.body, status_code=found.status, headers=found.headers)

    return page
