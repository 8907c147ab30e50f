"""The ZeroMQ sockets to the robot's broker: their options, and whether each is connected."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Container, Sequence

import zmq
from zmq.utils.monitor import parse_monitor_message

from rider_core.link.framing import LARGE_TOPICS, MAX_FRAME_MESSAGE_BYTES, MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

#: Interval and timeout of ZMTP pings, in ms: a broker that hangs is detected within their sum.
PING_EVERY_MS, PING_TIMEOUT_MS = 500, 1_500
#: High-water mark for received messages: ten seconds of sound and everything else. Frames have a socket of their own,
#: because a thousand of them would need too much memory.
RECEIVE_MARK = 1_000
#: High-water mark for frames, and the bytes that are read at once: of more, only the newest frame is analysed.
FRAME_MARK, FRAME_BATCH_BYTES = 4, 1024 * 1024
#: High-water mark for messages to the robot: the chunks of some minutes of speech.
SEND_MARK = 2_000
#: The socket for frames is replaced after this time without a connection while the others have one, in seconds: libzmq
#: does not reconnect after a frame that is too large.
RENEW_FRAMES_AFTER_S = 1.0

Socket = zmq.Socket[bytes]


class BrokerSockets:
    """One set of sockets. It belongs to the thread that made it.

    Attributes:
        publisher: To the robot.
        subscriber: From the robot, all topics but frames.
        frames: From the robot, frames only.
    """

    def __init__(
        self,
        context: zmq.Context[Socket],
        publish_address: str,
        subscribe_address: str,
        topics: Sequence[str],
        wake: socket.socket,
    ) -> None:
        """
        Args:
            topics: Prefixes of the topics to subscribe to.
            wake: A socket that is polled with the others.
        """
        self._context, self._subscribe_address = context, subscribe_address
        self._large = [topic for topic in topics if topic in LARGE_TOPICS]
        self._poller = zmq.Poller()
        self._poller.register(wake, zmq.POLLIN)
        self.publisher = self._new_socket(zmq.PUB)
        self.publisher.setsockopt(zmq.SNDHWM, SEND_MARK)
        self.publisher.setsockopt(zmq.XPUB_NODROP, 1)  # raise Again instead of dropping silently
        self.publisher.setsockopt(zmq.IMMEDIATE, 1)  # keep nothing for a connection that is gone
        self._to_robot = _ConnectionState(self.publisher, self._poller)
        self.publisher.connect(publish_address)
        self.subscriber = self._new_socket(zmq.SUB)
        self.subscriber.setsockopt(zmq.RCVHWM, RECEIVE_MARK)
        self.subscriber.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        for topic in topics:
            if topic not in LARGE_TOPICS:
                self.subscriber.subscribe(topic)
        self._from_robot = _ConnectionState(self.subscriber, self._poller)
        self._poller.register(self.subscriber, zmq.POLLIN)
        self.subscriber.connect(subscribe_address)
        self._open_frames()

    @property
    def to_robot(self) -> bool:
        """Whether the publisher is connected, as far as `poll` has seen."""
        return self._to_robot.is_up

    @property
    def from_robot(self) -> bool:
        """Whether the subscriber is connected, as far as `poll` has seen."""
        return self._from_robot.is_up

    def poll(self, limit_ms: int) -> Container[object]:
        """Wait until a socket can be read, for at most `limit_ms` milliseconds.

        Returns:
            The readable sockets; for `wake`, its file descriptor.
        """
        ready = dict(self._poller.poll(limit_ms))
        for connection in (self._to_robot, self._from_robot, self._from_camera):
            if connection.monitor in ready:
                connection.update()
        self._renew_frames()
        return ready

    def close(self) -> None:
        for connection in (self._to_robot, self._from_robot, self._from_camera):
            connection.close()

    def _open_frames(self) -> None:
        self.frames = self._new_socket(zmq.SUB)
        self.frames.setsockopt(zmq.RCVHWM, FRAME_MARK)
        self.frames.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_MESSAGE_BYTES)
        for topic in self._large:
            self.frames.subscribe(topic)
        self._from_camera = _ConnectionState(self.frames, self._poller)
        self._frames_missed_since = time.monotonic()
        self._poller.register(self.frames, zmq.POLLIN)
        self.frames.connect(self._subscribe_address)

    def _renew_frames(self) -> None:
        if self._from_camera.is_up or not self._from_robot.is_up:
            self._frames_missed_since = time.monotonic()
        elif time.monotonic() - self._frames_missed_since > RENEW_FRAMES_AFTER_S:
            log.warning("the connection for the camera's pictures was lost alone and is replaced")
            self._poller.unregister(self.frames)
            self._from_camera.close()
            self._open_frames()

    def _new_socket(self, kind: int) -> Socket:
        new = self._context.socket(kind)
        new.setsockopt(zmq.LINGER, 0)
        # Only for an IPv6 address: with this option libzmq resolves a name to IPv6 addresses only.
        new.setsockopt(zmq.IPV6, int("[" in self._subscribe_address))
        new.setsockopt(zmq.HEARTBEAT_IVL, PING_EVERY_MS)
        new.setsockopt(zmq.HEARTBEAT_TIMEOUT, PING_TIMEOUT_MS)
        new.setsockopt(zmq.RECONNECT_IVL, 100)
        new.setsockopt(zmq.RECONNECT_IVL_MAX, 2_000)
        new.setsockopt(zmq.TCP_KEEPALIVE, 1)
        return new


class _ConnectionState:
    """Whether a socket is connected, by the events of its monitor socket."""

    def __init__(self, watched: Socket, poller: zmq.Poller) -> None:
        self._watched, self._poller = watched, poller
        self.monitor = watched.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self.is_up = False
        poller.register(self.monitor, zmq.POLLIN)

    def update(self) -> None:
        """Read the events that are waiting."""
        while self.monitor.poll(0):
            event = parse_monitor_message(self.monitor.recv_multipart())["event"]
            if event in (zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED):
                self.is_up = event == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def close(self) -> None:
        """Close the socket and its monitor."""
        self._poller.unregister(self.monitor)
        self._watched.disable_monitor()
        self.monitor.close(linger=0)
        self._watched.close(linger=0)
