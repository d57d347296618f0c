"""Log rows by project and token: a token's id is its project's own."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.drop_index("ix_request_logs_token_position", "request_logs")
    op.create_index("ix_request_logs_project_token_position", "request_logs", ["project", "token", "position"])
    op.create_index("ix_tokens_used_token", "tokens_used", ["token"])


def downgrade() -> None:
    op.drop_index("ix_tokens_used_token", "tokens_used")
    op.drop_index("ix_request_logs_project_token_position", "request_logs")
    op.create_index("ix_request_logs_token_position", "request_logs", ["token", "position"])
