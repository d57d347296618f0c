"""The proxy's log: one JSON object a line on stderr. It holds what happened to the process, never what a request said.

The standard library's logging with a formatter of our own: structlog, which the API logs with, imports rich, and both would
cost each start of the proxy 40 ms and the process 6 MB. The lines have the same keys.
"""

from __future__ import annotations

import datetime as dt
import logging
import sys

import msgspec

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """`event`, what the call gave as `extra`, `logger`, `level`, `timestamp` (UTC), and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end. Never raises for a value that JSON does not know: it is written as text."""
        line: dict[str, object] = {"event": record.getMessage()}
        line |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line |= {
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure_logs() -> None:
    """Send every logger's lines from INFO up to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
