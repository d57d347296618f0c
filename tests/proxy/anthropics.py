"""A proxy before an Anthropic provider, and the official Anthropic SDK for either of the two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anthropic

from tests.proxy import messages
from tests.proxy.product import HELLO, TOKEN, Provider, Proxy, configuration, provider

ASK: dict[str, Any] = {"model": "x", "max_tokens": 64, "messages": HELLO}


def files(port: int, models: Iterable[str] = ("a", "b"), *, kind: str = "anthropic", **more: Any) -> dict[str, bytes]:
    """A configuration as `product.configuration` makes it, its provider one of Anthropic's dialect."""
    made = configuration(port, models, **more)
    return {**made, "providers/up.yaml": f"kind: {kind}\nbase_url: http://127.0.0.1:{port}\n".encode()}


@asynccontextmanager
async def anthropic_provider() -> AsyncIterator[Provider]:
    """A running provider that speaks Anthropic's messages."""
    async with provider() as made:
        made.default = messages.well
        yield made


def url(server: Provider | Proxy, project: str = "") -> str:
    """The base URL for this SDK, which ends before `/v1`."""
    return f"http://127.0.0.1:{server.port}{f'/projects/{project}' if project else ''}"


@asynccontextmanager
async def sdk(
    server: Provider | Proxy, project: str = "", key: str = TOKEN, **options: Any
) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The official SDK; it does not retry unless told to."""
    # Nothing here is TLS, and reading the store of certificates costs more than all that a test does.
    http = anthropic.DefaultAsyncHttpxClient(verify=False)
    chosen: dict[str, Any] = {"max_retries": 0, "timeout": 10, "http_client": http, "api_key": key, **options}
    async with anthropic.AsyncAnthropic(base_url=url(server, project), **chosen) as client:
        yield client


def sync_sdk(server: Provider | Proxy, project: str = "", **options: Any) -> anthropic.Anthropic:
    """The official synchronous SDK."""
    http = anthropic.DefaultHttpxClient(verify=False)
    chosen: dict[str, Any] = {"max_retries": 0, "timeout": 10, "http_client": http, "api_key": TOKEN, **options}
    return anthropic.Anthropic(base_url=url(server, project), **chosen)
