"""TLS towards upstreams: verified against the system's store; SSL_CERT_FILE and SSL_CERT_DIR are honoured by OpenSSL itself."""

from __future__ import annotations

import asyncio
import os
import ssl

_contexts: dict[tuple[str | None, str | None], ssl.SSLContext] = {}


async def trusting_context(loop: asyncio.AbstractEventLoop) -> ssl.SSLContext:
    """The context that all upstream connections share; made once per store, off the loop, for reading a store takes 20 ms."""
    store = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    context = _contexts.get(store)
    if context is None:
        context = _contexts[store] = await loop.run_in_executor(None, _make_context)
    return context


def _make_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
