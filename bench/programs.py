"""The C programs of this folder and wrk: built when they are older than their source, run, and their output read."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.processes import Cores, spawn, stop

HERE = Path(__file__).parent
BUILD = HERE / "build"
_SLACK_S = 60.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a load client counted. Latencies run from when a request was due to its last byte; `events` are a stream's."""

    sent: int
    succeeded: int
    failed: int
    unfinished: int
    seconds: float
    p50_us: float
    p99_us: float
    max_us: float = 0.0
    events: int = 0
    reconnects: int = 0
    samples: list[str] = []  # the first few failures

    @property
    def per_second(self) -> float:
        """Successes a second."""
        return self.succeeded / self.seconds

    @property
    def trouble(self) -> int:
        """Requests that did not end well."""
        return self.failed + self.unfinished


def build(name: str) -> Path:
    """The compiled program of this folder's C file."""
    source, program = HERE / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(exist_ok=True)
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", program, source], check=True)
    return program


class Upstream:
    """The zero-work upstream, on a port of its choice."""

    def __init__(self, cores: Cores, chunks: int = 50) -> None:
        self._process = spawn([build("upstream"), "0", str(chunks)], cores=cores.load, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def close(self) -> None:
        """Stop it."""
        stop(self._process)


class Client:
    """A run of `client.c` that has begun."""

    def __init__(self, cores: frozenset[int], arguments: Sequence[str | Path], lasts_s: float) -> None:
        self._process = spawn([build("client"), *arguments], cores=cores, stdout=subprocess.PIPE)
        self._lasts_s = lasts_s

    def stop(self) -> Load:
        """Let it finish what it began."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> Load:
        """Its counts, once it has ended. Raises TimeoutExpired well after it should have."""
        try:
            printed, _ = self._process.communicate(timeout=self._lasts_s + _SLACK_S)
        finally:
            stop(self._process)
        if self._process.returncode:
            raise subprocess.CalledProcessError(self._process.returncode, "client")
        return msgspec.json.decode(printed, type=Load)


_WRK_SCRIPT = """
wrk.method = "POST"
wrk.headers["authorization"] = "Bearer {token}"
wrk.headers["content-type"] = "application/json"
wrk.body = [==[{body}]==]
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {{"sent": %d, "succeeded": %d, "failed": %d, "unfinished": %d, "seconds": %.6f, ' ..
    '"p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f}}\\n', summary.requests, summary.requests - e.status, e.status,
    e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


def wrk(url: str, token: str, body: bytes, *, connections: int, seconds: float, cores: frozenset[int]) -> Load:
    """Closed-loop load by wrk: each connection sends again as soon as it has its answer."""
    BUILD.mkdir(exist_ok=True)
    script = BUILD / "load.lua"
    script.write_text(_WRK_SCRIPT.format(token=token, body=body.decode()))
    command: list[str | Path] = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "-s", script, url]
    process = spawn(command, cores=cores, stdout=subprocess.PIPE)
    try:
        printed, _ = process.communicate(timeout=seconds + _SLACK_S)
    finally:
        stop(process)
    found = re.search(rb"^RESULT (.*)$", printed, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said no result:\n{printed.decode()}")
    return msgspec.json.decode(found[1], type=Load)
