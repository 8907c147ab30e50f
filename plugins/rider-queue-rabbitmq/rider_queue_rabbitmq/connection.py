"""One AMQP connection, served by the thread that runs it. It does not reconnect, and has no notion of jobs.

pika calls back on that thread only, and may only be called from it; `IoConnection.call` brings a function there.
"""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pika
from pika import frame, spec
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import AMQPConnectionError, ChannelClosedByClient, StreamLostError

from rider_queue_rabbitmq.settings import RabbitSettings

log = logging.getLogger(__name__)

#: Maximum time of TCP, login and virtual host together, in seconds. An overloaded broker takes two seconds.
CONNECT_LIMIT_S = 5.0
#: Maximum wait for the answer to a close, in seconds: a broker under an alarm does not read, and does not answer.
_CLOSE_LIMIT_S = 2.0


class TolerantConnection(SelectConnection):
    """pika's connection, but no message can break it.

    pika 1.4 cannot decode all that RabbitMQ lets into a header (a time after the year 9999, a list 1000 deep), and
    drops the connection on it; so would every other worker that gets the message. Such a message is passed on without
    properties here, so it is not a ticket.
    """

    def _read_frame(self) -> tuple[int, frame.Frame | frame.ProtocolHeader | None]:
        try:
            read: tuple[int, frame.Frame | frame.ProtocolHeader | None] = super()._read_frame()
            return read
        except Exception:
            kind, channel, size = struct.unpack_from(">BHL", self._frame_buffer)
            if kind != spec.FRAME_HEADER:
                raise
            _class, _weight, body_size = struct.unpack_from(">HHQ", self._frame_buffer, spec.FRAME_HEADER_SIZE)
            consumed = spec.FRAME_HEADER_SIZE + size + spec.FRAME_END_SIZE
            return consumed, frame.Header(channel, body_size, pika.BasicProperties())

    def __init__(self, *args: Any, **options: Any) -> None:
        self._corked: list[bytes] | None = None
        #: Called when all frames of one read are processed.
        self.on_read: Callable[[], None] | None = None
        super().__init__(*args, **options)

    def _on_data_available(self, data_in: bytes) -> None:
        super()._on_data_available(data_in)
        if self.on_read is not None:
            self.on_read()

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        """pika makes a system call for each frame, and a message has three: together they take a third less time."""
        if self._corked is None:
            super()._output_marshaled_frames([b"".join(marshaled_frames)])
        else:
            self._corked += marshaled_frames

    @contextmanager
    def corked(self) -> Iterator[None]:
        """Buffer what is sent in this block, and send it at the end: many messages, one system call."""
        self._corked = []
        try:
            yield
        finally:
            frames, self._corked = self._corked, None
            if frames and not self.is_closed:
                super()._output_marshaled_frames([b"".join(frames)])

    def abort(self, reason: Exception) -> None:
        """Close the socket at once. pika has no public method for it."""
        if not self.is_closed:
            self._terminate_stream(reason)


class IoConnection:
    """A connection from the attempt to connect until its end.

    Args:
        on_open: Called when it is open, on its thread. What it raises ends the connection.
    """

    def __init__(self, settings: RabbitSettings, on_open: Callable[[TolerantConnection], None]) -> None:
        self._settings = settings
        self._on_open = on_open
        self._lock = threading.Lock()
        self._loop: IOLoop | None = None
        self._connection: TolerantConnection | None = None
        self._closing = False
        self._reason: Exception = StreamLostError("the connection was closed before it was made")

    def run(self) -> Exception:
        """Connect, and serve the connection until it ends. Returns why it did."""
        # pika logs each failed attempt with tracebacks; the user of this class reports an outage once.
        logging.getLogger("pika").setLevel(logging.CRITICAL)
        loop = IOLoop()
        try:
            with self._lock:
                if self._closing:
                    return self._reason
                self._loop = loop
            self._connection = TolerantConnection(
                self._settings.parameters(CONNECT_LIMIT_S),
                on_open_callback=lambda connection: self._guarded(lambda: self._on_open(connection)),
                on_open_error_callback=self._ended,
                on_close_callback=self._ended,
                custom_ioloop=loop,
            )
            loop.start()
        except Exception as error:  # such as no descriptor left for a socket
            log.exception("The connection to RabbitMQ is given up after an error")
            return error
        finally:
            with self._lock:
                self._loop = None
            loop.close()
        return self._reason

    def call(self, function: Callable[[], None]) -> bool:
        """Schedule `function` on the connection's thread. False when the connection has ended, or not started.

        What it raises ends the connection.
        """
        with self._lock:
            if self._loop is None:
                return False
            self._loop.add_callback_threadsafe(lambda: self._guarded(function))
            return True

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        """On the connection's thread: call `function` after `delay_s` seconds, unless the connection ends before."""
        if self._connection is not None:
            self._connection.ioloop.call_later(delay_s, lambda: self._guarded(function))

    def close(self) -> None:
        """Start an orderly close; data that was written before is sent. `run` returns within two seconds."""
        with self._lock:
            self._closing = True
        self.call(self._close_orderly)

    def end_with(self, channel: Channel) -> None:
        """End the connection when RabbitMQ closes this channel: after an error, or a delivery held too long."""
        channel.add_on_close_callback(self.on_channel_closed)

    def on_channel_closed(self, _channel: Channel, reason: Exception) -> None:
        """End the connection for this reason, unless the channel was closed by us."""
        if not isinstance(reason, ChannelClosedByClient):
            self._abort(reason)

    def abort(self, reason: Exception) -> None:
        """Close it at once, for this reason."""
        self.call(lambda: self._abort(reason))

    def _close_orderly(self) -> None:
        connection = self._connection
        if connection is None or connection.is_closed:
            return
        if not connection.is_open:
            self._abort(StreamLostError("closed while it was made"))
            return
        connection.ioloop.call_later(_CLOSE_LIMIT_S, lambda: self._abort(StreamLostError("no answer to the close")))
        connection.close()

    def _abort(self, reason: Exception) -> None:
        if self._connection is not None:
            self._connection.abort(reason)

    def _guarded(self, function: Callable[[], None]) -> None:
        # The top of a thread: an exception would leave the loop with its socket open.
        try:
            function()
        except Exception as error:
            if not isinstance(error, AMQPConnectionError):
                log.exception("The connection to RabbitMQ is given up after an error")
            self._abort(error)

    def _ended(self, connection: Connection, reason: BaseException) -> None:
        self._reason = reason if isinstance(reason, Exception) else StreamLostError(repr(reason))
        connection.ioloop.stop()
