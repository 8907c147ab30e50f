"""`rider db upgrade`: migrate the database to this version."""

from __future__ import annotations

import click

from rider_core.config import load_settings
from rider_core.database import Database


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Create or migrate the tables. Their content is kept."""
    database = Database(load_settings().database_location)
    try:
        before = database.revision()
        database.upgrade()
        after = database.revision()
    finally:
        database.close()
    click.echo(f"The database is at revision {after}" + ("" if before == after else f", it was at {before or 'none'}"))
