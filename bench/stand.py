"""What scenarios share: the sizes of this run, the cores, and what is started once and used by several of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.calm import Calm
from bench.configuration import Sizes, configuration, request_body
from bench.peers import Nginx
from bench.processes import Cores, cpu_s, waited_s
from bench.product import Product
from bench.programs import Client, Load, Upstream

T = TypeVar("T")
CHUNKS = 50
LARGE = Sizes(projects=1_000, tokens=10)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a round cost the process that was measured."""

    requests: int
    failed: int
    seconds: float
    cpu_s: float
    waited_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a request."""
        return self.cpu_s / max(1, self.requests) * 1e6

    @property
    def per_cpu_s(self) -> float:
        """Requests a CPU second."""
        return self.requests / max(self.cpu_s, 0.01)

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def waited(self) -> float:
        """Share of the time that it could have run and others had its core: with much of it, a round says little."""
        return self.waited_s / self.seconds

    @property
    def busy(self) -> float:
        """Share of a core that it used."""
        return self.cpu_s / self.seconds


class Stand:
    """Started lazily, stopped together by `close`, in the reverse order."""

    def __init__(self, folder: Path, *, full: bool) -> None:
        self.folder = folder
        self.full = full
        self.cores = Cores.of_this_machine()
        self.calm = Calm()
        self._stack = contextlib.ExitStack()

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()

    @cached_property
    def upstream(self) -> Upstream:
        """Answers at once, streams 50 chunks, paces those who ask for it."""
        upstream = Upstream(self.cores, CHUNKS)
        self._stack.callback(upstream.close)
        return upstream

    @cached_property
    def nginx(self) -> Nginx:
        """The peer."""
        nginx = Nginx(self.folder / "nginx", self.upstream.port, self.cores)
        self._stack.callback(nginx.close)
        return nginx

    @cached_property
    def product(self) -> Product:
        """With one project of ten tokens."""
        return self.make_product("small", Sizes())

    @cached_property
    def large(self) -> Product:
        """With 1,000 projects and 10,000 tokens."""
        return self.make_product("large", LARGE)

    def make_product(self, name: str, sizes: Sizes) -> Product:
        """A product of its own, running, with its configuration pushed."""
        product = Product(self.folder / name, self.cores)
        self._stack.callback(product.close)
        product.start().push(configuration(self.upstream.port, sizes))
        return product

    def file(self, name: str, content: bytes) -> Path:
        """A file that load clients read."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def tokens(self, product: Product) -> Path:
        """A product's tokens for the client, one a line."""
        return self.file(f"{product.data.name}.tokens", "\n".join(product.configuration.tokens).encode())

    def interleaved(self, rounds: int, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
        """Let each have its turn in every round, so that whatever the machine does else meets all of them."""
        results: dict[str, list[T]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, run in contenders.items():
                self.calm.wait()
                results[name].append(run())
        return results

    def client(self, port: int, tokens: Path, *arguments: object, lasts_s: float, stream: bool = False) -> Client:
        """Begin a run of `client.c` with a 1 KB request, on the cores of the load."""
        body = self.file("stream.json" if stream else "unary.json", request_body(stream=stream))
        flags = ["-b", str(body), "-t", str(tokens), *map(str, arguments), str(port)]
        return Client(self.cores.load, flags, lasts_s)


def spending(pid: int, load: Callable[[], Load]) -> Spent:
    """Run a load, and account for what it cost a process."""
    cpu_before, waited_before = cpu_s(pid), waited_s(pid)
    result = load()
    return Spent(
        requests=result.succeeded,
        failed=result.trouble,
        seconds=result.seconds,
        cpu_s=cpu_s(pid) - cpu_before,
        waited_s=waited_s(pid) - waited_before,
        p50_ms=result.p50_us / 1000,
        p99_ms=result.p99_us / 1000,
    )


def spent_since(pid: int) -> Callable[[], float]:
    """The CPU seconds of a process from now on."""
    before = cpu_s(pid)
    return lambda: cpu_s(pid) - before


def elapsed_since() -> Callable[[], float]:
    """Seconds from now on."""
    before = time.monotonic()
    return lambda: time.monotonic() - before
