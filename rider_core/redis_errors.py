"""redis-py's errors, turned into ours."""

from __future__ import annotations

from types import TracebackType

import redis

from rider_core.errors import BackendUnavailable, QueueFull

#: A full queue is worth another look after so many seconds.
RETRY_AFTER_S = 10.0


class RedisErrors:
    """A context that turns redis-py's errors into ours. Made by a generator it would cost more than what it guards."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if isinstance(error, redis.RedisError):
            raise _ours(error) from error


_GUARD = RedisErrors()


def redis_errors() -> RedisErrors:
    """Turns redis-py's errors into ours."""
    return _GUARD


def _ours(error: redis.RedisError) -> BackendUnavailable | QueueFull:
    if isinstance(error, redis.OutOfMemoryError):
        return QueueFull("Redis's memory is full", retry_after_s=RETRY_AFTER_S)
    return unavailable(error)


def unavailable(error: redis.RedisError) -> BackendUnavailable:
    """The error of one who puts nothing into a queue."""
    # Its word for a disk that is full or broken: it refuses every write until one succeeds again.
    if "MISCONF" in str(error):
        return BackendUnavailable(
            f"Redis cannot write to its disk: {error}", remedy="make room there; then it goes on by itself"
        )
    if "WRONGTYPE" in str(error):
        return BackendUnavailable(
            f"in Redis, something of another kind is in the place of a queue or a record: {error}",
            remedy="see `redis-cli --scan --pattern 'r[iq]*' | xargs -n1 redis-cli type`; rename what is not ours",
        )
    return BackendUnavailable(
        f"Redis cannot be reached: {error}", remedy="start it, or correct REDIS_URL; then try again"
    )
