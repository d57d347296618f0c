"""A disk without room: no mistake of ours, and over when somebody makes room."""

from __future__ import annotations

import errno
import re
import sqlite3
from typing import Final

from pygit2 import GitError

FULL: Final = "the server's disk is full: nothing can be written until there is room; try again then"
_SAYS_SO: Final = re.compile("no space left|quota exceeded|disk is full", re.IGNORECASE)


def is_full(error: BaseException | None) -> bool:
    """Whether `error` comes of it, as the system, libgit2 or SQLite says it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, GitError | sqlite3.Error) and _SAYS_SO.search(str(error)):
            return True
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return False
