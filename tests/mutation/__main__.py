"""`python -m tests.mutation [path …] [--most N] [--log FILE] [--report]`: which mutants of `core` its tests let pass.

Every number of the source is made one more and one less, every comparison is moved at its boundary and turned around. Without
--most all are tried; with it, so many of each file, drawn with --seed. With --log a run that was broken off goes on. The report
of --report goes to docs/soak/.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import bpe_openai
import hypothesis
import msgspec  # noqa: F401  # children find what they need imported already
import yaml  # noqa: F401  # the same

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.running import PLUGINS, Reached, killer, reached_by
from tests.mutation.standing import Standing, unfit
from tests.soak import report

ROOT = Path(__file__).parents[2]
TESTS = ("tests/core",)
QUICK_S = 0.1  # a test that takes less is tried before the others
QUICKEST = 60  # so many of them are
CPU_S = 15  # of processor time, besides what the tests take: a mutant may hang
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def main() -> int:
    """Exit code 1 if less than nine in ten fail."""
    arguments = _arguments()
    if arguments.lines:
        return _try_all(arguments)
    with tempfile.TemporaryDirectory() as folder:
        # A copy stands still while the checkout is worked on.
        _copy(Path(folder))
        lines = Path(folder, "lines")
        command = [sys.executable, "-m", "tests.mutation", *sys.argv[1:], "--lines", str(lines)]
        code = subprocess.run(command, cwd=folder).returncode
        if arguments.report and lines.is_file():
            report.write("mutation", "Mutants of core", lines.read_text(encoding="utf-8").splitlines())
        return code


def _copy(folder: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _try_all(arguments: argparse.Namespace) -> int:
    hypothesis.settings.register_profile("mutation", max_examples=50, derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("mutation")
    for name in ("o200k_base", "cl100k_base"):
        bpe_openai.get_encoding(name)  # once, before children are forked
    for name in PLUGINS:
        importlib.import_module(name)
    gc.freeze()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    paths = [path for path in _sources() if any(path.startswith(wanted) for wanted in arguments.paths)]
    chosen = [mutant for path in paths for mutant in _some(mutants_of(ROOT, path), arguments.most, arguments.seed)]
    started = time.monotonic()
    # Those that nobody can tell from the original would cost all tests each.
    known = _equivalent()
    verdicts = _verdicts(arguments.log) | {str(mutant): True for mutant in chosen if mutant.key in known}
    left = [mutant for mutant in chosen if str(mutant) not in verdicts]
    for mutant, survives in _tries(_small_samples_first(left, arguments.seed), arguments.jobs):
        verdicts[str(mutant)] = survives
        if arguments.log:
            with arguments.log.open("a", encoding="utf-8") as log:
                log.write(f"{int(survives)} {mutant}\n")
    survivors = [mutant for mutant in chosen if verdicts[str(mutant)]]
    took = f"{len(left)} of them in the last {(time.monotonic() - started) / 60:.0f} min"
    text = "\n".join(_report(chosen, survivors, took, arguments))
    print(f"\n{text}")
    arguments.lines.write_text(text, encoding="utf-8")
    return int(len(survivors) > 0.1 * len(chosen))


_worker: list[Trial] = []  # each process of the pool goes on with its own copy, and learns


def _tries(left: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, bool]]:
    if not left:
        return
    print("which test reaches what …", flush=True)
    reached, seconds = reached_by(ROOT, TESTS)
    print(f"{len(reached)} tests in {sum(seconds.values()):.0f} s of processor time, looked on at", flush=True)
    _worker.append(Trial(reached, seconds))
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(_tried, left)


def _tried(mutant: Mutant) -> tuple[Mutant, bool]:
    return mutant, _worker[0].survives(mutant)


def _verdicts(log: Path | None) -> dict[str, bool]:
    """Which mutants survived in a run that was broken off, by what each is."""
    lines = log.read_text(encoding="utf-8").splitlines() if log and log.is_file() else []
    return {line[2:]: line.startswith("1") for line in lines}


class Trial:
    """Tries mutants, with what earlier ones have taught: the test that found a neighbour comes first."""

    def __init__(self, reached: Reached, seconds: dict[str, float]) -> None:
        self._reached = dict(sorted(reached.items(), key=lambda entry: seconds[entry[0]]))  # the quickest first
        self._quick = {test for test, took in seconds.items() if took < QUICK_S}
        self._seconds = seconds
        self._most_s = 30 + 2 * sum(seconds.values())
        self._unfit = unfit(ROOT, TESTS, list(self._reached), self._most_s)
        self._standing = Standing(ROOT, TESTS)
        self._found: Counter[tuple[str, str]] = Counter()

    def survives(self, mutant: Mutant) -> bool:
        """Whether every test passes with it."""
        rounds = self._tests_for(mutant)
        found = None
        if mutant.function:
            tests = [test for tests in rounds for test in tests if test not in self._unfit]
            found = self._standing.killer(mutant, tests, CPU_S + 3 * sum(self._seconds[test] for test in tests))
        for tests in rounds if found is None else ():
            files = sorted(set(map(_file, tests)))
            order = {test: place for place, test in enumerate(tests)}
            if tests and (found := killer(ROOT, mutant, order, files, self._most_s)) is not None:
                break
        if found:
            self._found[mutant.path, found] += 1
        verdict = "SURVIVES" if found is None else "found"
        print(f"{verdict} {mutant.path}:{mutant.line} {mutant.change}", flush=True)
        return found is None

    def _tests_for(self, mutant: Mutant) -> list[list[str]]:
        """Rounds of tests: the best hitherto; those that call the function or, for a module's lines, the file; then all."""
        killers = [test for (path, test), _ in self._found.most_common() if path == mutant.path]
        if mutant.function:
            near = [test for test, functions in self._reached.items() if (mutant.path, mutant.function) in functions]
            best = [test for test in killers if test in near][:3]
            return _rounds(best, [test for test in near if test in self._quick][:QUICKEST], near)
        # A line of a module is mostly found by one case of a table, but the whole table is as quick.
        tables = list(dict.fromkeys(map(_file, killers)))[:2]
        best = [test for test in self._reached if _file(test) in tables]
        near = [test for test, functions in self._reached.items() if any(path == mutant.path for path, _ in functions)]
        return _rounds(best, near, list(self._reached))


