"""SQLite's own files, which a full disk has no space for, stay when everything is closed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rider_core.database import Database
from rider_core.database.outages import Outage, read_outages, write_outages


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("last", ["write", "close"])
def test_files_stay_whoever_closes_last(tmp_path: Path, last: str) -> None:
    url = f"sqlite:///{tmp_path / 'rider.db'}"
    database = Database(url)
    database.upgrade()
    if last == "write":
        database.close()
        write_outages(url, [Outage("bus", time.time(), None, "away")])
    else:
        write_outages(url, [Outage("bus", time.time(), None, "away")])
        database.close()
    assert files(tmp_path) >= {"rider.db", "rider.db-shm", "rider.db-wal"}
    assert [outage.why for outage in read_outages(url)] == ["away"]
