"""From a mutation to its landed commit, and to the proxy that runs it, with 1,000 projects and 10,000 tokens.

Commits are `projectUpdate` mutations, one after the other; a watcher notes when the branch moves, and when the proxy says that
it runs the revision. With fsync, the default, and without.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from statistics import median, quantiles
from types import TracebackType

import msgspec
from asyncinotify import Inotify, Mask

from bench.configuration import PROJECT
from bench.product import Product
from bench.report import Figure, Outcome, at_most
from bench.stand import Stand, spent_since

_GIVES_UP_S = 10.0
_WARM_UP = 10
_HEAD = "{ revision { commit } }"
_UPDATE = """mutation Update($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename
  ... on ProjectUpdated { change { revision } } ... on Conflict { message } ... on ValidationFailed { message }
} }"""
_numbers = itertools.count(1)


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """One commit, milliseconds since its mutation was sent."""

    revision: str
    landed_ms: float
    answered_ms: float
    running_ms: float


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds since the mutation was sent, commit by commit, and the CPU that one took in the API."""

    landed_ms: list[float]
    answered_ms: list[float]
    running_ms: list[float]
    api_cpu_ms: float


def measure(stand: Stand) -> Outcome:
    """Both ways of writing commits."""
    product, commits = stand.large, 600 if stand.full else 200
    rounds = {"with fsync": _round(product, commits)}
    with _restarted(product, "--no-fsync"):
        rounds["without fsync"] = _round(product, commits)
    figures = []
    for (name, run), bound_ms in zip(rounds.items(), (60, 20), strict=True):
        figures += [
            at_most(f"{name}: mutation to landed commit, median", median(run.landed_ms), bound_ms, "ms"),
            at_most(f"{name}: mutation to running in the proxy, p99", _p99(run.running_ms), 250, "ms"),
            Figure(name=f"{name}: mutation to landed commit, p99", value=_p99(run.landed_ms), unit="ms"),
            Figure(name=f"{name}: mutation to its answer, median", value=median(run.answered_ms), unit="ms"),
            Figure(name=f"{name}: mutation to running in the proxy, median", value=median(run.running_ms), unit="ms"),
            Figure(name=f"{name}: CPU of the API a commit", value=run.api_cpu_ms, unit="ms"),
        ]
    return Outcome(figures=figures, rounds=rounds)


def _p99(values_ms: list[float]) -> float:
    return quantiles(values_ms, n=100)[98]


@contextlib.contextmanager
def _restarted(product: Product, *flags: str) -> Iterator[None]:
    """The product with other flags inside the block, as it was after it."""
    product.close()
    product.flags = flags
    product.start()
    try:
        yield
    finally:
        product.close()
        product.flags = ()
        product.start()


def _round(product: Product, commits: int) -> Round:
    head = str(product.graphql(_HEAD)["revision"]["commit"])
    with _Watcher(product) as watcher:
        for _ in range(_WARM_UP):
            head = _commit(product, watcher, head).revision
        spent = spent_since(product.pid("api"))
        timed = []
        for _ in range(commits):
            timed.append(_commit(product, watcher, head))
            head = timed[-1].revision
        return Round(
            landed_ms=[each.landed_ms for each in timed],
            answered_ms=[each.answered_ms for each in timed],
            running_ms=[each.running_ms for each in timed],
            api_cpu_ms=spent() * 1000 / commits,
        )


def _commit(product: Product, watcher: _Watcher, head: str) -> Timed:
    """Rename a project."""
    began, number = watcher.begin(), next(_numbers)
    slug = f"{PROJECT}-{number % 900 + 1:05d}"
    wish = {"slug": slug, "expectedRevision": head, "reason": f"Rename {slug}", "name": f"Project {slug}, {number}"}
    answer = product.graphql(_UPDATE, input=wish)["projectUpdate"]
    answered = time.monotonic()
    if answer["__typename"] != "ProjectUpdated":
        raise RuntimeError(f"not committed: {answer}")
    revision = answer["change"]["revision"]
    running = watcher.wait_running(revision)
    landed_ms, answered_ms, running_ms = ((at - began) * 1000 for at in (watcher.landed, answered, running))
    return Timed(revision=revision, landed_ms=landed_ms, answered_ms=answered_ms, running_ms=running_ms)


class _Watcher:
    """A thread that notes when the branch moved last, and when the proxy first said that it runs which revision."""

    def __init__(self, product: Product) -> None:
        self._layout = product.layout
        self._changed = threading.Condition()
        self._running: dict[str, float] = {}
        self.landed = 0.0  # the first move of the branch since `begin`
        self._inotify = Inotify(sync_timeout=0.1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Watcher:
        for folder in (self._layout.repository / "refs" / "heads", self._layout.proxies):
            self._inotify.add_watch(folder, Mask.MOVED_TO | Mask.CREATE | Mask.ONLYDIR)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._inotify.close()

    def begin(self) -> float:
        """Now; what comes after it belongs to the next commit."""
        with self._changed:
            self._running.clear()
            self.landed = 0.0
            return time.monotonic()

    def wait_running(self, revision: str) -> float:
        """When the proxy first said that it runs `revision`. TimeoutError where it does not in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: revision in self._running and self.landed, _GIVES_UP_S):
                raise TimeoutError(f"{revision} does not run after {_GIVES_UP_S:.0f} s")
            return self._running[revision]

    def _watch(self) -> None:
        while not self._ended.is_set():
            for event in self._inotify:
                at = time.monotonic()
                if event.path is None:
                    continue
                if event.path.parent == self._layout.proxies:
                    self._note_running(at)
                elif event.path.name == "main":
                    with self._changed:
                        self.landed = self.landed or at
                        self._changed.notify()

    def _note_running(self, at: float) -> None:
        for state in self._layout.proxies.glob("*.json"):
            with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
                revision = msgspec.json.decode(state.read_bytes())["revision"]
                with self._changed:
                    self._running.setdefault(revision, at)
                    self._changed.notify()
