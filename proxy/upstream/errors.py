"""What can go wrong with an upstream call. No message holds a header, a path or a proxy's password.

UpstreamError
  ConnectFailed      no connection: name, refusal, TLS, proxy
  UpstreamTimeout    the deadline passed; `phase` is connect, headers or body
  ConnectionLost     the connection ended before the answer did
  MalformedAnswer    what came is not HTTP/1.1, or not within bounds
  AnswerTooLarge     the answer is longer than the caller takes
"""

from __future__ import annotations


class UpstreamError(Exception):
    """An upstream call that brought no whole answer."""


class ConnectFailed(UpstreamError):
    """No connection could be made."""


class UpstreamTimeout(UpstreamError):
    """The caller's deadline passed."""

    def __init__(self, phase: str) -> None:
        super().__init__(f"timeout in phase {phase}")
        self.phase = phase


class ConnectionLost(UpstreamError):
    """The connection ended before the answer did."""


class MalformedAnswer(UpstreamError):
    """The answer is not HTTP as we speak it."""


class AnswerTooLarge(UpstreamError):
    """The answer is longer than `max_bytes`; its connection is closed."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the answer is longer than {max_bytes} bytes")
        self.max_bytes = max_bytes
