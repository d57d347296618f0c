"""The database's tables. Types and constraints that SQLite and PostgreSQL share; instants in Unix ms, money in nano-USD.

`request_logs.position` is given by the recorder in its transaction, without holes: it is the cursor of every page and every
subscription. An index ends in it, so that a filtered page is a walk along one index and never a sort. Each costs about 3 µs a
row, so there is one for each question that people ask, not one for each column (docs/decisions).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# On SQLite only a column of the very type INTEGER is the row's own key.
Position = BigInteger().with_variant(Integer, "sqlite")

request_logs = Table(
    "request_logs",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("request_id", String(32), nullable=False, unique=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("project", String(63), nullable=False),
    Column("token", String(100), nullable=False),
    Column("model", String(100)),
    Column("provider", String(63)),
    Column("revision", String(64), nullable=False),
    Column("status", String(20), nullable=False),
    Column("call_type", String(20), nullable=False),
    Column("dialect", String(30), nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("http_status", Integer, nullable=False),
    Column("error_code", String(60), nullable=False),
    Column("error", Text, nullable=False),
    Column("input_tokens", BigInteger),  # all tokens: none where nothing was used
    Column("output_tokens", BigInteger),
    Column("cached_input_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("cost_nano_usd", BigInteger),
    Column("latency_ms", Double, nullable=False),
    Column("first_byte_ms", Double),
    Column("attempts", Integer, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("admitted_ms", BigInteger, nullable=False, server_default=text("0")),  # after `at_ms`: whose windows it belongs to
    Column("shares", Text),  # JSON: what it is booked at, in all and by model, where the columns above do not say it
    Column("cause", String(32)),  # of a routing call: the request that it was made for
)
_logs = request_logs.c
Index(None, _logs.project, _logs.position)
Index(None, _logs.project, _logs.token, _logs.position)  # which projects have a token of that id, `tokens_used` knows
Index(None, _logs.model, _logs.position)
Index(None, _logs.project, _logs.model, _logs.position)
# Successes are nearly all rows, so an index by status pays only for the others; queries repeat this very condition.
not_success = _logs.status != literal_column("'success'")
Index("ix_request_logs_failed", _logs.status, _logs.position, sqlite_where=not_success, postgresql_where=not_success)
Index(
    "ix_request_logs_project_failed",
    _logs.project,
    _logs.status,
    _logs.position,
    sqlite_where=not_success,
    postgresql_where=not_success,
)
has_shares = _logs.shares.is_not(None)
Index("ix_request_logs_shares", _logs.position, sqlite_where=has_shares, postgresql_where=has_shares)
has_cause = _logs.cause.is_not(None)
Index("ix_request_logs_cause", _logs.cause, _logs.position, sqlite_where=has_cause, postgresql_where=has_cause)

traces = Table(
    "traces",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),  # that of its row in request_logs
    Column("at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the finished event as JSON, as it is in the journal
)

# A few thousand neighbouring positions each: from instants to positions without an index by time, and sizes without a scan.
log_spans = Table(
    "log_spans",
    metadata,
    Column("first_position", Position, primary_key=True, autoincrement=False),
    Column("last_position", BigInteger, nullable=False),
    Column("min_at_ms", BigInteger, nullable=False),
    Column("max_at_ms", BigInteger, nullable=False),  # of arrivals and of admissions
    Column("trace_bytes", BigInteger, nullable=False),
)

# Upper bounds in ms of the classes that latencies are counted in, doubling; a last class holds what took longer.
LATENCY_BOUNDS_MS = (100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200)
LATENCY_CLASSES = tuple(f"latency_class_{number}" for number in range(len(LATENCY_BOUNDS_MS) + 1))


def _figures() -> list[Column[int]]:
    """What a rollup adds up, in the order of `USAGE_FIGURES`."""
    figures = [
        Column("calls", BigInteger, nullable=False),  # as limits count them: one that failed for nothing is none
        Column("errors", BigInteger, nullable=False),  # status `error` or `timeout`
        Column("input_tokens", BigInteger, nullable=False),
        Column("output_tokens", BigInteger, nullable=False),
        Column("cached_input_tokens", BigInteger, nullable=False),
        Column("cache_write_tokens", BigInteger, nullable=False),
        Column("reasoning_tokens", BigInteger, nullable=False),
        Column("cost_nano_usd", BigInteger, nullable=False),
        Column("unpriced_calls", BigInteger, nullable=False),  # had usage, but its model has no price
        Column("requests", BigInteger, nullable=False, server_default=text("0")),  # log rows, however they ended
    ]
    # Latencies are those of successes: the classes add up to how many these are. `first_bytes` are those that say theirs.
    later = ("refused", "cancelled", "latency_ms", "first_byte_ms", "first_bytes", *LATENCY_CLASSES)
    return figures + [Column(name, BigInteger, nullable=False, server_default=text("0")) for name in later]


USAGE_FIGURES = tuple(column.name for column in _figures())

usage_hourly = Table(
    "usage_hourly",
    metadata,
    Column("project", String(63), primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),  # the first millisecond of the hour of admission
    Column("token", String(100), primary_key=True),
    Column("model", String(100), primary_key=True),  # "": what belongs to no model, so that all rows add up to the totals
    *_figures(),
    Index(None, "hour_ms"),
    sqlite_with_rowid=False,
)


def _by_model(name: str) -> Table:
    """The same without tokens, by time first: what lists and charts over many projects read."""
    return Table(
        name,
        metadata,
        Column("start_ms", BigInteger, primary_key=True),
        Column("project", String(63), primary_key=True),
        Column("model", String(100), primary_key=True),
        *_figures(),
        sqlite_with_rowid=False,
    )


usage_by_hour = _by_model("usage_by_hour")
usage_by_day = _by_model("usage_by_day")

tokens_used = Table(
    "tokens_used",
    metadata,
    Column("project", String(63), primary_key=True),
    Column("token", String(100), primary_key=True),
    Column("last_at_ms", BigInteger, nullable=False),  # the arrival of the newest request that it came with
    Index(None, "token"),
    sqlite_with_rowid=False,
)

recorder_position = Table(
    "recorder_position",
    metadata,
    Column("journal", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),  # the journal is recorded up to here
    Column("anchor_position", BigInteger, nullable=False),  # where the last recorded record begins …
    Column("anchor_crc", BigInteger, nullable=False),  # … and its checksum: tells whether the journal is still the same
    Column("log_position", BigInteger, nullable=False),  # the newest position given in request_logs
)

# What limits had to say. An id is never given twice, whatever is deleted: it is the cursor, and what receivers know one by.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("event", String(400), nullable=False, unique=True),  # what happened, in one key: it is raised once
    Column("kind", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("project", String(63), nullable=False),  # the scope; "" stands for all
    Column("token", String(100), nullable=False),
    Column("model", String(100), nullable=False),
    Column("metric", String(20), nullable=False),
    Column("window", String(40), nullable=False),  # a calendar's name or a length in ms; "" where it is about one request
    Column("start_ms", BigInteger, nullable=False),
    Column("reset_ms", BigInteger),
    Column("value", BigInteger, nullable=False),  # nano-USD for cost, else a count
    Column("used", BigInteger, nullable=False),
    Column("request_id", String(32)),
    Column("revision", String(64)),
    sqlite_autoincrement=True,
)

alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("alert", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("url", String(2000), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("due_ms", BigInteger),  # when to try next; none: it is over
    Column("delivered_ms", BigInteger),  # none: not yet, or given up
    Column("error", String(300)),  # of the last attempt
    Index(None, "due_ms"),
)

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),  # lower case
    Column("name", String(200)),  # none: the e-mail says who
    Column("password_hash", String(200)),  # argon2id; none: signs in elsewhere
    Column("role", String(63), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("disabled_at_ms", BigInteger),  # none: may sign in
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),  # of the cookie's value, which is stored nowhere
    # The value before the last rotation counts a moment longer, for requests that were under way.
    Column("former_sha256", LargeBinary(32), unique=True),
    Column("former_until_ms", BigInteger),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("rotated_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    Column("client", String(64), nullable=False),  # the address of the login
    Column("agent", String(200), nullable=False),  # what the browser called itself then
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    Column("prefix", String(16), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("last_used_at_ms", BigInteger),
    Column("expires_at_ms", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("user_id", String(32)),  # none: nobody was signed in
    Column("action", String(60), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("client", String(64), nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "user_id", "id"),
    Index(None, "action", "id"),
)

# What an idempotency key was used for, written in the transaction that did it: a retry finds it and does nothing. Changes of
# the configuration have theirs in their commit; here are those of them that found nothing to change.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("action", String(60), nullable=False),
    Column("wish_sha256", LargeBinary(32), nullable=False),  # a digest of what was asked
    Column("result", String(100), nullable=False),  # the id of what came of it
    Column("at_ms", BigInteger, nullable=False, index=True),
)
