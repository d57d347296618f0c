"""Whole answers of an Anthropic provider: messages to forward, and refusals to pass on or to fall back from. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from proxy.providers.answers import UNREADABLE, UnaryAnswer, UpstreamFailure, WrongAnswer, refused_credential
from proxy.providers.anthropic_usage import UsageObject, usage_object, usage_of
from proxy.providers.members import with_model
from proxy.providers.outcomes import retry_after_s


class _Answer(msgspec.Struct, gc=False):
    content: list[Raw]
    type: Any = None
    stop_reason: Any = None
    usage: UsageObject | None = None


class _Unmetered(msgspec.Struct, gc=False):
    """Decoded only where the usage is missing or no usage."""

    content: list[Raw]
    type: Any = None
    stop_reason: Any = None
    usage: Any = None


_answer = msgspec.json.Decoder(_Answer)
_unmetered = msgspec.json.Decoder(_Unmetered)


def read_answer(body: bytes, model: Raw) -> UnaryAnswer:
    """Check and rewrite the body of a 200. Raises WrongAnswer."""
    try:
        answer = _answer.decode(body)
        usage = usage_of(answer.usage) if answer.usage is not None else None
        if usage is not None and answer.type != "error":
            return UnaryAnswer(with_model(body, model), usage, _text(answer.stop_reason))
    except UNREADABLE:
        pass
    return _read_unmetered(body, model)


def _read_unmetered(body: bytes, model: Raw) -> UnaryAnswer:
    """An answer without a usage that can be read: still an answer, counted by its size."""
    try:
        answer = _unmetered.decode(body)
        rewritten = with_model(body, model)
    except UNREADABLE as error:
        raise WrongAnswer(f"the provider's answer is no message: {error}") from None
    if answer.type == "error":
        raise WrongAnswer("the provider answered 200 with an error")
    wire = usage_object(answer.usage)
    usage = usage_of(wire) if wire is not None else None
    return UnaryAnswer(rewritten, usage, _text(answer.stop_reason), sum(len(block) for block in answer.content))


def read_failure(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
    """Read a provider's error body, whatever it is; never raises."""
    if status in (401, 403):
        return refused_credential(status)
    wait = retry_after_s(headers, now_ms)
    error = _error_object(body)
    if error is None:
        return UpstreamFailure(status, f"The provider answered {status}.", "api_error", retry_after_s=wait)
    return UpstreamFailure(
        status,
        error["message"],
        _text(error.get("type")) or "api_error",
        retry_after_s=wait,
        verbatim=body,
        dialect="anthropic",
    )


def _error_object(body: bytes) -> dict[str, Any] | None:
    """The `error` object of an Anthropic error body; None where the body is of another form and has to be said anew."""
    try:
        said = msgspec.json.decode(body)
        error = said["error"]
        known = said["type"] == "error" and isinstance(error["message"], str)
    except (*UNREADABLE, KeyError, TypeError, IndexError):
        return None
    return error if known and isinstance(error, dict) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
