"""SQLite's write-ahead log, copied into the database beside its writer: whose commits then never wait for the disk.

A checkpoint waits for the disk twice, some 40 ms where it is fast and 350 where others use it. Inside a commit, as SQLite would
do it, that is how long the feed stands still.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import Final

from api.database.engine import open_sqlite

EVERY_S: Final = 1.0
# The log begins anew only when all of it is copied while nobody writes. From so many pages on (16 MiB) the writer itself copies
# what came since the last turn, which is little.
MOST_PAGES: Final = 4_000


class Checkpoints:
    """One a writer. `written` belongs to the writer's thread, all else to a thread of its own."""

    def __init__(self, path: str, *, every_s: float = EVERY_S, most_pages: int = MOST_PAGES) -> None:
        self._path = path
        self._every_s = every_s
        self._most_pages = most_pages
        self._pages = 0  # in the log, at the last turn
        self._turn = threading.Lock()
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def written(self, connection: sqlite3.Connection) -> None:
        """Something was committed on `connection`."""
        self._news.set()
        if self._pages >= self._most_pages and self._turn.acquire(blocking=False):
            try:
                self._copy(connection)
                self._pages = 0
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the thread; the log is left as it is."""
        self._closing.set()
        self._news.set()
        self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._news.wait() and not self._closing.is_set():
            self._news.clear()
            with self._turn, contextlib.suppress(sqlite3.Error):
                connection = connection or open_sqlite(self._path)
                self._pages = self._copy(connection)
            self._closing.wait(self._every_s)
        if connection is not None:
            connection.close()

    def _copy(self, connection: sqlite3.Connection) -> int:
        """The pages in the log. A disk that is full or away is for the writer to say: its next commit finds out."""
        with contextlib.suppress(sqlite3.Error):
            _busy, pages, _copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return int(pages)
        return 0
