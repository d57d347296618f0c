"""Runs of the tests in forked children, each with one mutant in the place of its module; nothing on disk is touched.

The parent has imported pytest and the libraries, and nothing of ours: a child imports `core` anew, the mutated module compiled
from its changed tree. A child runs the tests that reach the mutated function, stops at the first failure, and is killed after
its time: whatever does not pass is a mutant found.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import io
import os
import pickle
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import CodeType, FrameType, ModuleType

import pytest

from tests.mutation.mutants import Mutant, mutated

Reached = dict[str, set[tuple[str, int]]]  # test -> functions as (path, first line)
# Of the plugins that happen to be installed only those that the tests ask for: each costs every child its import.
PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
OPTIONS = (
    "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-m", "not soak", "-W", "ignore::pytest.PytestAssertRewriteWarning",
    *(option for plugin in PLUGINS for option in ("-p", plugin)),
)  # fmt: skip
MEMORY_BYTES = 4 << 30


class MutatedFinder:
    """Finds one module, whose code is the mutant's."""

    def __init__(self, root: Path, mutant: Mutant, tree: ast.Module) -> None:
        module = mutant.path.removesuffix(".py").replace("/", ".")
        self.name = module.removesuffix(".__init__")
        self._path = str(root / mutant.path)
        self._is_package = module != self.name
        self._code: CodeType = compile(tree, self._path, "exec")

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of the mutated module; None for every other."""
        if name != self.name:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin=self._path, is_package=self._is_package)  # type: ignore[arg-type]  # it has the two methods that a loader needs
        spec.has_location = True
        if self._is_package:
            spec.submodule_search_locations = [str(Path(self._path).parent)]
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """The default module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutant's code."""
        exec(self._code, module.__dict__)  # the mutant is made of our own source


class Chosen:
    """A pytest plugin: only these tests, those that failed for the last mutants first."""

    def __init__(self, order: dict[str, int]) -> None:
        self._order = order
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        items[:] = sorted((item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which failed."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


class Reaching:
    """A pytest plugin: which functions of `core` each test calls."""

    def __init__(self, root: Path) -> None:
        self._prefix = f"{root}/"
        self.reached: Reached = {}
        self.seconds: dict[str, float] = {}
        self._now: set[tuple[str, int]] = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        """Look on while it is set up, called and torn down."""
        forget_cached()
        self._now = self.reached.setdefault(item.nodeid, set())
        started = time.process_time()
        sys.setprofile(self._called)
        yield
        sys.setprofile(None)
        self.seconds[item.nodeid] = time.process_time() - started

    def _called(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and (name := frame.f_code.co_filename).startswith(self._prefix):
            self._now.add((name[len(self._prefix) :], frame.f_code.co_firstlineno))


def forget_cached() -> None:
    """A function that remembers its answers would else be called by the first of its tests alone."""
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] == "core":
            for value in tuple(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def in_child(work: Callable[[], object], seconds: float) -> object:
    """What `work` returns in a forked child; None if the child was killed after its time, or died."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        quiet = io.StringIO()
        try:
            with redirect_stdout(quiet), redirect_stderr(quiet):
                answer = pickle.dumps(work())
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(writing)
    return _answer(pid, reading, seconds)


def _answer(pid: int, reading: int, seconds: float) -> object:
    deadline = time.monotonic() + seconds
    data = b""
    os.set_blocking(reading, False)
    try:
        while time.monotonic() < deadline:
            try:
                if not (more := os.read(reading, 1 << 20)):
                    return pickle.loads(data) if data else None
                data += more
            except BlockingIOError:
                time.sleep(0.01)  # a child has no event that a killed one would send
        return None
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def reached_by(root: Path, tests: Sequence[str]) -> tuple[Reached, dict[str, float]]:
    """Which functions each test calls, and how many seconds it takes. The tests have to pass."""

    def work() -> object:
        plugin = Reaching(root)
        code = int(pytest.main([*OPTIONS, *tests], plugins=[plugin]))
        return plugin.reached, plugin.seconds, code, sys.stdout.getvalue() if isinstance(sys.stdout, io.StringIO) else ""

    answer = in_child(work, 1_800)
    assert isinstance(answer, tuple), "the tests did not end"
    reached, seconds, code, printed = answer
    assert code == 0, f"the tests fail without a mutant: {printed[-2_000:]}"
    return reached, seconds


def killer(root: Path, mutant: Mutant, order: dict[str, int], files: Sequence[str], seconds: float) -> str | None:
    """The first test that fails with the mutant, "" if it was stopped or nothing could be imported; None if all pass."""

    def work() -> object:
        sys.meta_path.insert(0, MutatedFinder(root, mutant, mutated(root, mutant)))  # type: ignore[arg-type]  # as above
        plugin = Chosen(order)
        return int(pytest.main([*OPTIONS, *files], plugins=[plugin])), plugin.failed

    answer = in_child(work, seconds)
    if not isinstance(answer, tuple):
        return ""
    code, failed = answer
    return None if code == 0 else str(failed)
