"""Waiting for something to be put into a folder: inotify, and a poll behind it that never depends on it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asyncinotify import Inotify, Mask

POLL_S = 1.0


class Wakeups:
    """Wakes when a file is put into one of the folders, and every `POLL_S` in any case (inotify may be used up, or blind)."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._inotify: Inotify | None = None

    async def next(self) -> None:
        """Wait. Returns at once when it has just begun to listen: something may have come before."""
        if self._inotify is None and self._listen():
            return
        try:
            async with asyncio.timeout(POLL_S):
                if self._inotify is not None:
                    await self._inotify.get()
                else:
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            pass

    def close(self) -> None:
        """Stop listening."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _listen(self) -> bool:
        try:
            inotify = Inotify()
        except OSError:
            return False
        try:
            for folder in self._folders:
                # Created, too: libgit2 links a packed branch's first loose file into place instead of renaming it.
                inotify.add_watch(folder, Mask.MOVED_TO | Mask.CREATE | Mask.ONLYDIR)
        except OSError:
            inotify.close()
            return False
        self._inotify = inotify
        return True
