"""Dated output of long runs, to be committed: what ran, on which commit, and its figures."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "soak"


def write(name: str, title: str, lines: list[str]) -> Path:
    """Write `docs/soak/<date>-<name>.txt` and print it."""
    now = datetime.now(UTC)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=FOLDER.parent).stdout.strip()
    machine = f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}, {platform.system()}"
    head = [title, f"{now:%Y-%m-%d %H:%M} UTC, commit {commit[:12] or 'unknown'}, {machine}", ""]
    text = "\n".join([*head, *lines, ""])
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{now:%Y-%m-%d}-{name}.txt"
    path.write_text(text)
    print(f"\n{text}")
    return path
