"""Paused queues: a set of their names in Redis, which whatever hands a job to a worker looks at."""

from __future__ import annotations

from typing import cast

import redis

from rider_core.jobs.store import keys


def pause(connection: redis.Redis, queue: str) -> bool:
    """False: it was paused already. Raises redis-py's errors as they are, as the others here do."""
    return bool(connection.sadd(keys.paused_key(), queue))


def resume(connection: redis.Redis, queue: str) -> bool:
    """False: it was not paused. Sleeping workers are woken."""
    if not connection.srem(keys.paused_key(), queue):
        return False
    connection.publish(keys.wake_up_channel(queue), b"1")
    return True


def paused_queues(connection: redis.Redis) -> frozenset[str]:
    """Their names."""
    names = cast("set[bytes]", connection.smembers(keys.paused_key()))
    return frozenset(name.decode("utf-8", "replace") for name in names)
