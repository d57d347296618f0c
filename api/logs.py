"""The API process's log: one JSON object a line on stderr, whoever writes it, our code or a library."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def _process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["process"] = "api"
    return event


_SHARED: Final[list[Processor]] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _process,
    structlog.processors.format_exc_info,
]


def configure(level: int = logging.INFO) -> None:
    """Set structlog and the standard library's logging up for this process."""
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*_SHARED, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=_SHARED))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
