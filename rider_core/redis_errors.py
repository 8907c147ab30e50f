"""Converts redis-py's errors to ours."""

from __future__ import annotations

from types import TracebackType

import redis

from rider_core.errors import BackendUnavailable, QueueFull

#: Time after which a retry makes sense when the queue is full, in seconds.
RETRY_AFTER_S = 10.0


class RedisErrors:
    """A context manager that converts redis-py's errors. A class, because a generator would cost more than the call."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if isinstance(error, redis.RedisError):
            raise _ours(error) from error


_GUARD = RedisErrors()


def redis_errors() -> RedisErrors:
    """A context manager that converts redis-py's errors."""
    return _GUARD


def _ours(error: redis.RedisError) -> BackendUnavailable | QueueFull:
    if isinstance(error, redis.OutOfMemoryError):
        return QueueFull("Redis's memory is full", retry_after_s=RETRY_AFTER_S)
    return unavailable(error)


def unavailable(error: redis.RedisError) -> BackendUnavailable:
    """The error for calls that submit nothing."""
    # Redis's code for a disk that is full or broken: it refuses every write until it could save again.
    if "MISCONF" in str(error):
        return BackendUnavailable(
            f"Redis cannot write to its disk: {error}", remedy="free some space; then it continues by itself"
        )
    if "WRONGTYPE" in str(error):
        return BackendUnavailable(
            f"in Redis, something of another kind is in the place of a queue or a record: {error}",
            remedy="see `redis-cli --scan --pattern 'r[iq]*' | xargs -n1 redis-cli type`; rename other programs' keys",
        )
    return BackendUnavailable(
        f"Redis cannot be reached: {error}", remedy="start it, or correct REDIS_URL; then try again"
    )
