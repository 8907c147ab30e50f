"""Connections to Redis for the hot path: redis-py opens them, hiredis packs the commands and parses the replies.

Addresses, TLS, passwords and databases are redis-py's. Its pool, retries and instrumentation cost 40 µs for each
command and its connection another 10 µs, which is as long as the round trip itself.
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


class PublishedMessage(NamedTuple):
    """A message that was published to a channel."""

    channel: str
    data: bytes


#: Size of the receive buffer in bytes.
READ_BYTES = 65_536
#: Number of abandoned channels that are unsubscribed in one command.
UNSUBSCRIBED_TOGETHER = 50


class Connection:
    """One connection, for one thread at a time. A method that raises leaves it closed.

    The protocol is RESP3: a published message may arrive between two replies, and is kept for `receive`.
    """

    def __init__(self, client: redis.Redis) -> None:
        pool: Any = client.connection_pool  # redis-py types its connections as an abstract one
        self._connection: Any = pool.connection_class(**{**pool.connection_kwargs, "protocol": 3})
        self._connection.connect()
        # Disconnects also where `close` is not called: the garbage collector might reach the socket first.
        self._disconnect = finalize(self, self._connection.disconnect)
        # The pin of redis-py in setup.py covers these two: its connections show neither in public.
        self._socket: socket.socket = self._connection._sock
        self._reader: Any = hiredis.Reader(  # its types leave out that it takes a bytearray
            protocolError=redis.InvalidResponse, replyError=self._connection._parser.parse_error
        )
        self._buffer = bytearray(READ_BYTES)  # allocating one for each read takes longer than the read
        self._timeout_s = self._socket.gettimeout()
        plain = type(self._socket).__module__ == "socket"  # and not TLS, or eventlet's
        if self._timeout_s is not None and plain and os.name == "posix":
            self._let_kernel_watch_the_time(self._timeout_s)
        self._messages: list[PublishedMessage] = []
        self._subscribed: list[str] = []
        self._wanted: tuple[str, ...] = ()
        self.closed = False

    def subscribe(self, *channels: str) -> None:
        """Receive the messages of these channels and no others; takes effect with the next `exchange`."""
        self._messages = []
        self._wanted = channels

    def exchange(self, commands: Sequence[Command], on_sent: Callable[[], None] | None = None) -> list[Any]:
        """The replies to several commands that are sent together. The reply to a refused command is its error.

        Args:
            on_sent: Called when the commands are sent: from then on they are executed even if this process dies.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        packed = [_packed(command) for command in commands]
        if any(channel not in self._subscribed for channel in self._wanted):
            packed = [*self._changed_channels(), *packed]
        try:
            # A view, because eventlet's sendall copies the remainder after each chunk: 4 s for a job of 60 MB.
            self._socket.sendall(memoryview(packed[0] if len(packed) == 1 else b"".join(packed)))
            if on_sent is not None:
                on_sent()
            return [self._answer() for _ in commands]
        except OSError as error:
            raise self._lost(error) from error
        except BaseException:
            self.close()  # part of a reply may be left in it
            raise

    def call(self, *command: Any) -> Any:
        """The reply to one command. Raises `redis.RedisError`."""
        (answer,) = self.exchange([command])
        if isinstance(answer, redis.ResponseError):
            raise answer
        return answer

    def receive(self, timeout_s: float) -> list[PublishedMessage]:
        """The messages of the subscribed channels; empty after `timeout_s` seconds without one."""
        try:
            self._socket.settimeout(max(0.001, timeout_s))
            while not self._messages:
                self._keep_message(self._next())
            while (also := self._reader.gets()) is not False:
                self._keep_message(also)
            messages, self._messages = self._messages, []
            return messages
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
        """Use the kernel's socket timeouts. With Python's, each call polls first, which takes 7 % of a round trip."""
        kernel_time = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, kernel_time)
        self._timeout_s = None
        self._socket.settimeout(None)

    def _changed_channels(self) -> list[bytes]:
        """Subscribe to the wanted channels. Abandoned ones are silent: they are unsubscribed in bundles."""
        commands: list[Command] = []
        if len(self._subscribed) > UNSUBSCRIBED_TOGETHER:
            commands.append(("UNSUBSCRIBE", *self._subscribed))
            self._subscribed = []
        commands.append(("SUBSCRIBE", *self._wanted))
        self._subscribed += self._wanted
        return [_packed(command) for command in commands]

    def _answer(self) -> Any:
        while isinstance(reply := self._next(), hiredis.PushNotification):
            self._keep_message(reply)
        if isinstance(reply, redis.ConnectionError):
            raise reply  # such as a server that is loading its data
        return reply

    def _keep_message(self, push: Any) -> None:
        if push[0] == b"message" and (channel := push[1].decode()) in self._wanted:
            self._messages.append(PublishedMessage(channel, push[2]))

    def _next(self) -> Any:
        while (reply := self._reader.gets()) is False:
            received = self._socket.recv_into(self._buffer)
            if not received:
                raise ConnectionResetError("Redis closed the connection")
            self._reader.feed(self._buffer, 0, received)
        return reply

    def _lost(self, error: OSError) -> redis.RedisError:
        """Close the connection; the error in redis-py's classes."""
        self.close()
        if isinstance(error, TimeoutError | BlockingIOError):  # Python's timeout, or the kernel's
            return redis.TimeoutError("Redis did not answer in time")
        return redis.ConnectionError(str(error))


