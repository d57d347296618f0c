"""The proxy's own HTTP/1.1 server: `serve(handler, host, port, limits)`; see docs/decisions/0002-own-http-server.md."""

from proxy.server.errors import BodyTimeout, BodyTooLarge, ClientGone, ClientStalled, ServerError
from proxy.server.limits import ServerLimits
from proxy.server.listener import Server, serve
from proxy.server.request import SERVER_LEAVES, Handler, Request

__all__ = [
    "SERVER_LEAVES",
    "BodyTimeout",
    "BodyTooLarge",
    "ClientGone",
    "ClientStalled",
    "Handler",
    "Request",
    "Server",
    "ServerError",
    "ServerLimits",
    "serve",
]
