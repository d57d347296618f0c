"""Where Node is, for the tests that run it: the system's, or the one that pip put into the environment; and what is installed
for it. What cannot be had is left out, with a word about why."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

_OWN = Path(sys.prefix) / "node" / "bin"
NODE = shutil.which("node", path=os.pathsep.join((os.environ.get("PATH", ""), str(_OWN))))


def installed(folder: Path) -> bool:
    """Whether Node is here, and `npm ci` has run in `folder` since its lock file last changed."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    return NODE is not None and done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime


def needs(folder: Path) -> pytest.MarkDecorator:
    """Skips what needs the packages of `folder` where they are not."""
    reason = "needs Node" if NODE is None else f"needs `npm ci` in {folder.name}, as `make` runs it"
    return pytest.mark.skipif(not installed(folder), reason=reason)
