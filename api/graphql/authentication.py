"""Who is behind a connection: an API key in `Authorization`, else a session cookie sent from our own pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from litestar.connection import ASGIConnection, WebSocket

from api.access import Forbidden, Unauthenticated
from api.audit import Entry
from api.graphql.context import Context
from api.graphql.cookies import CLIENT_HEADER, VIEWER_HEADER, is_own_origin, is_same_origin, session_cookie, set_cookie
from api.graphql.ids import node_id
from api.graphql.loaders import Loaders
from api.history.texts import Room
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
            agent=connection.headers.get("user-agent", ""),
            secure=_is_secure(connection),
            foreign=_is_foreign(connection),
        )

    async def identify(self, connection: Connection, context: Context, init_payload: Mapping[str, Any] | None = None) -> None:
        """Put the viewer into `context`, or leave it anonymous where nothing was presented.

        Raises Unauthenticated for what was presented and is not valid or not the expected viewer's, CrossOrigin for a
        cookie that may not count.
        """
        header = _authorization(init_payload) or connection.headers.get("authorization")
        if header:
            context.credential = _from_header(header)
        else:
            value = session_cookie(connection.headers.get("cookie"), secure=context.secure)
            if value is None:
                return
            if not is_same_origin(connection.headers, websocket=isinstance(connection, WebSocket), secure=context.secure):
                raise CrossOrigin
            context.credential = Credential.session(value)
        try:
            context.viewer = await self.services.people.viewer(context.credential)
        except Unauthenticated:
            # A cookie outlives its session, and the way out is to log in again: that must not fail for the old cookie.
            if context.credential.kind == "key":
                refused = Entry(action="apiKey", outcome="refused", subject="an unknown key", client=context.address)
                await self.services.people.audit.note_denied(context.address, refused)
                raise
            context.credential = None
        expected = connection.headers.get(VIEWER_HEADER)
        if expected and context.viewer is not None and expected != node_id("Viewer", context.viewer.user_id):
            raise Unauthenticated("somebody else is signed in than the page that asks belongs to")

    async def renew(self, context: Context) -> None:
        """Give a session whose value is an hour old a new one, with the answer to this request."""
        viewer, credential = context.viewer, context.credential
        if viewer is None or credential is None or credential.kind != "session" or context.cookies is None:
            return
        renewed = await self.services.people.sessions.renewed(credential, viewer)
        if renewed is not None:
            context.cookies.append(set_cookie(renewed.session, renewed.max_age_s, secure=context.secure))

    async def again(self, context: Context) -> Context:
        """A context for one more operation on a connection: who asks is looked up again, and nothing loaded is kept.

        Raises Unauthenticated.
        """
        fresh = replace(context, request_id=secrets.token_hex(8), loaders=Loaders(self.services), denied={}, room=Room())
        await fresh.refresh()
        return fresh


def _is_secure(connection: Connection) -> bool:
    """Whether the client speaks TLS, to us or to what ends it before us."""
    return connection.url.scheme in ("https", "wss")


def _is_foreign(connection: Connection) -> bool:
    """Whether the browser says that another site's page made this request."""
    headers = connection.headers
    if headers.get("origin") is None:
        return headers.get("sec-fetch-site") in ("cross-site", "same-site")
    return not headers.get(CLIENT_HEADER) and not is_own_origin(headers, secure=_is_secure(connection))


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
