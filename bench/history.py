"""A past for a product that is stopped: log rows and rollups of every project, written by SQL alone. Ten million rows take some
minutes; the recorder's own way is measured elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from api.database.tables import USAGE_FIGURES
from bench.configuration import MODELS, PROJECT
from bench.product import Product
from bench.stand import LARGE

EVERY_MS = 80  # a row: 10,000,000 are nine days
DAYS = 7
# A third of the rows is spread over all projects, the others over the first fifty: some are busy and most are not.
_ROWS = f"""
WITH RECURSIVE n(i) AS (VALUES(:first) UNION ALL SELECT i + 1 FROM n WHERE i < :last),
  p(i, number) AS (SELECT i, (i * 7919) % (CASE WHEN i % 3 = 0 THEN {LARGE.projects} ELSE 50 END) FROM n)
INSERT INTO request_logs
 (position, request_id, at_ms, project, token, model, provider, revision, status, call_type, dialect, stream, http_status,
  error_code, error, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, estimated,
  cost_nano_usd, latency_ms, attempts, labels)
SELECT i, printf('%032x', i), :now_ms - (:last - i) * {EVERY_MS},
  CASE number WHEN 0 THEN '{PROJECT}' ELSE printf('{PROJECT}-%05d', number) END,
  't' || (i * 31 % {LARGE.tokens}), 'bench-' || (i * 17 % {MODELS}), 'bench', :revision,
  CASE WHEN i % 53 = 0 THEN 'error' WHEN i % 1009 = 0 THEN 'timeout' WHEN i % 20011 = 0 THEN 'budget_exceeded'
    ELSE 'success' END,
  CASE WHEN i % 100003 = 0 THEN 'embedding' ELSE 'completion' END,
  'openai_chat', 0, 200, '', '', 200, 9, 0, 0, 0, 0, 418000, 12.5, 1, '{{}}' FROM p"""
_SPANS = """INSERT INTO log_spans SELECT min(position), max(position), min(at_ms), max(at_ms), 0 FROM request_logs
 WHERE position >= :first GROUP BY (position - 1) / 2000"""
_TOKENS = f"""
WITH RECURSIVE p(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM p WHERE n + 1 < {LARGE.projects}),
  t(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM t WHERE n + 1 < {LARGE.tokens})
INSERT OR REPLACE INTO tokens_used
SELECT CASE p.n WHEN 0 THEN '{PROJECT}' ELSE printf('{PROJECT}-%05d', p.n) END, 't' || t.n, :now_ms FROM p, t"""
_DAYS = f"""
WITH RECURSIVE p(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM p WHERE n + 1 < {LARGE.projects}),
  m(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM m WHERE n + 1 < {MODELS}),
  d(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM d WHERE n + 1 < :spans)
INSERT OR REPLACE INTO {{table}} (start_ms, project, model, {", ".join(USAGE_FIGURES)})
SELECT (:now_ms / :span_ms - d.n) * :span_ms, CASE p.n WHEN 0 THEN '{PROJECT}' ELSE printf('{PROJECT}-%05d', p.n) END,
  'bench-' || m.n,
  {", ".join(f"(p.n * 31 + m.n * 7 + d.n) % 1000 + {number}" for number in range(len(USAGE_FIGURES)))} FROM p, m, d"""


def write(product: Product, rows: int, now_ms: int) -> None:
    """Add so many rows, the last of them now, and a week of rollups; the API must not run."""
    with closing(sqlite3.connect(product.layout.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        # Indexes made at the end take a fraction of the time.
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'request_logs' AND type = 'index'")
        indexes = [(name, statement) for name, statement in found.fetchall() if statement is not None]
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        (last,) = connection.execute("SELECT coalesce(max(position), 0) FROM request_logs").fetchone()
        asked = {"first": last + 1, "last": last + rows, "now_ms": now_ms, "revision": product.revision}
        connection.execute("BEGIN")
        connection.execute(_ROWS, asked)
        connection.execute(_SPANS, asked)
        connection.execute(_TOKENS, asked)
        for table, spans, span_ms in (("usage_by_day", DAYS, 86_400_000), ("usage_by_hour", 24, 3_600_000)):
            connection.execute(_DAYS.format(table=table), {"now_ms": now_ms, "spans": spans, "span_ms": span_ms})
        connection.execute("UPDATE recorder_position SET log_position = :last", asked)
        connection.execute("COMMIT")
        for _, statement in indexes:
            connection.execute(statement)
