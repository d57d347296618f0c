"""Answers proxies that ask what a scope had used before they began to count it. Reads alone; the question and the answer are
files (`core/balances.py`), so neither process waits for the other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database import windows
from api.database.windows import Run
from api.wakeups import Wakeups
from core.balances import Count, OpeningBalance, OpeningBalances, PendingCounts, read_opening, read_pending
from core.layout import Layout

# What is not recorded yet is read by the proxy itself, once an answer: with more than this it is cheaper to wait.
MOST_LAG_BYTES = 8 * 1024 * 1024

_SUFFIX = ".pending.json"
_log = structlog.get_logger("balances")


class BalanceDesk:
    """Watches the folder of questions. `lag_bytes` says how much of the journal is not in the database yet."""

    def __init__(self, layout: Layout, engine: AsyncEngine, lag_bytes: Callable[[], int], now_ms: Callable[[], int]) -> None:
        self._layout = layout
        self._engine = engine
        self._lag_bytes = lag_bytes
        self._now_ms = now_ms

    async def run(self) -> None:
        """Answer until cancelled; what fails is tried again, a second later at the latest."""
        self._layout.balances.mkdir(mode=0o700, parents=True, exist_ok=True)
        wakeups = Wakeups(self._layout.balances)
        try:
            while True:
                try:
                    await self.answer_all()
                except (DBAPIError, OSError) as error:
                    _log.error("opening balances could not be told; it is tried again", error=str(error))
                await wakeups.next()
        finally:
            wakeups.close()

    async def answer_all(self) -> int:
        """Answer every question that has no answer yet; returns how many. Raises DBAPIError, OSError."""
        waiting = await asyncio.to_thread(self._unanswered)
        if not waiting or self._lag_bytes() > MOST_LAG_BYTES:
            return 0
        for proxy_id, question in waiting:
            answer = await opening_balances(self._engine, question, self._now_ms())
            await asyncio.to_thread(_write, self._layout.opening_balances(proxy_id), msgspec.json.encode(answer))
            _log.info("opening balances told", proxy=proxy_id, counts=len(answer.balances), position=answer.position)
        return len(waiting)

    def _unanswered(self) -> list[tuple[str, PendingCounts]]:
        found = []
        for path in sorted(self._layout.balances.glob(f"*{_SUFFIX}")):
            proxy_id = path.name.removesuffix(_SUFFIX)
            try:
                question = read_pending(path.read_bytes())
            except (FileNotFoundError, msgspec.MsgspecError):
                continue  # withdrawn, or of another version
            if question.asked != self._answered(proxy_id):
                found.append((proxy_id, question))
        return found

    def _answered(self, proxy_id: str) -> int | None:
        try:
            return read_opening(self._layout.opening_balances(proxy_id).read_bytes()).asked
        except (FileNotFoundError, msgspec.MsgspecError):
            return None


async def opening_balances(engine: AsyncEngine, question: PendingCounts, now_ms: int) -> OpeningBalances:
    """All that the database knows of these counts, and the journal position it knows it up to: of one and the same moment."""

    def ask(run: Run) -> OpeningBalances:
        return OpeningBalances(
            asked=question.asked,
            position=windows.recorded_position(run),
            balances=tuple(_balance(run, count, now_ms) for count in question.counts),
        )

    answer: OpeningBalances = await windows.with_run(engine, ask)
    return answer


def _balance(run: Run, count: Count, now_ms: int) -> OpeningBalance:
    return OpeningBalance(count=count, used=tuple(windows.balance(run, count.scope, count.window, now_ms)))


def _write(path: Path, data: bytes) -> None:
    """Put a file under its name once it is whole. After the death of the machine the question is simply asked again."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    fresh.write_bytes(data)
    fresh.replace(path)
