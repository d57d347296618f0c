"""The repository's pre-receive hook, which git starts as a process for each push; see `pushes.py` for what it checks.

The turn comes before the imports: they take longer than the check itself, and what is committed meanwhile refuses the push.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from api.repository import locks


def main() -> int:
    """Run as a hook: the data folder is the argument. Returns the process status."""
    repository = Path(os.environ.get("GIT_DIR", ".")).resolve()
    locks.take_turn(repository)
    from api.repository import pushes

    return pushes.run(repository, Path(sys.argv[1]), os.environ, sys.stdin, sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
