"""Errors outside payloads, as clients see them: a message, a code, the request's id, and nothing of our insides.

ApiError             said to the client as it is
├── BadInput         an argument cannot be what it is: BAD_USER_INPUT, retrying does not help
├── TooCostly        (api/graphql/bounds.py) more than one operation may use: TOO_COSTLY, asking for less helps
└── TryLater         too many attempts: TOO_MANY_REQUESTS, retry after the seconds it names
AccessError          (api/access.py) said as it is
RepositoryError      (api/repository/errors.py) said as it is where retrying helps: UNAVAILABLE
a full disk          said in our words: UNAVAILABLE; the log holds where
anything else        "internal error", code INTERNAL; the log holds the rest under the request's id
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from api.access import AccessError
from api.disk import FULL, is_full
from api.graphql.unquoted import unquoted
from api.repository.errors import RepositoryError
from core.leaks import masked

log = structlog.get_logger("api.graphql")


class ApiError(Exception):
    """A failure that its message explains to the client."""

    code: str = "BAD_REQUEST"


class BadInput(ApiError):
    """An argument has the right type and still cannot be used."""

    code = "BAD_USER_INPUT"


class TryLater(ApiError):
    """Too many attempts; `retry_after_s` is when another is heard."""

    code = "TOO_MANY_REQUESTS"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def code_of(error: GraphQLError) -> str:
    """The code of an error that graphql-core collected."""
    original = error.original_error
    if isinstance(original, ApiError | AccessError):
        return original.code
    if isinstance(original, RepositoryError) and original.retryable:
        return "UNAVAILABLE"
    if isinstance(original, ValueError) and error.path is None:
        return "GRAPHQL_VALIDATION_FAILED"  # a literal that its scalar does not take: nothing of ours has run yet
    if is_full(original):
        return "UNAVAILABLE"
    if original is not None and not isinstance(original, GraphQLError):
        return "INTERNAL"
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    return str((error.extensions or {}).get("code", "GRAPHQL_VALIDATION_FAILED" if error.path is None else "BAD_USER_INPUT"))


def answer_errors(errors: Iterable[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """The `errors` of an answer; what must not be said is logged instead."""
    return [_answer_error(error, request_id) for error in errors]


def _answer_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    code = code_of(error)
    shown: dict[str, Any] = {"message": masked(error.message)}
    if error.original_error is None or isinstance(error.original_error, GraphQLError | ValueError):
        shown["message"] = unquoted(error.message)
    if code == "INTERNAL":
        log.error("resolver failed", request_id=request_id, path=error.path, exc_info=error.original_error)
        shown["message"] = "internal error"
    elif code == "UNAVAILABLE" and is_full(error.original_error):
        log.error("disk full", request_id=request_id, path=error.path, exc_info=error.original_error)
        shown["message"] = FULL
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = list(error.path)
    shown["extensions"] = {"code": code, "requestId": request_id}
    if isinstance(error.original_error, TryLater):
        shown["extensions"]["retryAfterSeconds"] = error.original_error.retry_after_s
    return shown
