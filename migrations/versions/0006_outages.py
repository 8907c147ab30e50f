"""When the robot, its bus or the link were away, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outages",
        sa.Column("what", sa.String(16), primary_key=True),
        sa.Column("begin_ts", sa.Double(), primary_key=True),
        sa.Column("end_ts", sa.Double(), nullable=True),
        sa.Column("why", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("outages")
