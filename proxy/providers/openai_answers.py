"""Whole answers of an OpenAI chat provider: completions to forward, and refusals to pass on or to fall back from. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from core.money import Usage
from proxy.providers.members import with_model
from proxy.providers.openai_chunks import Delta, content_chars
from proxy.providers.openai_usage import UsageObject, estimated, usage_from, usage_of
from proxy.providers.outcomes import retry_after_s
from proxy.refusals import UpstreamRefused

_MESSAGE_CHARS = 500


class WrongAnswer(Exception):
    """A 200 whose body is no chat completion: the next candidate is tried."""


class UnaryAnswer(msgspec.Struct, frozen=True, gc=False):
    """A completion, with the Waybill model id in `model`, everything else as the provider sent it."""

    body: bytes
    usage: Usage | None
    finish_reason: str | None
    content_chars: int = 0  # known only where the usage is not

    def usage_or_estimate(self, input_tokens_estimate: int) -> Usage:
        """What the provider said, else an estimate from what it sent."""
        return self.usage or estimated(input_tokens_estimate, 1, self.content_chars)


class _Choice(msgspec.Struct, gc=False):
    finish_reason: Any = None


class _Completion(msgspec.Struct, gc=False):
    choices: Annotated[list[_Choice], Meta(min_length=1)]
    usage: UsageObject | None = None
    error: Any = None


class _FullChoice(msgspec.Struct, gc=False):
    message: Delta | None = None
    finish_reason: Any = None


class _FullCompletion(msgspec.Struct, gc=False):
    """Decoded only where the usage is missing or no usage."""

    choices: Annotated[list[_FullChoice], Meta(min_length=1)]
    usage: Any = None
    error: Any = None


_completion = msgspec.json.Decoder(_Completion)
_full_completion = msgspec.json.Decoder(_FullCompletion)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_answer(body: bytes, model: Raw) -> UnaryAnswer:
    """Check and rewrite the body of a 200. Raises WrongAnswer."""
    try:
        completion = _completion.decode(body)
        usage = usage_of(completion.usage) if completion.usage is not None else None
    except _UNREADABLE:
        return _read_unmetered(body, model)
    if usage is None or completion.error:
        return _read_unmetered(body, model)
    return UnaryAnswer(with_model(body, model), usage, _reason(completion.choices[0].finish_reason))


def _read_unmetered(body: bytes, model: Raw) -> UnaryAnswer:
    """An answer without a usage that can be read: still an answer, counted by its text."""
    try:
        completion = _full_completion.decode(body)
        if completion.error:
            raise WrongAnswer("the provider answered 200 with an error")
        chars = sum(content_chars(choice.message) for choice in completion.choices if choice.message is not None)
        rewritten = with_model(body, model)
    except _UNREADABLE as error:
        raise WrongAnswer(f"the provider's answer is no chat completion: {error}") from None
    return UnaryAnswer(rewritten, usage_from(completion.usage), _reason(completion.choices[0].finish_reason), chars)


def _reason(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class UpstreamFailure(msgspec.Struct, frozen=True):
    """An answer that is not 200: what the trace says of it, and what fallback needs. `verbatim`: a body fit for a client."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    retry_after_s: int | None = None
    verbatim: bytes | None = None

    def refusal(self) -> UpstreamRefused:
        """The client's answer where the provider found fault with the request itself."""
        return UpstreamRefused(
            self.status, self.message, type=self.type, code=self.code, param=self.param, verbatim=self.verbatim
        )


def read_failure(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
    """Read a provider's error body, whatever it is; never raises.

    Of a refused credential nothing is kept but the status: providers quote parts of the key that they refuse.
    """
    wait = retry_after_s(headers, now_ms)
    if status in (401, 403):
        return UpstreamFailure(status, f"The provider refused its credential ({status}).", "authentication_error")
    error = _error_object(body)
    if error is None:
        return UpstreamFailure(status, f"The provider answered {status}.", "api_error", retry_after_s=wait)
    code = error.get("code")
    return UpstreamFailure(
        status=status,
        message=_reason(error.get("message")) or f"The provider answered {status}.",
        type=_reason(error.get("type")) or "api_error",
        code=str(code) if isinstance(code, str | int) else None,
        param=_reason(error.get("param")),
        retry_after_s=wait,
        verbatim=body,
    )


def trace_message(failure: UpstreamFailure) -> str:
    """The failure's message in a length fit for a log row."""
    return failure.message if len(failure.message) <= _MESSAGE_CHARS else failure.message[: _MESSAGE_CHARS - 1] + "…"


def _error_object(body: bytes) -> dict[str, Any] | None:
    """The `error` object of an OpenAI error body; None where the body is of another form and has to be said anew."""
    try:
        error = msgspec.json.decode(body)["error"]
    except (*_UNREADABLE, KeyError, TypeError, IndexError):
        return None
    return error if isinstance(error, dict) and isinstance(error.get("message"), str) else None
