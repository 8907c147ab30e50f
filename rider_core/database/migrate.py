"""Brings a database to the tables that this version needs, through Alembic."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

import rider_core
from rider_core.errors import DatabaseError

__all__ = ["CommandError", "head_revision", "migrations_folder", "revision_of", "upgrade"]

HEAD = "head"


def migrations_folder() -> Path:
    """`rider_core._migrations` where rider-core is installed, else the folder `migrations` of the source checkout.

    Raises:
        DatabaseError: neither is there.
    """
    spec = importlib.util.find_spec("rider_core._migrations")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent
    checkout = Path(rider_core.__file__).parent.parent / "migrations"
    if (checkout / "env.py").is_file():
        return checkout
    raise DatabaseError(f"the migrations are neither installed nor in {checkout}", remedy="install rider-core again")


def upgrade(connection: Connection) -> None:
    """Run the missing migrations on `connection`, inside the transaction of the caller."""
    command.upgrade(_config(connection), HEAD)


def head_revision() -> str | None:
    """The newest revision of this version's migrations."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revision_of(connection: Connection) -> str | None:
    """The database's revision. None: it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Alembic reads its options as configparser does, so a percent sign in a path must be doubled.
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
