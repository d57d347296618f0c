"""A process in which all tests are collected, and a child of it for each mutant of a function: its code is put in place there.

That costs a tenth of importing and collecting anew. What a test module worked out when it was imported is not the mutant's
here, so a mutant that survives has to be tried in a process of its own too (`running.killer`).
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
from collections import defaultdict
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutation.mutants import Mutant, mutated
from tests.mutation.running import OPTIONS, forget_cached, in_child

SECONDS = 600  # for a child on a busy machine; what hangs is stopped by its processor time


class Standing:
    """The process, from its first use on. It ends with the one that made it."""

    def __init__(self, root: Path, tests: Sequence[str]) -> None:
        self._root = root
        self._tests = tests
        self._pipe: Connection | None = None

    def killer(self, mutant: Mutant | None, tests: Sequence[str], cpu_s: float) -> str | None:
        """The first of these tests that fails, "" if they were stopped; None if all pass, or it cannot be put in place."""
        if self._pipe is None:
            self._pipe, theirs = multiprocessing.Pipe()
            if os.fork() == 0:
                self._pipe.close()
                _serve(self._root, self._tests, theirs)
            theirs.close()
        self._pipe.send((mutant, list(tests), cpu_s))
        answer = self._pipe.recv()
        return answer if answer is None else str(answer)

    def close(self) -> None:
        """Let the process end."""
        if self._pipe is not None:
            self._pipe.close()


def unfit(root: Path, tests: Sequence[str], every: Sequence[str], cpu_s: float) -> set[str]:
    """The tests that fail there without a mutant."""
    process = Standing(root, tests)
    found: set[str] = set()
    while failed := process.killer(None, [test for test in every if test not in found], cpu_s):
        found.add(failed)
    process.close()
    return found


def _serve(root: Path, tests: Sequence[str], pipe: Connection) -> None:
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        pytest.main([*OPTIONS, *tests], plugins=[Serving(root, pipe)])
    finally:
        os._exit(0)


class Serving:
    """A pytest plugin: instead of running all that was collected, it runs what is asked for, in children."""

    def __init__(self, root: Path, pipe: Connection) -> None:
        self._root = root
        self._pipe = pipe
        self._failed = ""
        self._functions: defaultdict[str, list[FunctionType]] = defaultdict(list)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer until nobody asks any more."""
        items = {item.nodeid: item for item in session.items}
        gc.unfreeze()  # what is frozen, as a test module may have done, is not among the objects
        for found in gc.get_objects():
            if isinstance(found, FunctionType):
                self._functions[found.__code__.co_filename].append(found)
        while True:
            try:
                mutant, tests, cpu_s = self._pipe.recv()
            except EOFError:
                return True
            chosen = [items[test] for test in tests]
            answer = in_child(lambda: (self._first_failure(session, mutant, chosen, cpu_s),), SECONDS)  # noqa: B023  # called at once
            self._pipe.send(answer[0] if isinstance(answer, tuple) else "")

    def _first_failure(
        self, session: pytest.Session, mutant: Mutant | None, chosen: list[pytest.Item], cpu_s: float
    ) -> str | None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s)))
        if mutant is not None and not self._put_in_place(mutant):
            return None
        forget_cached()
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return self._failed
        return None

    def _put_in_place(self, mutant: Mutant) -> bool:
        """Give every function of the mutant's file the code that it has there; whether that changed one."""
        path = str(self._root / mutant.path)
        codes = {
            (code.co_qualname, code.co_firstlineno): code for code in _inner(compile(mutated(self._root, mutant), path, "exec"))
        }
        changed = False
        for found in self._functions[path]:
            code = codes.get((found.__code__.co_qualname, found.__code__.co_firstlineno))
            if code is not None and code != found.__code__ and code.co_freevars == found.__code__.co_freevars:
                found.__code__ = code
                changed = True
        return changed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which failed."""
        if report.failed and not self._failed:
            self._failed = report.nodeid


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner(constant)
