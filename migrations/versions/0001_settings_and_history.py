"""Provider settings and the history of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_settings",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("updated_ts", sa.Double(), nullable=False),
    )
    op.create_table(
        "job_history",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("priority", sa.String(16), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("provider", sa.String(64)),
        sa.Column("mock", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("submitted_ts", sa.Double(), nullable=False),
        sa.Column("started_ts", sa.Double()),
        sa.Column("ended_ts", sa.Double(), nullable=False),
        sa.Column("problem_code", sa.String(64)),
        sa.Column("problem_message", sa.Text()),
        sa.Column("problem_remedy", sa.Text()),
    )
    op.create_index("ix_job_history_ended_ts", "job_history", ["ended_ts"])


def downgrade() -> None:
    op.drop_index("ix_job_history_ended_ts", table_name="job_history")
    op.drop_table("job_history")
    op.drop_table("provider_settings")
