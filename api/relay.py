"""The playground's way to the proxy: requests of our own pages go on to it as they are, and its answers come back as they come.

A session is what opens the way, from our own origin alone; the project token of `x-api-key` is what the proxy asks for. The
session's cookie stays here, and the token is neither kept nor logged. Not for applications: they connect to the proxy itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
import msgspec
from litestar import Response
from litestar.response import Stream

from api.access import AccessError, Unauthenticated
from api.graphql.authentication import Authentication
from api.graphql.http import HttpRequest

PREFIX: Final = "/relay"
# Images in base64; the proxy has its own bound besides.
MAX_BODY_BYTES: Final = 33_554_432
# The proxy answers for its own timeouts: this one is only for a proxy that is gone.
TIMEOUT: Final = httpx.Timeout(None, connect=5.0)
FORWARDED: Final = ("content-type", "accept", "x-api-key", "anthropic-version", "anthropic-beta")
RETURNED: Final = ("content-type", "retry-after", "x-should-retry")
OWN: Final = "x-waybill-"


class Relay:
    """Sends requests on to the proxy at `proxy_url`. Its connections end with the process."""

    def __init__(self, proxy_url: str, authentication: Authentication) -> None:
        self._authentication = authentication
        self._client = httpx.AsyncClient(base_url=proxy_url, timeout=TIMEOUT, trust_env=False)

    async def answer(self, request: HttpRequest) -> Response[bytes] | Stream:
        """The proxy's answer, streamed; 401 and 403 for who may not use the relay, 413 and 502 where nothing was sent on."""
        try:
            await self._admit(request)
        except AccessError as error:
            return _refused(401 if isinstance(error, Unauthenticated) else 403, str(error))
        if (body := await _body(request)) is None:
            return _refused(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        # Passed on as it comes, so it must come as it was written.
        headers = {"accept-encoding": "identity"} | {name: value for name in FORWARDED if (value := request.headers.get(name))}
        path = request.scope["path"].removeprefix(PREFIX)
        try:
            sent = self._client.build_request(request.method, path, content=body, headers=headers)
            answer = await self._client.send(sent, stream=True)
        except httpx.HTTPError as error:
            return _refused(502, f"the proxy does not answer ({type(error).__name__}): the page Status says what runs")
        return Stream(_parts(answer), status_code=answer.status_code, headers=_returned(answer.headers))

    async def _admit(self, request: HttpRequest) -> None:
        """Raise AccessError where nobody is signed in. An API key is for programs, which have the proxy itself."""
        context = self._authentication.context(request)
        if request.headers.get("authorization"):
            raise Unauthenticated("the relay takes a session, and the project token in `x-api-key`")
        await self._authentication.identify(request, context)
        if context.viewer is None:
            raise Unauthenticated("nobody is signed in")


async def _body(request: HttpRequest) -> bytes | None:
    """The whole body; None where it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


async def _parts(answer: httpx.Response) -> AsyncIterator[bytes]:
    """What the proxy sends, as it sends it. Whoever stops reading ends the request there, too."""
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def _returned(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name in RETURNED or name.startswith(OWN)}
    # What an application gets must not be run or kept by a browser that opens it as a page.
    return {**kept, "cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}


def _refused(status: int, message: str) -> Response[bytes]:
    """An error in the shape that the proxy's have."""
    payload = msgspec.json.encode({"error": {"message": message, "type": "relay_error", "code": None, "param": None}})
    return Response(payload, status_code=status, media_type="application/json", headers={"cache-control": "no-store"})
