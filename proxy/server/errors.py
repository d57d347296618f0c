"""What can go wrong between a client and the server.

    ServerError
      BodyTooLarge    413  the body is longer than the handler allows; the rest of it is not read
      BodyTimeout     408  the body did not arrive in time
      ClientStalled    -   the client reads nothing; the connection is already aborted
      ClientGone       -   the client closed; the handler's task is being cancelled

`Refused` is what the server itself answers before any handler runs; it never reaches a handler.
"""

from __future__ import annotations


class ServerError(Exception):
    """The client broke off, dawdled or sent too much."""

    status = 400
    code = "invalid_request_error"


class BodyTooLarge(ServerError):
    """The request's body is longer than `max_bytes`."""

    status = 413
    code = "request_too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The request body is larger than the {max_bytes} bytes that are allowed.")
        self.max_bytes = max_bytes


class BodyTimeout(ServerError):
    """The request's body was not complete in time."""

    status = 408
    code = "request_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The request body did not arrive within {seconds:g} seconds.")


class ClientStalled(ServerError):
    """The client took nothing off its connection for the allowed time."""


class ClientGone(ServerError):
    """The client closed its connection."""


class Refused(Exception):
    """A request that no handler sees: answered with `status` and a JSON error, then the connection is closed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
