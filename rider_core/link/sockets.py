"""The ZeroMQ sockets to the robot's broker: which there are, how they are set, and whether each is connected."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Container, Sequence

import zmq
from zmq.utils.monitor import parse_monitor_message

from rider_core.link.framing import LARGE_TOPICS, MAX_FRAME_MESSAGE_BYTES, MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

#: ZMTP pings: a broker that stands still is noticed after at most this much, in ms.
PING_EVERY_MS, PING_TIMEOUT_MS = 500, 1_500
#: Messages from the robot that may wait for us: ten seconds of sound and everything else. Large ones have a socket of
#: their own, or a thousand of them would.
RECEIVE_MARK = 1_000
#: Frames that may wait for us, and how many bytes of them are read at once: of more only the newest is looked at.
FRAME_MARK, FRAME_BATCH_BYTES = 4, 1024 * 1024
#: Messages to the robot that may wait: the chunks of some minutes of speech.
SEND_MARK = 2_000
#: libzmq does not reconnect after one picture that is too large. The link makes the socket for frames anew after this
#: many seconds without a connection, while the others have one.
RENEW_FRAMES_AFTER_S = 1.0

Socket = zmq.Socket[bytes]


class BrokerSockets:
    """One generation of sockets. They belong to the thread that made them.

    Attributes:
        publisher: To the robot.
        subscriber: From the robot, all but frames.
        frames: The camera's pictures.
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
            topics: What is subscribed to, beginnings of topics.
            wake: A socket that is polled with them.
        """
        self._context, self._subscribe_address = context, subscribe_address
        self._large = [topic for topic in topics if topic in LARGE_TOPICS]
        self._poller = zmq.Poller()
        self._poller.register(wake, zmq.POLLIN)
        self.publisher = self._new_socket(zmq.PUB)
        self.publisher.setsockopt(zmq.SNDHWM, SEND_MARK)
        self.publisher.setsockopt(zmq.XPUB_NODROP, 1)  # say Again instead of dropping in silence
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
            The sockets that can be read from; of the one to wake us, its number.
        """
        ready = dict(self._poller.poll(limit_ms))
        for connection in (self._to_robot, self._from_robot, self._of_frames):
            if connection.monitor in ready:
                connection.follow()
        self._look_after_frames()
        return ready

    def close(self) -> None:
        for connection in (self._to_robot, self._from_robot, self._of_frames):
            connection.close()

    def _open_frames(self) -> None:
        self.frames = self._new_socket(zmq.SUB)
        self.frames.setsockopt(zmq.RCVHWM, FRAME_MARK)
        self.frames.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_MESSAGE_BYTES)
        for topic in self._large:
            self.frames.subscribe(topic)
        self._of_frames = _ConnectionState(self.frames, self._poller)
        self._frames_missed_since = time.monotonic()
        self._poller.register(self.frames, zmq.POLLIN)
        self.frames.connect(self._subscribe_address)

    def _look_after_frames(self) -> None:
        if self._of_frames.is_up or not self._from_robot.is_up:
            self._frames_missed_since = time.monotonic()
        elif time.monotonic() - self._frames_missed_since > RENEW_FRAMES_AFTER_S:
            log.warning("the connection for the camera's pictures broke off alone: it is made anew")
            self._poller.unregister(self.frames)
            self._of_frames.close()
            self._open_frames()

    def _new_socket(self, kind: int) -> Socket:
        new = self._context.socket(kind)
        new.setsockopt(zmq.LINGER, 0)
        # Only where it is one of IPv6: of a name, libzmq would take an address of that kind alone.
        new.setsockopt(zmq.IPV6, int("[" in self._subscribe_address))
        new.setsockopt(zmq.HEARTBEAT_IVL, PING_EVERY_MS)
        new.setsockopt(zmq.HEARTBEAT_TIMEOUT, PING_TIMEOUT_MS)
        new.setsockopt(zmq.RECONNECT_IVL, 100)
        new.setsockopt(zmq.RECONNECT_IVL_MAX, 2_000)
        new.setsockopt(zmq.TCP_KEEPALIVE, 1)
        return new


class _ConnectionState:
    """Whether a socket is connected, as the socket beside it tells."""

    def __init__(self, watched: Socket, poller: zmq.Poller) -> None:
        self._watched, self._poller = watched, poller
        self.monitor = watched.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self.is_up = False
        poller.register(self.monitor, zmq.POLLIN)

    def follow(self) -> None:
        """Read the events that wait."""
        while self.monitor.poll(0):
            event = parse_monitor_message(self.monitor.recv_multipart())["event"]
            if event in (zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED):
                self.is_up = event == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def close(self) -> None:
        """Close both."""
        self._poller.unregister(self.monitor)
        self._watched.disable_monitor()
        self.monitor.close(linger=0)
        self._watched.close(linger=0)
