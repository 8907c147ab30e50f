"""Requests over a real Valkey: answered once, in time or not at all, whatever Redis or the server does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from echo_handler import EchoHandler

from rider_core.errors import BackendUnavailable, NoAnswer, NotRunning, TooLarge
from rider_core.rpc import RedisClient, RedisServer, redis_server
from rider_core.rpc.handling import MAX_REQUEST_BYTES
from rider_core.rpc.redis_keys import MAX_WAITING, request_key, waiting_key
from rider_core.runtime.redis_connection import connect_fail_fast
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short wait, so that a server ends soon after `stop`."""
    monkeypatch.setattr(redis_server, "BLOCK_S", 0.1)


@pytest.fixture
def handler() -> EchoHandler:
    return EchoHandler()


@pytest.fixture
def client(connection: redis.Redis) -> Iterator[RedisClient]:
    fail_fast = connect_fail_fast(connection)
    yield RedisClient(fail_fast, "link")
    fail_fast.close()


@pytest.fixture
def server(connection: redis.Redis, handler: EchoHandler) -> Iterator[RedisServer]:
    server = RedisServer(connection, "link", handler)
    server.start()
    yield server
    handler.gate.set()
    server.stop()


def keys(connection: redis.Redis) -> set[bytes]:
    return set(connection.keys("rider:rpc:*"))  # type: ignore[arg-type]


def test_a_request_is_answered_and_nothing_is_left(
    server: RedisServer, client: RedisClient, connection: redis.Redis
) -> None:
    assert [client.ask(b"hello %d" % n, 2) for n in range(5)] == [b"HELLO %d" % n for n in range(5)]
    assert keys(connection) == set()


def test_of_two_servers_one_answers(
    server: RedisServer, client: RedisClient, connection: redis.Redis, handler: EchoHandler
) -> None:
    second = RedisServer(connection, "link", handler)
    second.start()
    for n in range(10):
        assert client.ask(b"%d" % n, 2) == b"%d" % n
    second.stop()
    assert sorted(handler.executed) == [b"%d" % n for n in range(10)]
    assert keys(connection) == set()


def test_the_same_id_twice_is_executed_once(
    server: RedisServer, client: RedisClient, connection: redis.Redis, handler: EchoHandler
) -> None:
    """A client whose connection broke off may have put it into the list twice."""
    request_id = "a" * 32
    connection.set(request_key("link", request_id), b"once", px=5_000)
    connection.rpush(waiting_key("link"), request_id, request_id)
    assert client.ask(b"the next", 2) == b"THE NEXT"
    assert handler.executed == [b"once", b"the next"]


def test_without_a_server_the_request_is_withdrawn(
    client: RedisClient, connection: redis.Redis, handler: EchoHandler
) -> None:
    began = time.monotonic()
    with pytest.raises(NotRunning, match="the link did not take the request within"):
        client.ask(b"late", 0.3)
    assert time.monotonic() - began < 2
    server = RedisServer(connection, "link", handler)
    server.start()
    assert client.ask(b"in time", 2) == b"IN TIME"
    server.stop()
    assert handler.executed == [b"in time"]


def test_a_request_that_expired_is_not_executed(
    client: RedisClient, connection: redis.Redis, handler: EchoHandler
) -> None:
    """Its client ended without withdrawing it, and its id waits in the list."""
    request_id = "b" * 32
    client._put(request_id, b"late", limit_s=0.05)
    wait_until(lambda: not connection.exists(request_key("link", request_id)))
    server = RedisServer(connection, "link", handler)
    server.start()
    wait_until(lambda: not connection.exists(waiting_key("link")))
    server.stop()
    assert handler.executed == []


def test_a_server_that_was_suspended_does_not_execute_an_expired_request(
    connection: redis.Redis, handler: EchoHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had dequeued the request before it was suspended for longer than the client waits."""
    request_id = "c" * 32
    connection.set(request_key("link", request_id), b"late", px=200)
    connection.rpush(waiting_key("link"), request_id)
    server = RedisServer(connection, "link", handler)
    request = server._dequeue()
    assert request is not None
    let_pass(0.3, why="the process is suspended")
    server._dispatch(request)
    wait_until(lambda: server._threads._permits._value == server._threads._permits._initial_value)  # type: ignore[attr-defined]
    assert handler.executed == []


def test_a_server_that_does_not_answer_differs_from_no_server(
    server: RedisServer, client: RedisClient, handler: EchoHandler
) -> None:
    handler.gate.clear()
    with pytest.raises(NoAnswer, match="took the request and did not answer") as raised:
        client.ask(b"slow", 0.3)
    assert not isinstance(raised.value, NotRunning)


def test_a_slow_request_does_not_hold_up_another(
    server: RedisServer, client: RedisClient, handler: EchoHandler
) -> None:
    handler.gate.clear()
    slow = threading.Thread(target=lambda: client.ask(b"slow", 5))
    slow.start()
    wait_until(lambda: handler.executed == [b"slow"])
    handler.answer = lambda request, _: b"quick"  # type: ignore[method-assign]
    assert client.ask(b"glance", 1) == b"quick"
    handler.gate.set()
    slow.join()


def test_foreign_entries_in_the_list_are_ignored(
    server: RedisServer, client: RedisClient, connection: redis.Redis, handler: EchoHandler
) -> None:
    connection.rpush(waiting_key("link"), b"", b"\xff" * 1000, b"../../etc", b"d" * 32)
    assert client.ask(b"hello", 2) == b"HELLO"
    request_id = "e" * 32
    connection.set(request_key("link", request_id), b"x" * (MAX_REQUEST_BYTES + 1), px=5_000)
    connection.rpush(waiting_key("link"), request_id)
    assert client.ask(b"hello", 2) == b"HELLO"
    assert handler.executed == [b"hello", b"hello"]
    with pytest.raises(TooLarge):
        client.ask(b"x" * (MAX_REQUEST_BYTES + 1), 1)


def test_the_list_is_bounded_and_forgotten(client: RedisClient, connection: redis.Redis) -> None:
    connection.rpush(waiting_key("link"), *(f"{n:032x}" for n in range(1_000)))
    with pytest.raises(NotRunning):
        client.ask(b"hello", 0.05)
    assert connection.llen(waiting_key("link")) <= MAX_WAITING
    assert 0 < connection.pttl(waiting_key("link")) <= 30_000


def test_it_goes_on_when_redis_is_back(
    server: RedisServer, client: RedisClient, valkey: Valkey, handler: EchoHandler
) -> None:
    assert client.ask(b"hello", 2) == b"HELLO"
    valkey.kill()
    with pytest.raises(BackendUnavailable):
        client.ask(b"hello", 2)
    valkey.start()

    def answered() -> bool:
        try:
            return client.ask(b"again", 2) == b"AGAIN"
        except (NoAnswer, BackendUnavailable):
            return False

    wait_until(answered, what="an answer over the new server")


def test_a_redis_that_hangs_is_noticed_in_time(client: RedisClient, valkey: Valkey) -> None:
    os.kill(valkey.server.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(BackendUnavailable, match="Redis cannot be reached"):
            client.ask(b"hello", 2)
        assert time.monotonic() - began < 3
    finally:
        os.kill(valkey.server.pid, signal.SIGCONT)
