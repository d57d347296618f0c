"""How long a stream lives: no longer than the session or key that it came with, also where it has nothing to tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from api.access import Unauthenticated, Viewer
from api.people.identities import Identities

T = TypeVar("T")
log = structlog.get_logger("api.graphql")


async def while_known(identities: Identities, viewer: Viewer, source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The events of `source`; the wait for the next costs no task. Raises Unauthenticated as soon as the viewer is nobody."""
    gone: Unauthenticated | None = None
    waiting: asyncio.Timeout | None = None
    asking: set[asyncio.Task[None]] = set()

    async def ask() -> None:
        nonlocal gone
        try:
            await identities.again(viewer)
        except Unauthenticated as error:
            gone = error
            if waiting is not None:
                waiting.reschedule(asyncio.get_running_loop().time())
        except DBAPIError as error:  # it is asked again before the next event
            log.error("a stream's viewer could not be looked up", error=str(error.orig))

    def changed() -> None:
        task = asyncio.create_task(ask())
        asking.add(task)
        task.add_done_callback(asking.discard)

    with identities.watched(viewer, changed):
        while gone is None:
            try:
                async with asyncio.timeout(None) as waiting:
                    event = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if gone is None:
                    raise
                break
            finally:
                waiting = None
            yield event
        raise gone
