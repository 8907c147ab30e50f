"""Which providers are switched off, and which come first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_choices",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("updated_ts", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("provider_choices")
