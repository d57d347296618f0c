"""Every answer that is Waybill's own and not a provider's: one tree, and the only place that knows its wire forms.

    Refusal                       status type / code (OpenAI)                 status type (Anthropic)       retry helps
      InvalidToken                401 invalid_request_error / invalid_api_key   401 authentication_error      no
      LimitReached
        CostLimitReached          429 insufficient_quota / budget_exceeded      402 billing_error             if it ends in 60 s
        CountLimitReached         429 insufficient_quota / budget_exceeded      429 rate_limit_error          if it ends in 60 s
        RoomReserved              429 rate_limit_exceeded                       429 rate_limit_error          after 1 s
      AllRateLimited              429 rate_limit_exceeded                       429 rate_limit_error          after their wait
      NoModelAvailable            503 no_model_available                        503 overloaded_error          no
      AllModelsFailed             503 all_models_failed                         503 api_error                 no
      TimedOut                    504 timeout                                   504 timeout_error             no
      InvalidRequest              400 invalid_request_error                     400 invalid_request_error     no
      NotFound                    404 not_found                                 404 not_found_error           no
      MethodNotAllowed            405 method_not_allowed                        405 invalid_request_error     no
      BodyTooSlow                 408 request_timeout                           408 invalid_request_error     no
      RequestTooLarge             413 request_too_large                         413 request_too_large         no
      Overloaded                  503 overloaded                                503 overloaded_error          after 1 s
      NotReady                    503 not_ready                                 503 overloaded_error          no
      JournalUnavailable          503 journal_unavailable                       503 overloaded_error          no
      InternalFault               500 internal_error                            500 api_error                 no
      UpstreamRefused             the provider's own status, type and code      the same status               no

One word in the OpenAI column stands in `type` and in `code`. Every refusal says `x-should-retry`: `true` only with a
`retry-after` of at most 60 seconds, so that no SDK retries what cannot succeed. A message names what was refused, whose it is,
the figure and when it ends; it never holds a key, a token or a provider's address.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import msgspec

from core.events import Status
from core.leaks import masked

Dialect: TypeAlias = Literal["openai_chat", "openai_responses", "openai_embeddings", "anthropic"]
Headers: TypeAlias = list[tuple[bytes, bytes]]

RETRY_WITHIN_S = 60

_JSON = (b"content-type", b"application/json")
_RETRY = (b"x-should-retry", b"true")
_NO_RETRY = (b"x-should-retry", b"false")
_encode = msgspec.json.encode


class Wire(msgspec.Struct, frozen=True):
    """How one dialect says one refusal; Anthropic's dialect has no codes."""

    status: int
    type: str
    code: str | None = None


def _openai(status: int, word: str, code: str | None = None) -> Wire:
    return Wire(status, word, word if code is None else code)


class Refusal(Exception):
    """Why a request gets no provider's answer. `openai` and `anthropic` are its two wire forms, `log_status` its row's word."""

    openai: ClassVar[Wire]
    anthropic: ClassVar[Wire]
    log_status: ClassVar[Status] = "rejected"
    retry_after_default_s: ClassVar[int | None] = None

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: int | None = None) -> None:
        self.message = masked(message)  # it may say a path or a name that somebody pasted a key into
        super().__init__(self.message)
        self.param = param
        self.retry_after_s = self.retry_after_default_s if retry_after_s is None else retry_after_s

    def wire(self, dialect: Dialect) -> Wire:
        """Status, type and code in a dialect."""
        return self.anthropic if dialect == "anthropic" else self.openai

    @property
    def retryable(self) -> bool:
        """Whether an SDK should try again by itself."""
        return self.retry_after_s is not None and self.retry_after_s <= RETRY_WITHIN_S

    @property
    def code(self) -> str:
        """The word for logs and traces, whatever the client's dialect."""
        return self.openai.code or self.openai.type


class InvalidToken(Refusal):
    """The token is missing, unknown, expired, revoked, or of another project than the path's."""

    openai = _openai(401, "invalid_request_error", "invalid_api_key")
    anthropic = Wire(401, "authentication_error")


class LimitReached(Refusal):
    """Limits alone left no candidate."""

    openai = _openai(429, "insufficient_quota", "budget_exceeded")
    log_status = "budget_exceeded"


class CostLimitReached(LimitReached):
    """A cost limit is used up, or too little of it is left for this request with nothing in flight."""

    anthropic = Wire(402, "billing_error")


class CountLimitReached(LimitReached):
    """The same of a limit of calls or tokens."""

    anthropic = Wire(429, "rate_limit_error")


class RoomReserved(LimitReached):
    """The room is only taken by reservations in flight: a moment later there may be some."""

    openai = _openai(429, "rate_limit_exceeded")
    anthropic = Wire(429, "rate_limit_error")
    retry_after_default_s = 1


class AllRateLimited(Refusal):
    """Every candidate answered 429; `retry_after_s` is the smallest that they named."""

    openai = _openai(429, "rate_limit_exceeded")
    anthropic = Wire(429, "rate_limit_error")
    log_status = "error"


class NoModelAvailable(Refusal):
    """Policies, or policies and limits together, left no model."""

    openai = _openai(503, "no_model_available")
    anthropic = Wire(503, "overloaded_error")


class AllModelsFailed(Refusal):
    """Every candidate was tried and failed."""

    openai = _openai(503, "all_models_failed")
    anthropic = Wire(503, "api_error")
    log_status = "error"


class TimedOut(Refusal):
    """The last candidate, or the whole request, ran out of time."""

    openai = _openai(504, "timeout")
    anthropic = Wire(504, "timeout_error")
    log_status = "timeout"


