"""Two processes and nothing else: start them, start again what dies, stop them together.

A child that dies is started again after a pause that doubles from 0.2 s to 10 s, and begins anew once the child was up
for 30 s. The first SIGINT, SIGTERM or SIGHUP asks both to drain; the second kills them. Children run in sessions of their
own, so that a Ctrl-C reaches them only through here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from waybill.lifeline import Lifeline

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0


def next_pause_s(previous_s: float, uptime_s: float) -> float:
    """How long to wait before starting a child again; `previous_s` is 0 before its first death."""
    if uptime_s >= STEADY_AFTER_S or previous_s == 0:
        return FIRST_PAUSE_S
    return min(previous_s * 2, LONGEST_PAUSE_S)


def ending(code: int) -> str:
    """A child's exit code in words: "exit code 1", "killed by SIGKILL"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class Supervisor:
    """Keeps the named commands running until it is told to stop."""

    def __init__(self, commands: Mapping[str, Sequence[str]], log: structlog.typing.FilteringBoundLogger) -> None:
        """`commands`: a child's name -> its argument list."""
        self._commands = commands
        self._log = log
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    async def run(self, beside: Callable[[], Awaitable[None]]) -> None:
        """Return when a signal has come and every child has ended. `beside` runs next to them, and may end before them."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop, number)
        lifeline = Lifeline()
        announcing = asyncio.ensure_future(beside())
        try:
            await asyncio.gather(*(self._keep(name, command, lifeline) for name, command in self._commands.items()))
        finally:
            announcing.cancel()
            lifeline.close()
            await asyncio.gather(announcing, return_exceptions=True)

    async def _keep(self, name: str, command: Sequence[str], lifeline: Lifeline) -> None:
        """One child, again and again until we stop."""
        pause_s = 0.0
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await self._start(name, command, lifeline)
            if pause_s:
                self._log.info("child started again", child=name, pid=process.pid)
            code = await process.wait()
            del self._running[name]
            if self._stopping.is_set():
                self._log.info("child stopped", child=name, ended=ending(code))
                return
            pause_s = next_pause_s(pause_s, time.monotonic() - started)
            self._log.error("child died, starting it again", child=name, ended=ending(code), pause_s=pause_s)
            await self._wait(pause_s)

    async def _start(self, name: str, command: Sequence[str], lifeline: Lifeline) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            env=lifeline.environment(os.environ),
            pass_fds=(lifeline.descriptor,),
            start_new_session=True,
        )
        self._running[name] = process
        if self._stopping.is_set():  # the signal came while it was being started
            process.terminate()
        return process

    def _stop(self, number: signal.Signals) -> None:
        """First signal: drain. Second: at once."""
        impatient = self._stopping.is_set()
        self._stopping.set()
        self._log.info("killing children" if impatient else "draining open requests, then stopping", signal=number.name)
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(signal.SIGKILL if impatient else signal.SIGTERM)

    async def _wait(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        except TimeoutError:
            return
