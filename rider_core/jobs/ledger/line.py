"""Round trips on the hot path: redis-py's connections without its client's bookkeeping around each command.

The client's pool, retry and measuring cost some 40 µs a command, as much as the round trip itself; submitting a job,
and waiting for one, is little more than such round trips.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

Command = Sequence[Any]


class Line:
    """Connections of a client's pool that are kept at hand. May be used from several threads.

    There are as many as commands are sent at the same time. What breaks once is sent once more on a new connection, as
    the client does it; so what is sent must bear to be done twice.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool  # redis-py types its connections as an abstract one
        self._idle: deque[Any] = deque()
        self._pid = os.getpid()

    def call(self, *command: Any) -> Any:
        """The answer as Redis gives it: bytes, int, list or None.

        Raises:
            redis.RedisError: Redis cannot be reached, or refuses.
        """
        (answer,) = self.call_together([command])
        if isinstance(answer, redis.ResponseError):
            raise answer
        return answer

    def call_together(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to several commands that go out together; one that was refused has its error for an answer.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        try:
            return self._exchange(commands)
        except (redis.ConnectionError, redis.TimeoutError):
            return self._exchange(commands)

    @contextmanager
    def listening(self, channel: str) -> Iterator[Callable[[float], bool]]:
        """While it is open, the function that is yielded waits up to so many seconds for a message in the channel.

        It returns whether there was one.
        """
        connection = self._take()
        try:
            connection.send_command("SUBSCRIBE", channel)
            connection.read_response()

            def heard(timeout_s: float) -> bool:
                if not connection.can_read(timeout=timeout_s):
                    return False
                return bool(connection.read_response())

            yield heard
            connection.send_command("UNSUBSCRIBE", channel)
            while connection.read_response()[0] != b"unsubscribe":
                pass  # messages that came in the meantime
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Give the connections back."""
        while self._idle:
            connection = self._idle.pop()
            connection.disconnect()
            self._pool.release(connection)

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._take()
        try:
            packed = b"".join(part for command in commands for part in connection.pack_command(*command))
            connection.send_packed_command([packed])
            return [_answer(connection) for _ in commands]
        except BaseException:
            # Half an answer may be left in it.
            connection.disconnect()
            raise
        finally:
            self._idle.append(connection)

    def _take(self) -> Any:
        if self._pid != os.getpid():
            # After a fork these are the parent's.
            self._pid, self._idle = os.getpid(), deque()
        try:
            return self._idle.pop()
        except IndexError:
            return self._pool.get_connection()


def _answer(connection: Any) -> Any:
    """One answer; an error is one, too: others may follow it."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
