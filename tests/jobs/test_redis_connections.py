"""Round trips to a Redis that does not answer."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import termios
import time

import pytest
import redis

from rider_core.redis_functions.connections import Connection, ConnectionPool
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

TIMEOUT_S = 0.4

#: As in the panel's process: eventlet has patched the standard library, and other green threads run during a wait.
PATCHED = f"""
import eventlet
eventlet.monkey_patch()
import sys, time
import redis
from rider_core.redis_functions.connections import ConnectionPool

ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        eventlet.sleep(0.01)

eventlet.spawn(tick)
pool = ConnectionPool(redis.Redis.from_url(sys.argv[1], socket_timeout={TIMEOUT_S}))
pool.call("PING")
try:
    pool.call("BLPOP", "nothing-comes", 30)
except redis.TimeoutError:
    print("in time", len(ticks))
"""


@pytest.fixture
def pool(valkey: Valkey) -> ConnectionPool:
    return ConnectionPool(redis.Redis.from_url(valkey.url, socket_timeout=TIMEOUT_S))


def test_an_answer_is_waited_for_as_long_as_was_said(pool: ConnectionPool) -> None:
    assert pool.call("PING") == b"PONG"
    before = time.monotonic()
    with pytest.raises(redis.TimeoutError, match="in time"):
        pool.call("BLPOP", "nothing-comes", 30)
    # And once more on a new connection.
    assert TIMEOUT_S < time.monotonic() - before < 10 * TIMEOUT_S
    assert pool.call("PING") == b"PONG"


def test_sending_takes_no_longer_either(valkey: Valkey, pool: ConnectionPool) -> None:
    assert pool.call("PING") == b"PONG"
    valkey.server.send_signal(signal.SIGSTOP)
    try:
        before = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            pool.call("SET", "key", b"x" * 50_000_000)
        assert time.monotonic() - before < 10 * TIMEOUT_S
    finally:
        valkey.server.send_signal(signal.SIGCONT)
    assert pool.call("GET", "key") is None


def test_listening_does_not_change_how_long_an_answer_is_waited_for(pool: ConnectionPool) -> None:
    with pool.subscribed("channel") as connection:
        connection.call("PING")
        assert connection.receive(0.01) == []
        before = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            connection.call("BLPOP", "nothing-comes", 30)
        assert TIMEOUT_S <= time.monotonic() - before < 10 * TIMEOUT_S


def queued_bytes(connection: Connection) -> int:
    """How much the kernel holds for it that it has not read."""
    held = bytearray(4)
    fcntl.ioctl(connection._socket.fileno(), termios.FIONREAD, held)
    return int.from_bytes(held, sys.byteorder)


def test_all_that_was_said_is_heard_in_one_go(pool: ConnectionPool) -> None:
    subscriber = pool.subscriber(["wake-up"])
    for number in range(3):
        pool.call("PUBLISH", "wake-up", number)
    wait_until(lambda: queued_bytes(subscriber) >= 3 * len(b"*3\r\n$7\r\nmessage\r\n$7\r\nwake-up\r\n$1\r\n0\r\n"))
    assert [messages.data for messages in subscriber.receive(1)] == [b"0", b"1", b"2"]
    assert subscriber.receive(0.01) == []
    subscriber.close()


def test_where_eventlet_is_others_go_on_meanwhile(valkey: Valkey) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PATCHED, valkey.url],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.startswith("in time"), done.stdout + done.stderr
    assert int(done.stdout.split()[-1]) > 20
