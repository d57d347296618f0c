"""Whole answers of an OpenAI chat provider: completions to forward, and refusals to pass on or to fall back from. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from proxy.providers.answers import UNREADABLE, UnaryAnswer, UpstreamFailure, WrongAnswer, refused_credential
from proxy.providers.members import with_model
from proxy.providers.openai_chunks import Delta, content_chars
from proxy.providers.openai_usage import UsageObject, usage_from, usage_of
from proxy.providers.outcomes import retry_after_s


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


def read_answer(body: bytes, model: Raw) -> UnaryAnswer:
    """Check and rewrite the body of a 200. Raises WrongAnswer."""
    try:
        completion = _completion.decode(body)
        usage = usage_of(completion.usage) if completion.usage is not None else None
    except UNREADABLE:
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
    except UNREADABLE as error:
        raise WrongAnswer(f"the provider's answer is no chat completion: {error}") from None
    return UnaryAnswer(rewritten, usage_from(completion.usage), _reason(completion.choices[0].finish_reason), chars)


def _reason(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def read_failure(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
    """Read a provider's error body, whatever it is; never raises."""
    wait = retry_after_s(headers, now_ms)
    if status in (401, 403):
        return refused_credential(status)
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


def _error_object(body: bytes) -> dict[str, Any] | None:
    """The `error` object of an OpenAI error body; None where the body is of another form and has to be said anew."""
    try:
        error = msgspec.json.decode(body)["error"]
    except (*UNREADABLE, KeyError, TypeError, IndexError):
        return None
    return error if isinstance(error, dict) and isinstance(error.get("message"), str) else None
