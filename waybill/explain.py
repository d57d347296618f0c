"""`waybill explain FILE`: a routing decision from a JSON file, without a server; `core/explain.py` says what the file holds."""

from __future__ import annotations

import sys
from pathlib import Path

from core.explain import ExplainError, explain_file
from waybill.errors import BadArgument


def explain(file: Path) -> int:
    """Print the whole reasoning as JSON and return 0, or every fault as file: field: reason and return 1. `-` is stdin."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise BadArgument(f"{file}: {(error.strerror or str(error)).lower()}") from None
    try:
        sys.stdout.buffer.write(explain_file(text))
    except ExplainError as found:
        for field, reason in found.faults:
            print(": ".join(filter(None, (str(file), field, reason))), file=sys.stderr)  # noqa: T201  # the command's answer
        return 1
    return 0
