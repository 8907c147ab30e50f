"""Called by Alembic: runs the migrations on the connection that `rider_core.database` passes in `attributes`.

The program `alembic` passes none; it works on the database of the settings.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from rider_core.config import load_settings
from rider_core.database.engine import open_engine
from rider_core.database.tables import Base


def run(connection: Connection) -> None:
    # SQLite cannot alter most of a table: in batch mode Alembic copies it instead.
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


passed = context.config.attributes.get("connection")
if passed is not None:
    run(passed)
else:
    with open_engine(load_settings().database_location).connect() as opened:
        run(opened)
