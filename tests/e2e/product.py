"""The real product in a subprocess: `waybill serve` on free ports and a data folder of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import httpx

from waybill import credentials
from waybill.credentials import Credentials

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 90.0


# Below those that the kernel gives to whoever connects, and a range for each worker of the tests: nobody comes between.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_PORTS = (12_000 + 2_000 * _WORKER + (os.getpid() + number) % 2_000 for number in itertools.count())


def free_port() -> int:
    """A port that nobody listens on now, and that was not given for as long as can be."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")


class Product:
    """One `waybill serve`. `start` returns when it says that it runs; it may be stopped and started again."""

    def __init__(self, data: Path, command: tuple[str, ...] = (sys.executable, "-m", "waybill", "serve")) -> None:
        self.data = data
        self.command = command
        self.ports = {name: free_port() for name in ("proxy", "api", "proxy_ops", "api_ops")}
        self.output: list[str] = []
        self._spoke = threading.Condition()
        self._process: subprocess.Popen[str] | None = None

    def start(self, **environment: str) -> Self:
        """Start it and wait until its screen is there."""
        self.launch(**environment)
        self.wait_for("Ctrl-C stops")  # the last words of either screen
        return self

    def launch(self, **environment: str) -> None:
        """Start it."""
        self.output = []
        self._process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.environment() | environment, stdout=-1, stderr=-2, stdin=-3, text=True
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def environment(self) -> dict[str, str]:
        """This process' own, with the folder and the ports."""
        addresses = {f"WAYBILL_{name.upper()}": f"127.0.0.1:{port}" for name, port in self.ports.items()}
        return {**os.environ, **addresses, "WAYBILL_DATA": str(self.data), "PYTHONUNBUFFERED": "1"}

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                with self._spoke:
                    self.output.append(line)
                    self._spoke.notify_all()
        with self._spoke:
            self._spoke.notify_all()

    def wait_for(self, text: str, since: int = 0, within_s: float = STARTS_WITHIN_S) -> str:
        """The first line from `since` on that holds `text`, waited for."""
        with self._spoke:
            self._spoke.wait_for(lambda: self._line(text, since) or self.process.poll() is not None, within_s)
            found = self._line(text, since)
        assert found, f"never said {text!r}:\n{''.join(self.output)}"
        return found

    def _line(self, text: str, since: int) -> str | None:
        return next((line for line in self.output[since:] if text in line), None)

    @property
    def process(self) -> subprocess.Popen[str]:
        """The supervisor."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def made(self) -> Credentials:
        """What the first start wrote for scripts."""
        return credentials.read(self.data / "initial-credentials.yaml")

    @property
    def token(self) -> str:
        """The first project's token."""
        return self.made.projects[0].token

    def child(self, plane: str) -> int:
        """The process id of a child of the supervisor."""
        for pid in map(int, Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()):
            if plane in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0"):
                return pid
        raise AssertionError(f"the supervisor has no child {plane}")

    def kill(self, plane: str) -> None:
        """`kill -9` a child of the supervisor; returns when it is gone."""
        child = self.child(plane)
        os.kill(child, signal.SIGKILL)
        assert gone(child)

    def ask(self, text: str = "Hello", token: str | None = None, **more: object) -> httpx.Response:
        """One chat completion over plain HTTP."""
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], **more}
        headers = {"authorization": f"Bearer {token or self.token}"}
        return httpx.post(f"{self.made.proxy_url}/v1/chat/completions", json=body, headers=headers, timeout=30)

    def wait_ready(self, plane: str, within_s: float = STARTS_WITHIN_S) -> None:
        """Until the plane answers /readyz with 200."""
        url = f"http://127.0.0.1:{self.ports[f'{plane}_ops']}/readyz"
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                if httpx.get(url, timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{plane} is not ready:\n{''.join(self.output)}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor and wait for its end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        """Whatever state it is in: gone afterwards."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Whether the process has ended or ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)
