"""What a client may take of the server: bytes, seconds, connections."""

from __future__ import annotations

import msgspec


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one server; seconds are floats so that tests can be quick."""

    header_bytes: int = 32_768  # request line and headers together; more is 431
    header_count: int = 128  # more is 431
    header_s: float = 10.0  # from the connection, or the first byte of a later request; longer is 408
    body_s: float = 60.0  # from the handler's call of `body()`; longer is `BodyTimeout`
    stalled_s: float = 120.0  # a client that takes nothing for so long is cut off
    idle_s: float = 75.0  # kept alive without a request
    linger_s: float = 5.0  # how long an unread body is discarded after its answer, so that the answer is not lost to a reset
    max_connections: int = 20_000  # more are answered 503 and closed
    unread_bytes: int = 65_536  # of a body, taken off the socket before the handler asks for it
    pipelined: int = 16  # requests parsed ahead of the one being answered
    write_buffer_bytes: int = 65_536  # unsent answer at which `write` says False
