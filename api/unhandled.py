"""What the API answers where no handler does: another method, a path that is none, a failure that nobody caught. In the shape
of GraphQL's errors, with the request's id, and nothing of our insides."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from api.disk import FULL, is_full

log = structlog.get_logger("api.http")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def unhandled(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to a request that ended with `error` before or outside its handler."""
    status = _status(error)
    request_id = secrets.token_hex(8)
    if status >= 500:
        log.error("request failed", request_id=request_id, method=request.method, exc_info=error)
    code = {500: "INTERNAL", 503: "UNAVAILABLE"}.get(status, status.name)
    problem = {"message": _said(status, error), "extensions": {"code": code, "requestId": request_id}}
    headers = {"x-request-id": request_id, "cache-control": "no-store"}
    if allowed := _allowed(error):
        headers["allow"] = allowed
    content = msgspec.json.encode({"errors": [problem]})
    return Response(content, status_code=status, headers=headers, media_type="application/json; charset=utf-8")


def _status(error: Exception) -> HTTPStatus:
    if isinstance(error, HTTPException):
        return HTTPStatus(error.status_code)
    return HTTPStatus.SERVICE_UNAVAILABLE if is_full(error) else HTTPStatus.INTERNAL_SERVER_ERROR


def _said(status: HTTPStatus, error: Exception) -> str:
    if is_full(error):
        return FULL
    return "internal error" if status >= 500 else status.phrase.lower()


def _allowed(error: Exception) -> str:
    """The methods that the path does take, from the router."""
    found = (getattr(error, "headers", None) or {}).get("allow", "")
    return ", ".join(name for name in _METHODS if name in found.split(", "))
