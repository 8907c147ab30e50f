"""The one way in which our processes connect to Redis."""

from __future__ import annotations

import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rider_core.errors import BackendUnavailable
from rider_core.printable import without_passwords
from rider_core.timing import Stopwatch

#: Above every blocking read of ours (1 s), and short enough that a Redis that hangs is noticed.
SOCKET_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 2.0
#: An embedded Redis with a large log of writes needs some seconds to read it when it starts.
START_WAIT_S = 30.0

#: One retry and no more: a connection that a restarted server closed is made anew, and every script of ours can be
#: sent twice; but whoever submits while Redis is away is told so at once.
_OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "decode_responses": False,
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "retry": Retry(NoBackoff(), 1),
}
#: Above the blocking reads of `rpc.RedisClient` (0.5 s).
_FAIL_FAST: dict[str, Any] = {
    "socket_timeout": 1.0,
    "socket_connect_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),
}


def connect_like(connection: redis.Redis) -> redis.Redis:
    """Our kind of connection to where another one leads."""
    pool = connection.connection_pool
    arguments = {**pool.connection_kwargs, **_OPTIONS}
    return redis.Redis(connection_pool=redis.ConnectionPool(pool.connection_class, **arguments))


def connect_fail_fast(connection: redis.Redis) -> redis.Redis:
    """A connection to the same server for a person who waits: Redis that hangs is noticed after a second."""
    pool = connection.connection_pool
    arguments = {**pool.connection_kwargs, **_OPTIONS, **_FAIL_FAST}
    return redis.Redis(connection_pool=redis.ConnectionPool(pool.connection_class, **arguments))


def connect(url: str) -> redis.Redis:
    """A connection pool for `url` (`redis://`, `rediss://` or `unix://`); nothing is sent yet."""
    try:
        return redis.Redis.from_url(url, **_OPTIONS)
    except (ValueError, TypeError) as error:
        shown = without_passwords(url)
        # What urllib says of a password that it takes for a port has a piece of it.
        why = f": {error}" if shown == url else "; signs such as / and # in a password are written %2F and %23"
        raise BackendUnavailable(f"REDIS_URL {shown!r} cannot be used{why}") from None


def wait_for_redis(url: str, remedy: str) -> None:
    """Return when Redis answers.

    Args:
        remedy: What to do when it does not.

    Raises:
        BackendUnavailable: it has not within `START_WAIT_S`.
    """
    connection = connect(url)
    watch = Stopwatch.start()
    try:
        while True:
            try:
                connection.ping()
                return
            except redis.RedisError as error:
                if watch.elapsed_s > START_WAIT_S:
                    raise BackendUnavailable(f"Redis does not answer: {error}", remedy=remedy) from error
                time.sleep(0.1)
    finally:
        connection.close()
