"""Figures beside their targets, as a table for people and as JSON for later comparison."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench.calm import Waiting
from bench.processes import ROOT

RESULTS = Path(__file__).parent / "results"
_PRODUCT = ("core", "proxy", "api", "waybill", "bench")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure; `met` is None where nothing is promised."""

    name: str
    value: float
    unit: str = ""
    target: str = ""
    met: bool | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario found: its figures, and the rounds that they are medians of."""

    figures: list[Figure]
    rounds: Any


class Report(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One run: where, when, on which commit, and what came out."""

    commit: str
    changed: bool  # files of the product differ from the commit
    at: str
    machine: dict[str, str]
    full: bool
    scenarios: dict[str, Outcome] = {}
    failed: dict[str, str] = {}  # scenarios that could not be measured, and why
    waiting: Waiting | None = None

    @property
    def missed(self) -> int:
        """Figures that miss their target, and scenarios without any."""
        return len(self.failed) + sum(figure.met is False for outcome in self.scenarios.values() for figure in outcome.figures)

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    def path(self) -> Path:
        """`<date>-<commit>.json`, `-full` where the sizes were large."""
        return RESULTS / f"{self.at[:10]}-{self.commit}{'-full' if self.full else ''}.json"


def at_most(name: str, value: float, bound: float, unit: str = "") -> Figure:
    """A figure that must not be larger."""
    return Figure(name=name, value=value, unit=unit, target=f"≤ {bound:g}", met=value <= bound)


def at_least(name: str, value: float, bound: float, unit: str = "") -> Figure:
    """A figure that must not be smaller."""
    return Figure(name=name, value=value, unit=unit, target=f"≥ {bound:g}", met=value >= bound)


def none(name: str, value: float, unit: str = "") -> Figure:
    """A count of what must not happen."""
    return Figure(name=name, value=value, unit=unit, target="0", met=value == 0)


def within(name: str, value: float, share: float) -> Figure:
    """A ratio of two figures that must be the same but for a share."""
    return Figure(name=name, value=value, target=f"1 ± {share:g}", met=1 - share <= value <= 1 + share)


def middle(rounds: Sequence[Any], field: str) -> float:
    """The median of a field over rounds."""
    return float(median(getattr(each, field) for each in rounds))


def begin(*, full: bool) -> Report:
    """A report without figures yet."""
    return Report(
        commit=_git("rev-parse", "--short=12", "HEAD") or "unknown",
        changed=bool(_git("status", "--porcelain", "--", *_PRODUCT)),
        at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=_machine(),
        full=full,
    )


def table(title: str, figures: Sequence[Figure]) -> str:
    """Lines of name, value, target and whether it was met."""
    lines = [title]
    for figure in figures:
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        value = f"{_shown(figure.value)} {figure.unit}".strip()
        lines.append(f"  {figure.name:<66} {value:>16}  {figure.target:<10} {verdict}".rstrip())
    return "\n".join(lines)


def calmness(waiting: Waiting) -> str:
    """How the rounds found the cores."""
    return (
        f"{waiting.rounds} rounds waited {waiting.waited_s:.0f} s in all for cores at full speed; "
        f"{waiting.disturbed} began on slower ones."
    )


def markdown(report: Report) -> str:
    """A run as the tables of docs/benchmarks.md."""
    machine = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    lines = [f"Commit `{report.commit}`{' with uncommitted changes' if report.changed else ''}, {report.at[:10]}; {machine}."]
    if report.waiting is not None:
        lines += ["", calmness(report.waiting)]
    for name, outcome in report.scenarios.items():
        lines += ["", f"| {name} | measured | target | |", "|---|---:|---|---|"]
        for figure in outcome.figures:
            verdict = {None: "", True: "met", False: "**missed**"}[figure.met]
            lines.append(f"| {figure.name} | {f'{_shown(figure.value)} {figure.unit}'.strip()} | {figure.target} | {verdict} |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _machine() -> dict[str, str]:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "cpu": cpu.partition(":")[2].strip() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "nginx": _said(["/usr/sbin/nginx", "-v"]).rpartition("/")[2],
        "wrk": _said(["wrk", "-v"]).removeprefix("wrk ").partition(" ")[0],
    }


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "none"
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
