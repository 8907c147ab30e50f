"""Saved system prompts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "system_prompts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("language", sa.String(8), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_ts", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("system_prompts")
