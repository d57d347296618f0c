"""Git is the one program that Waybill needs beside Python: found, and not too old."""

from __future__ import annotations

import re
import subprocess

from waybill.errors import GitUnavailable

# 2.24 brought `--end-of-options`, which stands before everything that a user wrote.
MINIMUM = (2, 24)


def require_git(program: str = "git") -> str:
    """Git's version. Raises GitUnavailable when there is none, or one older than `MINIMUM`."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        raise GitUnavailable("git: not found on PATH; install it, for example with `apt-get install git`") from None
    found = re.search(r"(\d+)\.(\d+)[\w.]*", answer.stdout)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise GitUnavailable(f"git: {answer.stdout.strip() or 'unknown version'} is too old; {wanted} or newer is needed")
    return found[0]