class InvalidRequest(Refusal):
    """The body is not a request of its dialect; `param` names the field."""

    openai = _openai(400, "invalid_request_error")
    anthropic = Wire(400, "invalid_request_error")


class NotFound(Refusal):
    """An unknown path, or an unknown id at `/v1/models/{id}`."""

    openai = _openai(404, "not_found")
    anthropic = Wire(404, "not_found_error")


class MethodNotAllowed(Refusal):
    """A known path, asked with a method that it does not have; `allow` are those that it has."""

    openai = _openai(405, "method_not_allowed")
    anthropic = Wire(405, "invalid_request_error")

    def __init__(self, message: str, *, param: str | None = None, allow: str = "") -> None:
        super().__init__(message, param=param)
        self.allow = allow


class BodyTooSlow(Refusal):
    """The client did not send its body in time. No SDK should retry it: it would dawdle again."""

    openai = _openai(408, "request_timeout")
    anthropic = Wire(408, "invalid_request_error")


class RequestTooLarge(Refusal):
    """The body is larger than the settings allow."""

    openai = _openai(413, "request_too_large")
    anthropic = Wire(413, "request_too_large")


class Overloaded(Refusal):
    """Too many requests at once."""

    openai = _openai(503, "overloaded")
    anthropic = Wire(503, "overloaded_error")
    retry_after_default_s = 1


class NotReady(Refusal):
    """The proxy has no configuration yet."""

    openai = _openai(503, "not_ready")
    anthropic = Wire(503, "overloaded_error")


class JournalUnavailable(Refusal):
    """The journal cannot be written, and the settings do not say `serve`."""

    openai = _openai(503, "journal_unavailable")
    anthropic = Wire(503, "overloaded_error")


class InternalFault(Refusal):
    """A fault of Waybill itself; what it was is in the log under the request's id, not here."""

    openai = _openai(500, "internal_error")
    anthropic = Wire(500, "api_error")
    log_status = "error"


_ANTHROPIC_TYPES = {400: "invalid_request_error", 413: "request_too_large", 422: "invalid_request_error"}


class UpstreamRefused(Refusal):
    """The provider refused the request itself (400, 413, 422 …): its answer goes to the client, without fallback.

    `verbatim` is the provider's body where the client speaks the same dialect: it is sent as it came.
    """

    openai = _openai(400, "invalid_request_error")
    log_status = "error"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        verbatim: bytes | None = None,
        dialect: Dialect = "openai_chat",
    ) -> None:
        super().__init__(message, param=param)
        self._openai = Wire(status, type, code)
        known = type if dialect == "anthropic" else _ANTHROPIC_TYPES.get(status, "invalid_request_error")
        self._anthropic = Wire(status, known)
        self._dialect = dialect
        self.verbatim = verbatim

    def fits(self, dialect: Dialect) -> bool:
        """Whether the provider's words are of that dialect: all of OpenAI's say errors alike."""
        return (dialect == "anthropic") == (self._dialect == "anthropic")

    def wire(self, dialect: Dialect) -> Wire:
        """The provider's own status in either dialect."""
        return self._anthropic if dialect == "anthropic" else self._openai

    @property
    def code(self) -> str:
        """The provider's code, else its type."""
        return self._openai.code or self._openai.type


def status(dialect: Dialect, refusal: Refusal) -> int:
    """The HTTP status of a refusal in a dialect."""
    return refusal.wire(dialect).status


def headers(refusal: Refusal) -> Headers:
    """The headers of a refusal: its media type and what SDKs read about retrying. The list is new: add to it."""
    if isinstance(refusal, MethodNotAllowed):
        return [_JSON, _NO_RETRY, (b"allow", refusal.allow.encode())]
    if refusal.retry_after_s is None:
        return [_JSON, _NO_RETRY]
    return [_JSON, _RETRY if refusal.retryable else _NO_RETRY, (b"retry-after", b"%d" % refusal.retry_after_s)]


def body(dialect: Dialect, refusal: Refusal, request_id: str) -> bytes:
    """The JSON body of a refusal. Only Anthropic's dialect carries the request's id inside; in OpenAI's it is a header."""
    if isinstance(refusal, UpstreamRefused) and refusal.verbatim is not None and refusal.fits(dialect):
        return refusal.verbatim
    if dialect == "anthropic":
        return _encode({"type": "error", "error": _anthropic_error(refusal), "request_id": request_id})
    return _encode({"error": _openai_error(refusal)})


def event(dialect: Dialect, refusal: Refusal, request_id: str) -> bytes:
    """The error event that ends a stream after its commit: never a false end, never another dialect's event."""
    if dialect == "anthropic":
        payload = {"type": "error", "error": _anthropic_error(refusal), "request_id": request_id}
        return b"event: error\ndata: " + _encode(payload) + b"\n\n"
    if dialect == "openai_responses":
        # A flat event is yielded to the reader, a nested one raises in the SDK: a failure must not look like an event to skip.
        return b"event: error\ndata: " + _encode({"type": "error", "error": _openai_error(refusal)}) + b"\n\n"
    return b"data: " + _encode({"error": _openai_error(refusal)}) + b"\n\n"


def _openai_error(refusal: Refusal) -> dict[str, str | None]:
    wire = refusal.wire("openai_chat")
    return {"message": refusal.message, "type": wire.type, "param": refusal.param, "code": wire.code}


def _anthropic_error(refusal: Refusal) -> dict[str, str]:
    return {"type": refusal.wire("anthropic").type, "message": refusal.message}
