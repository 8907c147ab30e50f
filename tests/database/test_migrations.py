"""The migrations create the tables that the code expects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from rider_core.database import Database, migrate
from rider_core.database.tables import Base
from rider_core.errors import DatabaseError


def test_the_migrations_and_the_tables_agree(database: Database) -> None:
    with database._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_an_upgrade_is_needed_once(url: str) -> None:
    database = Database(url)
    assert database.revision() is None
    assert not database.is_current()
    database.upgrade()
    database.upgrade()
    assert database.revision() == migrate.head_revision() == "0006"
    assert database.is_current()
    database.close()


def test_processes_that_upgrade_at_once_all_succeed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rider.db'}"
    source = f"from rider_core.database import Database; it = Database({url!r}); it.upgrade(); assert it.is_current()"
    together = [subprocess.Popen([sys.executable, "-c", source], stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate(timeout=60)[1].decode() for process in together]
    assert [process.returncode for process in together] == [0] * 4, errors


def test_a_migration_that_fails_half_way_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: object) -> None:
        before(connection)
        connection.execute(text("SELECT * FROM no_such_table"))

    before = migrate.upgrade
    monkeypatch.setattr(migrate, "upgrade", half)
    database = Database(url)
    with pytest.raises(DatabaseError, match="no_such_table"):
        database.upgrade()
    assert inspect(database._engine).get_table_names() == []
    database.close()


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not database.is_current()
    with pytest.raises(DatabaseError, match=r"9999.*\(update rider-core\)"):
        database.upgrade()


def test_every_migration_can_be_taken_back(database: Database) -> None:
    from_head = migrate._config()
    with database._engine.begin() as connection:
        from_head.attributes["connection"] = connection
        migrate.command.downgrade(from_head, "base")
    assert inspect(database._engine).get_table_names() == ["alembic_version"]
