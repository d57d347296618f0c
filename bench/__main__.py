"""`python -m bench [scenario …] [--full] [--strict]`: measure, print figures beside their targets, keep the raw rounds."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import (
    commits,
    dashboard,
    feed,
    flatness,
    latency,
    logs,
    paced,
    policies,
    recorder,
    reload,
    report,
    start,
    streams,
    unary,
)
from bench.processes import stop_at_signals
from bench.report import Outcome, Report
from bench.stand import Stand

SCENARIOS: dict[str, Callable[[Stand], Outcome]] = {
    "unary": unary.measure,
    "streams": streams.measure,
    "paced": paced.measure,
    "latency": latency.measure,
    "recorder": recorder.measure,
    "feed": feed.measure,
    "policies": policies.measure,
    "flatness": flatness.measure,
    "commits": commits.measure,
    "reload": reload.measure,
    "start": start.measure,
    "dashboard": dashboard.measure,
    "logs": logs.measure,
}


def main() -> int:
    """Exit code 0 whatever the figures are: timing never fails a run, except with --strict."""
    arguments = _arguments()
    if arguments.show:
        print(report.markdown(msgspec.json.decode(arguments.show.read_bytes(), type=Report)))
        return 0
    stop_at_signals()
    run = report.begin(full=arguments.full)
    names = arguments.scenarios or list(SCENARIOS)
    try:
        with tempfile.TemporaryDirectory(prefix="waybill-bench-", ignore_cleanup_errors=True) as folder:
            _measure(Path(folder), names, run)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    if arguments.output or not arguments.scenarios:
        path = arguments.output or run.path()
        run.write(path)
        print(f"\nraw rounds: {path}")
    print(f"{run.missed} missed" if run.missed else "every target met")
    return 1 if arguments.strict and run.missed else 0


def _measure(folder: Path, names: list[str], run: Report) -> None:
    folder.chmod(0o755)  # nginx's worker is another user
    print(f"{run.commit}{' and uncommitted changes' if run.changed else ''}, {run.machine['cpu']}, {run.at}", flush=True)
    stand = Stand(folder, full=run.full)
    try:
        for name in names:
            started = time.monotonic()
            try:
                outcome = SCENARIOS[name](stand)
            except Exception as error:  # the others are measured all the same
                traceback.print_exc()
                run.failed[name] = f"{type(error).__name__}: {error}"
                continue
            run.scenarios[name] = outcome
            print(report.table(f"\n{name} ({time.monotonic() - started:.0f} s)", outcome.figures), flush=True)
    finally:
        run.waiting = stand.calm.waiting
        print("\n" + report.calmness(run.waiting), flush=True)
        stand.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"all if none is named: {', '.join(SCENARIOS)}")
    parser.add_argument("--full", action="store_true", help="large sizes and more rounds")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a target is missed")
    parser.add_argument("--output", type=Path, help="where the raw rounds go; bench/results/<date>-<commit>.json when all ran")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print a kept run as Markdown, and measure nothing")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.scenarios if name not in SCENARIOS]:
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
