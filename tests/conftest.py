"""The fixtures that several tests share; what they are made of is in `house`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from house import Processes, Valkey

from rider_core.runtime.redis_connection import connect


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("v"))
    yield server
    server.stop()


@pytest.fixture
def connection(valkey: Valkey) -> Iterator[redis.Redis]:
    connection = connect(valkey.url)
    yield connection
    connection.close()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.end_all()
