"""pytest's fixtures of a real Valkey. A `conftest.py` imports all three by name:

from rider_core.testing.redis_fixtures import connection, valkey, valkey_lender
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from redis.exceptions import RedisError

from rider_core.runtime.redis_connection import connect
from rider_core.testing.valkey import Valkey

#: A test may kill the server, and what it then reads back should be little more than its own writes.
_MAX_LOG_BYTES = 4 * 1024 * 1024


class ValkeyLender:
    """Lends one server to one test after the other, each time as if it had just been started.

    To start and stop a server takes 0.16 s, which is more than most tests take; to empty one, a millisecond.
    """

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._server: Valkey | None = None
        self._process_id = 0
        self._config: object = None

    def lend(self) -> Valkey:
        """A server with nothing in it: no keys, functions, clients or settings of the test before."""
        if self._server is None or not self._emptied(self._server):
            self.close()
            self._server = Valkey(self._folders.mktemp("v"))
            with connect(self._server.url) as connection:
                self._process_id = self._server.server.pid
                self._config = connection.config_get("*")
        return self._server

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()

    def _emptied(self, server: Valkey) -> bool:
        """Whether it could be emptied. False: a test has killed it, or changed its settings."""
        if server.server.pid != self._process_id or server.log_bytes() > _MAX_LOG_BYTES:
            return False
        with suppress(RedisError), connect(server.url) as connection:
            connection.client_kill_filter(_type="normal", skipme=True)
            connection.client_kill_filter(_type="pubsub")
            connection.flushall()
            connection.function_flush()
            return bool(connection.config_get("*") == self._config)
        return False


@pytest.fixture(scope="session")
def valkey_lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyLender]:
    lender = ValkeyLender(tmp_path_factory)
    yield lender
    lender.close()


@pytest.fixture
def valkey(valkey_lender: ValkeyLender) -> Valkey:
    """An empty server, which the test may kill and start again."""
    return valkey_lender.lend()


@pytest.fixture
def connection(valkey: Valkey) -> Iterator[redis.Redis]:
    """A connection to `valkey`, made as all of ours are."""
    connection = connect(valkey.url)
    yield connection
    connection.close()
