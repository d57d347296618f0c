"""Who is behind a connection: an API key in `Authorization`, else a session cookie sent from our own pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from litestar.connection import ASGIConnection, WebSocket

from api.access import Forbidden, Unauthenticated
from api.graphql.context import Context
from api.graphql.cookies import CLIENT_HEADER, is_same_origin, session_cookie
from api.graphql.loaders import Loaders
from api.people import Credential
from api.services import Services

Connection = ASGIConnection[Any, Any, Any, Any]


class CrossOrigin(Forbidden):
    """A session cookie came with a request that another site may have caused."""

    code = "CROSS_ORIGIN"

    def __init__(self) -> None:
        Exception.__init__(self, f"a session cookie counts only from this site, or with the header {CLIENT_HEADER}")


class Authentication:
    """Finds the viewer of HTTP requests and websockets alike."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def context(self, connection: Connection) -> Context:
        """A context in which nobody is known yet."""
        return Context(
            services=self.services,
            loaders=Loaders(self.services),
            request_id=secrets.token_hex(8),
            address=connection.client.host if connection.client else "",
            secure=connection.url.scheme in ("https", "wss"),
        )

    async def identify(self, connection: Connection, context: Context, init_payload: Mapping[str, Any] | None = None) -> None:
        """Put the viewer into `context`, or leave it anonymous where nothing was presented.

        Raises Unauthenticated for what was presented and is not valid, CrossOrigin for a cookie that may not count.
        """
        header = _authorization(init_payload) or connection.headers.get("authorization")
        if header:
            context.credential = _from_header(header)
        else:
            value = session_cookie(connection.headers.get("cookie"))
            if value is None:
                return
            if not is_same_origin(connection.headers, isinstance(connection, WebSocket)):
                raise CrossOrigin
            context.credential = Credential.session(value)
        try:
            context.viewer = await self.services.people.viewer(context.credential)
        except Unauthenticated:
            # A cookie outlives its session, and the way out is to log in again: that must not fail for the old cookie.
            if context.credential.kind == "key":
                raise
            context.credential = None

    async def again(self, context: Context) -> Context:
        """A context for one more operation on a connection: who asks is looked up again, and nothing loaded is kept.

        Raises Unauthenticated.
        """
        fresh = replace(context, request_id=secrets.token_hex(8), loaders=Loaders(self.services), denied={})
        await fresh.refresh()
        return fresh


def _authorization(init_payload: Mapping[str, Any] | None) -> str | None:
    for name, value in (init_payload or {}).items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value
    return None


def _from_header(header: str) -> Credential:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthenticated("send an API key as `Authorization: Bearer wb-…`")
    return Credential.key(value.strip())
