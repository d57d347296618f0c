"""The write-ahead log: bounded under a writer that never rests, whole after it, and nobody's wait."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from api.database.checkpoints import Checkpoints
from api.database.engine import open_sqlite

ROW = b"x" * 100_000
MOST_PAGES = 500


def test_the_log_stays_small_under_a_writer_that_never_rests(tmp_path: Path) -> None:
    path = tmp_path / "waybill.sqlite3"
    with closing(open_sqlite(str(path))) as writer:
        writer.execute("CREATE TABLE rows (row BLOB)")
        checkpoints = Checkpoints(str(path), every_s=0.001, most_pages=MOST_PAGES)
        for _ in range(600):  # 60 MB, 15,000 pages
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO rows VALUES (?)", (ROW,))
            writer.execute("COMMIT")
            checkpoints.written(writer)
        checkpoints.close()
        log_bytes = path.with_name(path.name + "-wal").stat().st_size
        assert log_bytes < 30_000_000
        assert path.stat().st_size > 20_000_000
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT count(*) FROM rows").fetchone() == (600,)


def test_a_commit_of_the_recorder_copies_nothing_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "waybill.sqlite3"
    with closing(open_sqlite(str(path))) as writer:
        writer.execute("CREATE TABLE rows (row BLOB)")
        for _ in range(100):
            writer.execute("INSERT INTO rows VALUES (?)", (ROW,))
        assert path.stat().st_size < 100_000 < 10_000_000 < path.with_name(path.name + "-wal").stat().st_size


def test_a_database_that_cannot_be_copied_is_the_writer_s_to_notice(tmp_path: Path) -> None:
    path = tmp_path / "waybill.sqlite3"
    with closing(open_sqlite(str(path))) as writer:
        checkpoints = Checkpoints(str(tmp_path / "nowhere" / "waybill.sqlite3"), every_s=0.001, most_pages=0)
        checkpoints.written(writer)
        checkpoints.close()
