"""Messages of graphql-core without the values that they quote: a mistyped request can hold a key or a password, and an answer
ends up in logs of clients and of whatever stands between."""

from __future__ import annotations

import re
from typing import Final

# How graphql-core leads up to a value that it quotes, up to the message's end: what was given may hold any character. The path
# to a field of that name, `at .rules[0].value: `, leads up to the reason.
_VALUE: Final = re.compile(r"([,;] found|\bFound|(?<!invalid )(?<!\.)\bvalue): .*", re.DOTALL)
_ENUM: Final = re.compile(r"\b(Value) '.*' (does not exist in )", re.DOTALL)
_TOKEN: Final = re.compile(r"\b(String|BlockString) .*", re.DOTALL)
_FIELD: Final = re.compile(r"(unknown field) '.{41,}?'", re.DOTALL)


def unquoted(message: str) -> str:
    """The message, with `…` for each value of the request in it; names of types, fields and short unknown names stay."""
    if message.startswith("Syntax Error"):
        return _TOKEN.sub(r"\1 …", message)
    message = _ENUM.sub(r"\1 … \2", message)
    return _FIELD.sub(r"\1 …", _VALUE.sub(r"\1: …", message))
