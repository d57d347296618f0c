"""GraphQL over HTTP's words: which media type a client gets, and what a request must look like. Pure.

Source: https://graphql.github.io/graphql-over-http/draft/ and, for event streams, the graphql-sse protocol ("distinct
connections" mode).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

MediaType: TypeAlias = Literal["application/graphql-response+json", "application/json", "text/event-stream"]
GRAPHQL_RESPONSE: Final[MediaType] = "application/graphql-response+json"
PLAIN_JSON: Final[MediaType] = "application/json"
EVENT_STREAM: Final[MediaType] = "text/event-stream"


class BadRequest(Exception):
    """The request is no GraphQL request: `status` and a message for whoever wrote the client."""

    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Params(msgspec.Struct, kw_only=True):
    """A well-formed request."""

    query: str
    operation_name: str | None = msgspec.field(name="operationName", default=None)
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


def preferred(accept: str | None) -> MediaType:
    """The media type to answer in; older clients that say nothing, or anything, get `application/json`.

    Raises BadRequest 406 where nothing that we speak is accepted.
    """
    if not accept or not accept.strip():
        return PLAIN_JSON
    offers: list[tuple[float, int, MediaType]] = []
    for position, part in enumerate(accept.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = _weight(parameters)
        if weight > 0 and name in (GRAPHQL_RESPONSE, PLAIN_JSON, EVENT_STREAM):
            offers.append((-weight, position, name))
        elif weight > 0 and name in ("*/*", "application/*"):
            offers.append((-weight, position, PLAIN_JSON))
    if not offers:
        raise BadRequest(406, f"answers are {GRAPHQL_RESPONSE}, {PLAIN_JSON} or {EVENT_STREAM}", "NOT_ACCEPTABLE")
    return min(offers)[2]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def require_json(content_type: str | None) -> None:
    """Raise BadRequest 415 unless a body is JSON in UTF-8."""
    name, *parameters = (piece.strip().lower() for piece in (content_type or "").split(";"))
    charset = next((found[8:].strip('"') for found in parameters if found.startswith("charset=")), "utf-8")
    if name != PLAIN_JSON or charset not in ("utf-8", "utf8"):
        raise BadRequest(415, "send the request as `content-type: application/json`", "UNSUPPORTED_MEDIA_TYPE")


def params_of_body(body: bytes) -> Params:
    """The request in a POST's body. Raises BadRequest 400."""
    try:
        return msgspec.json.decode(body, type=Params)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(400, f"the body is no GraphQL request: {error}") from error


def params_of_url(fields: Mapping[str, str]) -> Params:
    """The request in a GET's parameters, where maps are JSON text. Raises BadRequest 400."""
    try:
        maps = {name: msgspec.json.decode(fields[name]) for name in ("variables", "extensions") if fields.get(name)}
        texts = {name: fields[name] for name in ("query", "operationName") if name in fields}
        return msgspec.convert({**texts, **maps}, Params)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest(400, f"the parameters are no GraphQL request: {error}") from error