def _file(test: str) -> str:
    return test.partition("::")[0]


def _rounds(*rounds: list[str]) -> list[list[str]]:
    """Without those that an earlier round has tried."""
    seen: set[str] = set()
    left = []
    for tests in rounds:
        left.append([test for test in tests if test not in seen])
        seen.update(tests)
    return left


def _report(chosen: list[Mutant], survivors: list[Mutant], took: str, arguments: argparse.Namespace) -> list[str]:
    reasons = _equivalent()
    known = [mutant for mutant in survivors if mutant.key in reasons]
    open_ = [mutant for mutant in survivors if mutant.key not in reasons]
    sample = f"{arguments.most} of each file, seed {arguments.seed}" if arguments.most else "all"
    lines = [
        f"python -m tests.mutation {' '.join(arguments.paths)}: {sample}; {len(chosen)} mutants, {took}",
        f"found by {', '.join(TESTS)}: {len(chosen) - len(survivors)} of {len(chosen)}, {_share(chosen, survivors)}",
        f"{len(known)} of the others change nothing that can be seen (tests/mutation/equivalent.txt): without them "
        f"{_share([m for m in chosen if m not in known], open_)}",
        "",
    ]
    for path in dict.fromkeys(mutant.path for mutant in chosen):
        here = [mutant for mutant in chosen if mutant.path == path]
        left = [mutant for mutant in survivors if mutant.path == path]
        lines.append(f"{path:40}{len(here) - len(left):5} of {len(here):5}  {_share(here, left)}")
    lines += ["", "not found:"]
    lines += [f"{mutant.path}:{mutant.line}: {mutant.change} in `{mutant.source}`" for mutant in open_]
    lines += ["", "equivalent:"]
    lines += [f"{mutant.path}:{mutant.line}: {mutant.change}: {reasons[mutant.key]}" for mutant in known]
    return lines


def _share(mutants: list[Mutant], survivors: list[Mutant]) -> str:
    return f"{1 - len(survivors) / len(mutants):.1%}" if mutants else "none"


def _equivalent() -> dict[str, str]:
    """Mutants that nobody can tell from the original, by key, with the reason."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    found: dict[str, str] = {}
    said = ""
    for key, reason in (line.split(" || ", 1) for line in lines if line and not line.startswith("#")):
        said = found[key] = said if reason == "the same" else reason
    return found


def _sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "core").rglob("*.py"))


def _some(mutants: list[Mutant], most: int, seed: int) -> list[Mutant]:
    """A larger sample of the same seed holds the smaller one, so that a log serves both."""
    if not most or len(mutants) <= most:
        return mutants
    return sorted(_shuffled(mutants, seed)[:most], key=mutants.index)


def _shuffled(mutants: list[Mutant], seed: int) -> list[Mutant]:
    places = list(range(len(mutants)))
    random.Random(seed).shuffle(places)
    return [mutants[place] for place in places]


def _small_samples_first(left: list[Mutant], seed: int) -> list[Mutant]:
    """Four of each file, then the next four: a run that is broken off has tried a whole smaller sample."""
    rank: dict[Mutant, int] = {}
    for path in dict.fromkeys(mutant.path for mutant in left):
        rank |= {mutant: at // 4 for at, mutant in enumerate(_shuffled(mutants_of(ROOT, path), seed))}
    return sorted(left, key=lambda mutant: (rank[mutant], mutant.path))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=["core/"], help="beginnings of paths; all of core without any")
    parser.add_argument("--most", type=int, default=0, help="mutants of each file; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log", type=lambda given: Path(given).absolute(), help="go on from here after a run was broken off")
    parser.add_argument("--lines", type=Path, help=argparse.SUPPRESS)  # given to the run in the copy: where its report goes
    parser.add_argument("--report", action="store_true", help="write docs/soak/<date>-mutation.txt")
    return parser.parse_args()


if __name__ == "__main__":
    assert not [name for name in sys.modules if name == "core" or name.startswith("core.")], "children import it anew"
    sys.exit(main())
