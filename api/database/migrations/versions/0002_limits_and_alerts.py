"""What limits need: instants of admission, what a request is booked at, alerts and their deliveries.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("request_logs", sa.Column("admitted_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("request_logs", sa.Column("shares", sa.Text(), nullable=True))
    has_shares = sa.text("shares IS NOT NULL")
    op.create_index(
        "ix_request_logs_shares", "request_logs", ["position"], sqlite_where=has_shares, postgresql_where=has_shares
    )
    op.add_column("usage_hourly", sa.Column("requests", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    # Until now every row was a call.
    op.execute("UPDATE usage_hourly SET requests = calls")
    op.create_table(
        "alerts",
        sa.Column("id", _POSITION, autoincrement=True, nullable=False),
        sa.Column("event", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(length=63), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("window", sa.String(length=40), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("reset_ms", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("event", name=op.f("uq_alerts_event")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alert_deliveries",
        sa.Column("alert", _POSITION, autoincrement=False, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("delivered_ms", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("alert", "url", name=op.f("pk_alert_deliveries")),
    )
    op.create_index(op.f("ix_alert_deliveries_due_ms"), "alert_deliveries", ["due_ms"])


def downgrade() -> None:
    op.drop_table("alert_deliveries")
    op.drop_table("alerts")
    op.drop_column("usage_hourly", "requests")
    op.drop_index("ix_request_logs_shares", "request_logs")
    op.drop_column("request_logs", "shares")
    op.drop_column("request_logs", "admitted_ms")
