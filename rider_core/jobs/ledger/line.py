"""Round trips on the hot path, without a client's bookkeeping around each command.

redis-py opens the connections (addresses, TLS, passwords, databases are its own); on them hiredis packs what is asked
and reads what is answered. redis-py's pool, retries and measuring cost some 40 µs a command, its connection another 10,
as much as the round trip itself; submitting a job, and waiting for one, is little more than such round trips.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast
from weakref import WeakSet, finalize

import hiredis
import redis

Command = Sequence[Any]


class Heard(NamedTuple):
    """A message to a channel."""

    channel: str
    data: bytes


#: Bytes that are read at once.
READ_BYTES = 65_536
#: Channels that nobody listens to any more are left so many at a time.
LEFT_TOGETHER = 50


class Wire:
    """One connection. For one thread at a time; what raises leaves it closed.

    It speaks RESP3: a message to a channel may come between two answers, and is laid aside.
    """

    def __init__(self, client: redis.Redis) -> None:
        pool: Any = client.connection_pool  # redis-py types its connections as an abstract one
        self._connection: Any = pool.connection_class(**{**pool.connection_kwargs, "protocol": 3})
        self._connection.connect()
        # Also where nobody closes it: the garbage collector might come to the socket first.
        self._disconnect = finalize(self, self._connection.disconnect)
        # The pin of redis-py in setup.py covers these two: its connections show neither in public.
        self._socket: socket.socket = self._connection._sock
        self._reader: Any = hiredis.Reader(  # its types leave out that it takes a bytearray
            protocolError=redis.InvalidResponse, replyError=self._connection._parser.parse_error
        )
        self._buffer = bytearray(READ_BYTES)  # one for all reads: to make one for each takes longer than to read
        self._timeout_s = self._socket.gettimeout()
        plain = type(self._socket).__module__ == "socket"  # and not TLS, or eventlet's
        if self._timeout_s is not None and plain and os.name == "posix":
            self._let_kernel_watch_the_time(self._timeout_s)
        self._heard: list[Heard] = []
        self._subscribed: list[str] = []
        self._wanted: tuple[str, ...] = ()
        self.closed = False

    def listen(self, *channels: str) -> None:
        """From the next exchange on, before what is sent then, hear these channels and no others."""
        self._heard = []
        self._wanted = channels

    def exchange(self, commands: Sequence[Command], on_sent: Callable[[], None] | None = None) -> list[Any]:
        """The answers to several commands that go out together; one that was refused has its error for an answer.

        Args:
            on_sent: Called when they are on their way: the death of this process does not stop them any more.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        packed = [_packed(command) for command in commands]
        if any(channel not in self._subscribed for channel in self._wanted):
            packed = [*self._changed_channels(), *packed]
        try:
            # A view, because eventlet's sendall copies all that is left after each piece: 4 s for a job of 60 MB.
            self._socket.sendall(memoryview(packed[0] if len(packed) == 1 else b"".join(packed)))
            if on_sent is not None:
                on_sent()
            return [self._answer() for _ in commands]
        except OSError as error:
            raise self._lost(error) from error
        except BaseException:
            self.close()  # half an answer may be left in it
            raise

    def call(self, *command: Any) -> Any:
        """The answer to one command. Raises `redis.RedisError`."""
        (answer,) = self.exchange([command])
        if isinstance(answer, redis.ResponseError):
            raise answer
        return answer

    def hear(self, timeout_s: float) -> list[Heard]:
        """All that was said in the channels that are listened to; nothing after `timeout_s` seconds."""
        try:
            self._socket.settimeout(max(0.001, timeout_s))
            while not self._heard:
                self._lay_aside(self._next())
            while (also := self._reader.gets()) is not False:
                self._lay_aside(also)
            heard, self._heard = self._heard, []
            return heard
        except TimeoutError:
            return []
        except OSError as error:
            raise self._lost(error) from error
        finally:
            if not self.closed:
                self._socket.settimeout(self._timeout_s)

    def close(self) -> None:
        self.closed = True
        self._disconnect()

    def _let_kernel_watch_the_time(self, timeout_s: float) -> None:
        """With a timeout of its own Python asks before every call whether the call would wait: 7 % of a round trip."""
        kernel_time = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, kernel_time)
        self._timeout_s = None
        self._socket.settimeout(None)

    def _changed_channels(self) -> list[bytes]:
        """Subscribe to what is wanted. What was wanted before is left in bundles: it is quiet, as its job has ended."""
        commands: list[Command] = []
        if len(self._subscribed) > LEFT_TOGETHER:
            commands.append(("UNSUBSCRIBE", *self._subscribed))
            self._subscribed = []
        commands.append(("SUBSCRIBE", *self._wanted))
        self._subscribed += self._wanted
        return [_packed(command) for command in commands]

    def _answer(self) -> Any:
        while isinstance(reply := self._next(), hiredis.PushNotification):
            self._lay_aside(reply)
        if isinstance(reply, redis.ConnectionError):
            raise reply  # such as a server that is loading its data
        return reply

    def _lay_aside(self, push: Any) -> None:
        if push[0] == b"message" and (channel := push[1].decode()) in self._wanted:
            self._heard.append(Heard(channel, push[2]))

    def _next(self) -> Any:
        while (reply := self._reader.gets()) is False:
            received = self._socket.recv_into(self._buffer)
            if not received:
                raise ConnectionResetError("Redis closed the connection")
            self._reader.feed(self._buffer, 0, received)
        return reply

    def _lost(self, error: OSError) -> redis.RedisError:
        """Close, and say in redis-py's words why."""
        self.close()
        if isinstance(error, TimeoutError | BlockingIOError):  # Python's clock, or the kernel's
            return redis.TimeoutError("Redis did not answer in time")
        return redis.ConnectionError(str(error))


