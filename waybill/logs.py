"""The supervisor's log: one JSON object a line on stderr, as the planes write theirs."""

from __future__ import annotations

import sys
from typing import TextIO, cast

import structlog

from api.logs import Lossy


def supervisor_log() -> structlog.typing.FilteringBoundLogger:
    """A logger of its own, so that no plane's configuration changes it."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(cast("TextIO", Lossy(sys.stderr))),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return log.bind(logger="waybill.supervisor")
