"""Usage over time: how requests ended and how long they took in every rollup, rollups without tokens, when tokens were used,
and for which request a routing call was made.

What was rolled up before has no latencies. Tokens that were used before say the hour of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

DAY_MS = 86_400_000
BEFORE = (
    "calls",
    "errors",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "unpriced_calls",
    "requests",
)
CLASSES = tuple(f"latency_class_{number}" for number in range(11))
NEW = ("refused", "cancelled", "latency_ms", "first_byte_ms", "first_bytes", *CLASSES)
CAUSED = sa.text("cause IS NOT NULL")


def _counted(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))


def upgrade() -> None:
    op.add_column("request_logs", sa.Column("cause", sa.String(length=32), nullable=True))
    op.create_index(
        "ix_request_logs_cause", "request_logs", ["cause", "position"], sqlite_where=CAUSED, postgresql_where=CAUSED
    )
    for name in NEW:
        op.add_column("usage_hourly", _counted(name))
    for table, span_ms in (("usage_by_hour", 3_600_000), ("usage_by_day", DAY_MS)):
        op.create_table(
            table,
            sa.Column("start_ms", sa.BigInteger(), nullable=False),
            sa.Column("project", sa.String(length=63), nullable=False),
            sa.Column("model", sa.String(length=100), nullable=False),
            *(sa.Column(name, sa.BigInteger(), nullable=False) for name in BEFORE[:-1]),
            _counted("requests"),
            *(_counted(name) for name in NEW),
            sa.PrimaryKeyConstraint("start_ms", "project", "model", name=f"pk_{table}"),
            sqlite_with_rowid=False,
        )
        sums = ", ".join(f"sum({name})" for name in BEFORE)
        op.execute(
            f"INSERT INTO {table} (start_ms, project, model, {', '.join(BEFORE)})"  # noqa: S608  # names of ours
            f" SELECT hour_ms - hour_ms % {span_ms}, project, model, {sums} FROM usage_hourly GROUP BY 1, 2, 3"
        )
    op.create_table(
        "tokens_used",
        sa.Column("project", sa.String(length=63), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "token", name="pk_tokens_used"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO tokens_used (project, token, last_at_ms)"
        " SELECT project, token, max(hour_ms) FROM usage_hourly GROUP BY 1, 2"
    )


def downgrade() -> None:
    op.drop_table("tokens_used")
    op.drop_table("usage_by_day")
    op.drop_table("usage_by_hour")
    for name in NEW:
        op.drop_column("usage_hourly", name)
    op.drop_index("ix_request_logs_cause", "request_logs")
    op.drop_column("request_logs", "cause")
