"""The proxy runs on uvloop, so what it is tested with does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of every asynchronous test in this folder."""
    return {"uvloop": uvloop.new_event_loop}