class ConnectionPool:
    """Idle connections to the server of a redis-py client. Thread-safe.

    It grows to as many connections as there are concurrent commands. Commands on a connection that breaks are sent
    once more on a new one, as redis-py does; so all commands must be idempotent.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._idle: deque[Connection] = deque()
        _pools.add(self)

    def call(self, *command: Any) -> Any:
        """The reply to one command, as RESP3 has it: bytes, int, list, dict or None.

        Raises:
            redis.RedisError: Redis cannot be reached, or refuses.
        """
        (answer,) = self.exchange([command])
        if isinstance(answer, redis.ResponseError):
            raise answer
        return answer

    def exchange(self, commands: Sequence[Command], on_sent: Callable[[], None] | None = None) -> list[Any]:
        """`Connection.exchange` on any connection.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        try:
            return self._exchanged(commands, on_sent)
        except (redis.ConnectionError, redis.TimeoutError):
            self.close()  # the idle ones are as old as the one that broke
            return self._exchanged(commands, on_sent)

    @contextmanager
    def subscribed(self, channel: str) -> Iterator[Connection]:
        """A connection that is subscribed to a channel before its first command is sent.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        connection = self._take()
        connection.subscribe(channel)
        try:
            yield connection
        finally:
            connection.subscribe()
            self._put_back(connection)

    def subscriber(self, channels: Sequence[str]) -> Connection:
        """A new connection that is subscribed to the channels. The caller closes it.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        connection = Connection(self._client)
        connection.subscribe(*channels)
        connection.call("PING")
        return connection

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """Drop the connections without closing them: after a fork they belong to the parent."""
        self._idle = deque()

    def _exchanged(self, commands: Sequence[Command], on_sent: Callable[[], None] | None) -> list[Any]:
        connection = self._take()
        try:
            return connection.exchange(commands, on_sent)
        finally:
            self._put_back(connection)

    def _put_back(self, connection: Connection) -> None:
        if not connection.closed:
            self._idle.append(connection)

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return Connection(self._client)


_pools: WeakSet[ConnectionPool] = WeakSet()


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


os.register_at_fork(after_in_child=_forget_all)


def _packed(command: Command) -> bytes:
    # hiredis's type stub declares a command with one part.
    return cast("bytes", hiredis.pack_command(cast("Any", tuple(command))))
