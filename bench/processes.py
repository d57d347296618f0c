"""Processes: started so that they cannot outlive us, bound to cores, and read through /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_STOPS_WITHIN_S = 15.0


class Cores(msgspec.Struct, frozen=True):
    """Who runs where: the process that is measured has a core to itself; with only two, all others share the second."""

    measured: frozenset[int]
    load: frozenset[int]
    control: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """Divide the cores that we may use. One core is enough to try the scenarios, not to measure."""
        cores = sorted(os.sched_getaffinity(0))
        rest = cores[1:] or cores
        return cls(frozenset(cores[:1]), frozenset(rest[:1]), frozenset(rest[1:] or rest))


def spawn(
    command: Sequence[str | Path],
    *,
    cores: frozenset[int] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own that gets SIGTERM when we die, whichever way."""
    bound = ["taskset", "-c", ",".join(map(str, sorted(cores)))] if cores else []
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *bound, *map(str, command)],
        cwd=ROOT,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it: asked first, then killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextlib.contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process inside the block, gone after it."""
    try:
        yield process
    finally:
        stop(process)


def bind(pid: int, cores: frozenset[int]) -> None:
    """Move all threads of a process to these cores; threads that they start later follow."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def cpu_s(pid: int) -> float:
    """CPU seconds of all its threads so far, in user mode and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def waited_s(pid: int) -> float:
    """Seconds that its main thread could have run and had no core: what others on that core took from it."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def resident_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children(pid: int) -> dict[int, list[str]]:
    """The command lines of a process's children, by process id."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
    return found


class PeakMemory:
    """`with PeakMemory(pid) as peak`: its largest resident memory inside the block, looked at every 50 ms."""

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.mb = max(self.mb, resident_mb(self._pid))
            if self._ended.wait(0.05):
                return


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def stop_at_signals() -> None:
    """Make SIGTERM and Ctrl-C raise KeyboardInterrupt, also where they were ignored when we were started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
