"""`waybill serve` as its users start it: defaults, free ports, a data folder of its own, configuration by `git push`."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.configuration import Configuration
from bench.processes import Cores, bind, children, free_ports, spawn, stop
from core.layout import Layout

STARTS_WITHIN_S = 60.0
_PLANES = ("proxy", "api", "proxy-ops", "api-ops")


class Product:
    """One installation. It can be stopped and started again on the same data; `close` stops it for good."""

    def __init__(self, data: Path, cores: Cores) -> None:
        self.data = data
        self.layout = Layout(data)
        self.ports = dict(zip(_PLANES, free_ports(len(_PLANES)), strict=True))
        self.configuration = Configuration(files={}, tokens=[], paced_token="")
        self.revision = ""
        self.flags: tuple[str, ...] = ()  # of the next start, beside data folder and ports
        self._cores = cores
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._log = data.with_suffix(".log")

    # --- its life ---

    def start(self) -> Product:
        """Start it, wait until both planes are ready, and give the proxy its core."""
        with self._log.open("ab") as log:
            self._supervisor = spawn([*self.command("serve")], stdout=log, stderr=log, cores=self._cores.control)
        until(lambda: self._ready("proxy-ops") and self._ready("api-ops"), "the product is ready", self._complain)
        bind(self.pid("proxy"), self._cores.measured)
        return self

    def command(self, plane: str) -> list[str]:
        """The command line of `serve`, or of one plane, for this data folder and these ports."""
        flags = [part for name, port in self.ports.items() for part in (f"--{name}", f"127.0.0.1:{port}")]
        return [sys.executable, "-m", "waybill", plane, "--data", str(self.data), *flags, *self.flags]

    def close(self) -> None:
        """Stop it, draining."""
        if self._supervisor is not None:
            stop(self._supervisor)
            self._supervisor = None

    def pid(self, plane: str) -> int:
        """The process id of `proxy` or `api`."""
        assert self._supervisor is not None, "not started"
        for pid, command in children(self._supervisor.pid).items():
            if plane in command:
                return pid
        raise RuntimeError(f"no {plane} is running: {self._complain()}")

    def _complain(self) -> str:
        return "its log ends with\n" + self._log.read_text()[-2000:]

    def _ready(self, plane: str) -> bool:
        if self._supervisor is not None and self._supervisor.poll() is not None:
            raise RuntimeError(f"it ended: {self._complain()}")
        with contextlib.suppress(OSError):
            return get(self.ports[plane], "/readyz")[0] == 200
        return False

    # --- its configuration ---

    def push(self, configuration: Configuration) -> None:
        """Add the configuration by a commit and `git push`, and wait until the proxy runs it."""
        self.configuration = configuration
        self.push_files(configuration.files, "The configuration of the measurements")

    def push_files(self, files: Mapping[str, bytes], reason: str) -> str:
        """As `push`, for any files; the revision."""
        with self.clone() as clone:
            revision = self.revision = clone.push(files, reason)
        until(lambda: self.running_revision() == revision, f"the proxy runs {revision}", self._complain)
        return revision

    @contextlib.contextmanager
    def clone(self) -> Iterator[Clone]:
        """A clone of its repository, for the block."""
        with tempfile.TemporaryDirectory(prefix="waybill-clone-") as folder:
            yield Clone(self.layout.repository, Path(folder))

    def running_revision(self) -> str | None:
        """What the proxy says that it runs."""
        for state in self.layout.proxies.glob("*.json"):
            revision: str | None = msgspec.json.decode(state.read_bytes())["revision"]
            return revision
        return None

    # --- what it says of itself ---

    @property
    def url(self) -> str:
        """Where applications send chat requests."""
        return f"http://127.0.0.1:{self.ports['proxy']}/v1/chat/completions"

    @property
    def api_key(self) -> str:
        """The first admin's key."""
        made: dict[str, Any] = msgspec.yaml.decode(self.layout.initial_credentials.read_bytes())
        return str(made["admin"]["api_key"])

    def graphql(self, query: str, **variables: object) -> dict[str, Any]:
        """The `data` of one operation. RuntimeError where it has errors."""
        headers = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}
        body = msgspec.json.encode({"query": query, "variables": variables})
        _, answer = ask(self.ports["api"], "POST", "/graphql", body, headers)
        decoded: dict[str, Any] = msgspec.json.decode(answer)
        if "errors" in decoded:
            raise RuntimeError(f"GraphQL: {decoded['errors']}")
        data: dict[str, Any] = decoded["data"]
        return data

    def metric(self, plane: str, name: str) -> float:
        """One figure of `/metrics` of `proxy-ops` or `api-ops`."""
        for line in get(self.ports[plane], "/metrics")[1].decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise KeyError(name)

    def settle(self, within_s: float = 60.0) -> float:
        """Wait until the recorder has taken in everything; how long that took."""
        started = time.monotonic()
        until(
            lambda: self.metric("api-ops", "waybill_recorder_lag_bytes") == 0,
            "the recorder caught up",
            self._complain,
            within_s,
        )
        return time.monotonic() - started


class Clone:
    """A working copy of the configuration."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.folder = folder
        self._git("clone", "--quiet", "--branch", "main", str(repository), ".")
        self._git("config", "user.name", "Bench")
        self._git("config", "user.email", "bench@localhost")

    def push(self, files: Mapping[str, bytes], reason: str) -> str:
        """Commit these files and push; the revision."""
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", reason)
        self._git("push", "--quiet", "origin", "HEAD:main")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise RuntimeError(f"git {arguments[0]}: {done.stderr}")
        return done.stdout.strip()


def get(port: int, path: str) -> tuple[int, bytes]:
    """One GET on the loopback address."""
    return ask(port, "GET", path)


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One request on a connection of its own: its status and body. OSError where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def until(holds: Callable[[], bool], what: str, complain: Callable[[], str], within_s: float = STARTS_WITHIN_S) -> None:
    """Wait until it holds, looking every 20 ms. TimeoutError says what did not come true."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}; {complain()}")
        time.sleep(0.02)
