"""A data folder of any name: the embedded Valkey under supervisord, RQ's look at its clients, and the database."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from redis import Redis, RedisError

from rider_core.config import Settings
from rider_core.config.settings import MAX_FOLDER_BYTES
from rider_core.database import Database
from rider_core.database.saved import saved_settings
from rider_core.runtime import supervision
from rider_core.runtime.redis_connection import connect
from rider_core.runtime.redis_server import write_configuration as write_redis_configuration
from rider_core.runtime.supervision import Program, not_running, write_configuration
from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

NAMES = ["with spaces ; and =", "100%41 %(x)s", "\"double\" 'single'", "zażółć 🦝", "x" * 90, "back\\slash", "a\tb"]
#: A name that is not UTF-8, and one pasted with its line end.
NAMES += [os.fsdecode(b"muzyka \xbfona"), "end of line\n", " blanks around "]


def answers(connection: Redis) -> bool:
    try:
        return bool(connection.ping())
    except RedisError:
        return False


@pytest.mark.parametrize("name", NAMES)
def test_it_works_in_a_folder_of_any_name(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    works_in(tmp_path / name, processes, monkeypatch)


@pytest.mark.parametrize("length", [MAX_FOLDER_BYTES, MAX_FOLDER_BYTES + 1])
def test_it_works_in_a_folder_as_long_as_sockets_allow(
    processes: Processes, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    with tempfile.TemporaryDirectory(prefix="r") as place:
        works_in(Path(place) / ("x" * (length - len(place) - 1)), processes, monkeypatch)
        processes.end_all()


def works_in(folder: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=folder)
    settings.data_dir.mkdir()
    monkeypatch.setattr(supervision, "programs", lambda _: [Program("redis", "redis", 1)])
    write_redis_configuration(settings)
    file, environment = write_configuration(settings)
    processes.environment.update(environment, RIDER_DATA_DIR=str(settings.data_dir))
    processes.start("-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(file))
    with connect(settings.redis_location) as connection:
        wait_until(lambda: answers(connection), what=f"Valkey: {processes.log()}")
        # RQ finds a worker's address so, and redis-py splits each line at its blanks.
        assert connection.client_list()
        assert (settings.data_dir / "redis" / "appendonlydir").is_dir()
    wait_until(lambda: not_running(settings) == {}, what="a Valkey that runs")
    assert stat.S_IMODE(settings.redis_socket.parent.stat().st_mode) == 0o700
    assert (settings.data_dir / "run" / "supervisord.log").exists()


@pytest.mark.parametrize("name", NAMES)
def test_and_so_does_the_database(tmp_path: Path, name: str) -> None:
    settings = Settings(data_dir=tmp_path / name)
    database = Database(settings.database_location)
    database.upgrade()
    database.save_settings("engine", {"voice": "ż"})
    database.close()
    assert saved_settings(settings.database_location) == {"engine": {"voice": "ż"}}
    assert (settings.data_dir / "rider.db").exists()
