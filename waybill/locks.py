"""One process per role on a data folder: two proxies would write into each other's journal.

The lock is `flock` on `<data>/<role>.lock`. The kernel drops it with its holder, however that dies, so no stale lock file ever
keeps anybody out; the process id in the file is only for the message.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from waybill.errors import AlreadyRunning, DataFolderUnusable

Role: TypeAlias = Literal["serve", "proxy", "api"]


@contextmanager
def only_one(data: Path, role: Role, wait_s: float = 2.0) -> Iterator[None]:
    """Hold the role's lock for the block. Raises AlreadyRunning when another process keeps it for longer than `wait_s`.

    The short wait is for a start right after a kill: the kernel may still be clearing the killed process away.
    """
    path = data / f"{role}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataFolderUnusable(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        _acquire(descriptor, data, role, time.monotonic() + wait_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, data: Path, role: Role, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                who = f" (process {holder})" if holder else ""
                raise AlreadyRunning(f"{data}: `waybill {role}`{who} already runs on this data folder") from None
            time.sleep(0.05)
        else:
            return
