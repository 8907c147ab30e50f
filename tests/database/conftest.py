"""Every test runs on a real SQLite file, and on PostgreSQL where `RIDER_TEST_POSTGRES_URL` names a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rider_core.database import Database

POSTGRES_URL = os.environ.get("RIDER_TEST_POSTGRES_URL")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES_URL else [])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database. The one on PostgreSQL is emptied, whatever is in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'rider.db'}"
    assert POSTGRES_URL is not None
    engine = create_engine(POSTGRES_URL)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS job_history, provider_settings, system_prompts, alembic_version"))
    engine.dispose()
    return POSTGRES_URL


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    database.upgrade()
    yield database
    database.close()
