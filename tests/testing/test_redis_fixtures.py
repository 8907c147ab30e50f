"""The Valkey that tests share is like a new one, whatever the test before did to it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest
import redis

from rider_core.runtime.redis_connection import connect
from rider_core.testing.redis_fixtures import ValkeyLender
from rider_core.testing.valkey import Valkey


@pytest.fixture
def lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyLender]:
    lender = ValkeyLender(tmp_path_factory)
    yield lender
    lender.close()


def test_it_is_lent_again_with_nothing_in_it(lender: ValkeyLender) -> None:
    first = lender.lend()
    with connect(first.url) as left_open:
        left_open.set("key", 1)
        left_open.function_load("#!lua name=left\nredis.register_function('left', function() return 1 end)")
        listener = left_open.pubsub()
        listener.subscribe("channel")
        listener.get_message(timeout=5)
        second = lender.lend()
        assert second is first
        with connect(second.url) as connection:
            assert connection.dbsize() == 0
            assert connection.function_list() == []
            assert connection.pubsub_numsub("channel") == [(b"channel", 0)]
            assert len(connection.client_list()) == 1, "a client of the test before is still there"
        listener.close()


def kill_and_start(server: Valkey, _: redis.Redis) -> None:
    server.kill()
    server.start()


HARM: dict[str, Callable[[Valkey, redis.Redis], object]] = {
    "killed": lambda server, _: server.kill(),
    "killed and started": kill_and_start,
    "stopped": lambda server, _: server.stop(),
    "configured": lambda _, connection: connection.config_set("maxmemory-policy", "allkeys-lru"),
    "not durable": lambda _, connection: connection.config_set("appendonly", "no"),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_one_that_was_harmed_is_not_lent_again(
    lender: ValkeyLender, harm: Callable[[Valkey, redis.Redis], object]
) -> None:
    first = lender.lend()
    with connect(first.url) as connection:
        harm(first, connection)
    second = lender.lend()
    assert second is not first
    assert first.server.poll() in (0, -signal.SIGKILL), "it still runs"
    with connect(second.url) as connection:
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert connection.config_get("appendonly") == {"appendonly": "yes"}


def test_one_with_a_long_log_is_not_lent_again(lender: ValkeyLender) -> None:
    """A test that kills its server would wait for the replay of the log."""
    first = lender.lend()
    with connect(first.url) as connection:
        connection.set("key", b"x" * 5_000_000)
    assert lender.lend() is not first
