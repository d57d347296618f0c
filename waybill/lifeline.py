"""Children die with their supervisor, also when it is killed with -9 and can tell nobody.

The supervisor keeps the writing end of a pipe and never writes. Each child watches the reading end: its end of file means that
the supervisor is gone. Unlike PR_SET_PDEATHSIG this works on every Unix, and has no race between fork and the call.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import MutableMapping

VARIABLE = "WAYBILL_LIFELINE"


class Lifeline:
    """The supervisor's side: open as long as the supervisor lives."""

    def __init__(self) -> None:
        """Open the pipe; both ends are closed on exec but for `descriptor`, which is handed to each child."""
        self.descriptor, self._held = os.pipe()

    def environment(self, base: MutableMapping[str, str]) -> dict[str, str]:
        """`base` with what a child needs to find its end."""
        return {**base, VARIABLE: str(self.descriptor)}

    def close(self) -> None:
        """Let go: children that still run are killed by their own watch."""
        os.close(self._held)
        os.close(self.descriptor)


def watch(environment: MutableMapping[str, str] = os.environ) -> None:
    """The child's side: from now on this process dies with its supervisor; nothing happens where there is none."""
    value = environment.pop(VARIABLE, "")
    if not value.isdigit():
        return
    descriptor = int(value)
    try:
        os.set_inheritable(descriptor, False)  # our own children (git) must not hold on to it
    except OSError:
        return  # the variable was inherited, its descriptor was not: nobody supervises us
    threading.Thread(target=_die_with, args=(descriptor,), name="lifeline", daemon=True).start()


def _die_with(descriptor: int) -> None:
    # At once, without draining: a new supervisor may already be waiting for our ports and our journal, and every promise about
    # what is kept holds for a kill.
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
