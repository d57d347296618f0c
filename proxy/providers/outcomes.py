"""What an upstream's status means for the request: an answer, the next candidate, or the client's own mistake."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from math import ceil, isfinite
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["answer", "fallback", "client_error"]

# Every other 4xx is what the client sent: another model would refuse it too, or worse, accept it.
_FALLBACK = frozenset({401, 402, 403, 404, 408, 409, 429})
_LONGEST_WAIT_S = 86_400


def outcome(status: int) -> Outcome:
    """Sort a status. Redirects and informational ones count as malformed: nothing follows them, so the next candidate."""
    if status == 200:
        return "answer"
    if 400 <= status < 500 and status not in _FALLBACK:
        return "client_error"
    return "fallback"


def retry_after_s(headers: Iterable[tuple[bytes, bytes]], now_ms: int) -> int | None:
    """The seconds that `retry-after-ms` or `retry-after` (a number or a date) ask to wait, rounded up, at most a day."""
    given = {name: value for name, value in headers if name.startswith(b"retry-after")}
    for name, per_second in ((b"retry-after-ms", 1_000), (b"retry-after", 1)):
        seconds = _number(given.get(name))
        if seconds is not None:
            return _clamped(seconds / per_second)
    date = given.get(b"retry-after")
    if date is None:
        return None
    try:
        until = parsedate_to_datetime(date.decode("latin-1")).timestamp()
    except (ValueError, OverflowError):
        return None
    return _clamped(until - now_ms / 1_000)


def _number(text: bytes | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


def _clamped(seconds: float) -> int:
    return min(max(ceil(seconds), 0), _LONGEST_WAIT_S)
