"""The supervisor with small programs as children: started again when they die, drained, killed, never orphaned."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_AFTER_S, ending, next_pause_s

# "polite" ends on SIGTERM, "stubborn" says that it heard it and goes on, "instant" is up and over at once.
CHILD = """
import os, signal, sys, time
from waybill import lifeline
lifeline.watch()
def drain(*_):
    print("heard SIGTERM", flush=True)
    if sys.argv[1] == "polite":
        sys.exit(0)
signal.signal(signal.SIGTERM, drain)
print("up", os.getpid(), os.getsid(0), flush=True)
while sys.argv[1] != "instant":
    time.sleep(60)
sys.exit(3)
"""
SUPERVISOR = """
import asyncio, sys
from waybill.logs import supervisor_log
from waybill.supervisor import Supervisor
async def beside():
    print("beside", flush=True)
asyncio.run(Supervisor({"proxy": [sys.executable, "-c", sys.argv[2], sys.argv[1]]}, supervisor_log()).run(beside))
print("over", flush=True)
"""


class Supervised:
    """A supervisor process; what it and its child say arrives line by line."""

    def __init__(self, kind: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, kind, CHILD],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
            text=True,
        )

    def until(self, part: str) -> str:
        """The next line that contains `part`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if part in line:
                return line
        raise AssertionError(f"ended without saying {part!r}")

    def child(self) -> int:
        """The process id of the next child that comes up."""
        return int(self.until("up ").split()[1])


@pytest.fixture
def supervised(request: pytest.FixtureRequest) -> Iterator[Supervised]:
    with (supervised := Supervised(request.param)).process:
        yield supervised
        supervised.process.kill()


def gone(pid: int) -> bool:
    """Whether the process has ended or ends within 5 s."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 5)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("supervised", ["polite"], indirect=True)
def test_a_child_that_dies_is_started_again_and_it_says_so(supervised: Supervised) -> None:
    first = supervised.child()
    os.kill(first, signal.SIGKILL)
    said = json.loads(supervised.until("child died"))
    assert said["event"] == "child died, starting it again"
    assert (said["child"], said["ended"], said["pause_s"]) == ("proxy", "killed by SIGKILL", FIRST_PAUSE_S)
    assert supervised.child() != first


@pytest.mark.parametrize("supervised", ["instant"], indirect=True)
def test_the_pause_before_the_next_start_doubles(supervised: Supervised) -> None:
    pauses = [json.loads(supervised.until("child died"))["pause_s"] for _ in range(3)]
    assert pauses == [0.2, 0.4, 0.8]


@pytest.mark.parametrize("supervised", ["polite"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_drains_and_ends_with_the_children(supervised: Supervised, number: signal.Signals) -> None:
    child = supervised.child()
    supervised.process.send_signal(number)
    supervised.until("draining")
    supervised.until("heard SIGTERM")
    supervised.until("over")
    assert supervised.process.wait() == 0
    assert gone(child)


@pytest.mark.parametrize("supervised", ["stubborn"], indirect=True)
def test_the_second_signal_stops_at_once(supervised: Supervised) -> None:
    child = supervised.child()
    supervised.process.send_signal(signal.SIGINT)
    supervised.until("heard SIGTERM")
    supervised.process.send_signal(signal.SIGINT)
    supervised.until("over")
    assert supervised.process.wait() == 0
    assert gone(child)


@pytest.mark.parametrize("supervised", ["stubborn"], indirect=True)
def test_a_killed_supervisor_leaves_no_orphan(supervised: Supervised) -> None:
    child = supervised.child()
    supervised.process.kill()
    assert gone(child)


@pytest.mark.parametrize("supervised", ["polite"], indirect=True)
def test_a_child_is_out_of_the_terminals_reach(supervised: Supervised) -> None:
    _, pid, session = supervised.until("up ").split()
    assert pid == session  # a session of its own: a Ctrl-C at the terminal does not reach it


@pytest.mark.parametrize(
    ("previous_s", "uptime_s", "pause_s"),
    [
        (0.0, 0.0, FIRST_PAUSE_S),
        (0.2, 1.0, 0.4),
        (6.4, 1.0, LONGEST_PAUSE_S),
        (LONGEST_PAUSE_S, 1.0, LONGEST_PAUSE_S),
        (LONGEST_PAUSE_S, STEADY_AFTER_S, FIRST_PAUSE_S),
    ],
)
def test_the_pause_grows_to_10_s_and_starts_anew_after_30_s_up(previous_s: float, uptime_s: float, pause_s: float) -> None:
    assert next_pause_s(previous_s, uptime_s) == pytest.approx(pause_s)


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (1, "exit code 1"), (-9, "killed by SIGKILL"), (-99, "killed by signal 99")]
)
def test_an_ending_is_told_in_words(code: int, words: str) -> None:
    assert ending(code) == words