class Line:
    """Connections to where a client's pool leads, kept at hand. May be used from several threads.

    There are as many as commands are sent at the same time. What breaks once is sent once more on a new connection, as
    the client does it; so what is sent must bear to be done twice.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._idle: deque[Wire] = deque()
        _lines.add(self)

    def call(self, *command: Any) -> Any:
        """The answer as Redis gives it in RESP3: bytes, int, list, dict or None.

        Raises:
            redis.RedisError: Redis cannot be reached, or refuses.
        """
        (answer,) = self.exchange([command])
        if isinstance(answer, redis.ResponseError):
            raise answer
        return answer

    def exchange(self, commands: Sequence[Command], on_sent: Callable[[], None] | None = None) -> list[Any]:
        """`Wire.exchange` on any connection.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        try:
            return self._exchanged(commands, on_sent)
        except (redis.ConnectionError, redis.TimeoutError):
            self.close()  # the others are as old as the one that broke
            return self._exchanged(commands, on_sent)

    @contextmanager
    def listening(self, channel: str) -> Iterator[Wire]:
        """A connection that hears a channel from before what is sent on it.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        wire = self._take()
        wire.listen(channel)
        try:
            yield wire
        finally:
            wire.listen()
            self._put_back(wire)

    def ear(self, channels: Sequence[str]) -> Wire:
        """A connection of its own that hears the channels; it is the caller's to close.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        wire = Wire(self._client)
        wire.listen(*channels)
        wire.call("PING")
        return wire

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """After a fork the connections are the parent's."""
        self._idle = deque()

    def _exchanged(self, commands: Sequence[Command], on_sent: Callable[[], None] | None) -> list[Any]:
        wire = self._take()
        try:
            return wire.exchange(commands, on_sent)
        finally:
            self._put_back(wire)

    def _put_back(self, wire: Wire) -> None:
        if not wire.closed:
            self._idle.append(wire)

    def _take(self) -> Wire:
        try:
            return self._idle.pop()
        except IndexError:
            return Wire(self._client)


_lines: WeakSet[Line] = WeakSet()


def _forget_all() -> None:
    for line in list(_lines):
        line.forget()


os.register_at_fork(after_in_child=_forget_all)


def _packed(command: Command) -> bytes:
    # By its types a command has one part.
    return cast("bytes", hiredis.pack_command(cast("Any", tuple(command))))
