"""What was said in one request, for the traces of projects that keep message content. Bounded, and never a reason to fail.

Kept as JSON where it is JSON; as text where it is a stream, or longer than `KEPT_BYTES`, or no JSON that every reader takes.
A trace never holds a credential: Waybill's own tokens and API keys are taken out of what was said.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

KEPT_BYTES = 256 * 1024  # of the request, and as much of the answer

# Values as they are issued, or most of one where what is kept ends.
_ISSUED = re.compile(rb"(sk-lr-|wb-)[A-Za-z0-9_-]{24,43}")
_MARKS = (b"sk-lr-", b"wb-")

_encode = msgspec.json.encode


class Content:
    """The bodies of one request. Headers are no part of it, so no credential is."""

    __slots__ = ("_kept", "_stream", "_streamed", "_truncated")

    def __init__(self, request: bytes) -> None:
        self._kept: dict[str, Raw] = {}
        self._truncated: list[str] = []
        self._stream: list[bytes] = []
        self._streamed = 0
        self._keep("request", request)

    def answer(self, body: bytes) -> None:
        """Keep a whole answer."""
        self._keep("answer", body)

    def stream(self, part: bytes) -> None:
        """Keep a part of a streamed answer, as it goes to the client."""
        room = KEPT_BYTES + 1 - self._streamed
        if part and room > 0:
            self._stream.append(part[:room])
            self._streamed += len(part)

    def as_values(self) -> dict[str, Any]:
        """`request`, `answer` where there is one, and `truncated`: the names of what was longer than is kept."""
        if self._stream:
            streamed, self._stream = b"".join(self._stream), []
            self._keep("answer", streamed)
        kept: dict[str, Any] = {**self._kept}
        return {**kept, "truncated": self._truncated} if self._truncated else kept

    def _keep(self, name: str, data: bytes) -> None:
        if len(data) > KEPT_BYTES:
            self._truncated.append(name)
        self._kept[name] = Raw(_without_issued(_as_json(data)))


def _as_json(data: bytes) -> bytes:
    """The same on one line, which is what the journal takes; text where it is too long, or not JSON through and through."""
    if len(data) <= KEPT_BYTES:
        try:
            return _encode(msgspec.json.decode(data))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    return _encode(data[:KEPT_BYTES].decode(errors="replace"))


def _without_issued(said: bytes) -> bytes:
    """Encoded JSON, in which a value of letters and digits stands as it is: no escape hides it."""
    return _ISSUED.sub(rb"\1[taken out]", said) if any(mark in said for mark in _MARKS) else said
