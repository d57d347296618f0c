"""What ends an upstream stream before its proper end, whichever wire it came on."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class StreamFault(msgspec.Struct, frozen=True):
    """Why an upstream stream failed: its own `error` event, `malformed` data, or `cut` off before its end."""

    kind: Literal["error", "malformed", "cut"]
    message: str
    type: str = "api_error"
    code: str | int | None = None
    param: str | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status that an error event named in its code, if it did."""
        code = int(self.code) if isinstance(self.code, str) and self.code.isdecimal() else self.code
        return code if isinstance(code, int) and 400 <= code < 600 else None


CUT = StreamFault("cut", "The provider's stream broke off before its end.")
_UNSAID = "The provider failed in mid-stream."


def fault_of(error: Any) -> StreamFault:
    """The provider's own error object, in whatever shape, for a client that reads the dialect's."""
    if not isinstance(error, dict):
        return StreamFault("error", error if isinstance(error, str) and error else _UNSAID)
    message, kind, code, param = (error.get(name) for name in ("message", "type", "code", "param"))
    return StreamFault(
        "error",
        message if isinstance(message, str) and message else _UNSAID,
        type=kind if isinstance(kind, str) else "api_error",
        code=code if isinstance(code, str | int) else None,
        param=param if isinstance(param, str) else None,
    )
