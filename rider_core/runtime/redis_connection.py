"""Opens connections to Redis with the options that all our processes use."""

from __future__ import annotations

import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rider_core.errors import BackendUnavailable
from rider_core.printable import without_passwords
from rider_core.timing import Stopwatch

#: Above our blocking reads (1 s), and short enough to notice a Redis that hangs.
SOCKET_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 2.0
#: Maximum wait for Redis at the start, in seconds: an embedded Redis with a large log needs some seconds to read it.
START_WAIT_S = 30.0

#: One retry: it replaces a connection that a restarted server has closed, and all our scripts may be sent twice. Not
#: more, so that a submission fails at once while Redis cannot be reached.
_OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "decode_responses": False,
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "retry": Retry(NoBackoff(), 1),
}
#: Above the blocking reads of `rpc.RedisClient` (0.5 s).
FAIL_FAST_S = 1.0
_FAIL_FAST: dict[str, Any] = {
    "socket_connect_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),
}


def connect_like(connection: redis.Redis) -> redis.Redis:
    """A connection with our options to the server of another connection."""
    pool = connection.connection_pool
    arguments = {**pool.connection_kwargs, **_OPTIONS}
    return redis.Redis(connection_pool=redis.ConnectionPool(pool.connection_class, **arguments))


def connect_fail_fast(connection: redis.Redis, limit_s: float = FAIL_FAST_S) -> redis.Redis:
    """A connection to the same server for interactive use.

    Args:
        limit_s: A Redis that hangs is an error after this time.
    """
    pool = connection.connection_pool
    arguments = {**pool.connection_kwargs, **_OPTIONS, **_FAIL_FAST, "socket_timeout": limit_s}
    arguments["socket_connect_timeout"] = min(limit_s, _FAIL_FAST["socket_connect_timeout"])
    return redis.Redis(connection_pool=redis.ConnectionPool(pool.connection_class, **arguments))


def connect(url: str) -> redis.Redis:
    """A connection pool for `url` (`redis://`, `rediss://` or `unix://`). Nothing is sent yet."""
    try:
        return redis.Redis.from_url(url, **_OPTIONS)
    except (ValueError, TypeError) as error:
        shown = without_passwords(url)
        # urllib's message may contain a part of the password, which it took for a port.
        why = f": {error}" if shown == url else "; characters such as / and # in a password are written %2F and %23"
        raise BackendUnavailable(f"REDIS_URL {shown!r} cannot be used{why}") from None


def wait_for_redis(url: str, remedy: str) -> None:
    """Wait until Redis answers.

    Args:
        remedy: Of the error.

    Raises:
        BackendUnavailable: Redis has not answered within `START_WAIT_S`.
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
