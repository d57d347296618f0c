"""The only upstream sockets: a pool of kept-alive HTTP/1.1 connections per origin, on asyncio and httptools."""

from proxy.upstream.errors import (
    AnswerTooLarge,
    ConnectFailed,
    ConnectionLost,
    MalformedAnswer,
    UpstreamError,
    UpstreamTimeout,
)
from proxy.upstream.exchange import Exchange, Sink, read_all
from proxy.upstream.origin import Origin, UpstreamRequest
from proxy.upstream.pool import Upstreams

__all__ = [
    "AnswerTooLarge",
    "ConnectFailed",
    "ConnectionLost",
    "Exchange",
    "MalformedAnswer",
    "Origin",
    "Sink",
    "UpstreamError",
    "UpstreamRequest",
    "UpstreamTimeout",
    "Upstreams",
    "read_all",
]
