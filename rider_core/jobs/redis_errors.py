"""redis-py's errors, turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from rider_core.errors import BackendUnavailable, QueueFull

#: A full queue is worth another look after so many seconds.
RETRY_AFTER_S = 10.0


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turns redis-py's errors into ours."""
    try:
        yield
    except redis.OutOfMemoryError as error:
        raise QueueFull("Redis's memory is full", retry_after_s=RETRY_AFTER_S) from error
    except redis.RedisError as error:
        # Its word for a disk that is full or broken: it refuses every write until one succeeds again.
        if "MISCONF" in str(error):
            raise BackendUnavailable(
                f"Redis cannot write to its disk: {error}", remedy="make room there; then it goes on by itself"
            ) from error
        raise BackendUnavailable(
            f"Redis cannot be reached: {error}", remedy="start it, or correct REDIS_URL; then try again"
        ) from error
