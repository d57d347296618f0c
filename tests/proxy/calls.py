"""Calls of the upstream client, as its tests make them."""

from __future__ import annotations

import asyncio

from proxy.upstream import Exchange, Origin, UpstreamRequest, Upstreams, read_all
from tests.proxy.servers import read_request


def post(port: int, body: bytes = b"{}", method: bytes = b"POST") -> UpstreamRequest:
    return UpstreamRequest(Origin("http", "127.0.0.1", port), method, b"/v1/x?y=1", [(b"x-a", b"b")], body)


async def call(upstreams: Upstreams, request: UpstreamRequest, *, within: float = 20.0) -> Exchange:
    return await upstreams.open(request, connect_timeout_s=1.0, by=asyncio.get_running_loop().time() + within)


async def whole(upstreams: Upstreams, request: UpstreamRequest, *, within: float = 20.0, max_bytes: int = 10_000_000) -> bytes:
    exchange = await call(upstreams, request, within=within)
    return await read_all(exchange, asyncio.get_running_loop().time() + within, max_bytes)


async def hangs_before_the_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()
