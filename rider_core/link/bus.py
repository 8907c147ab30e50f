"""The connection to the robot's broker, and the one thread that owns its sockets."""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from rider_core.api.steering import BusView
from rider_core.errors import RiderError
from rider_core.link.frame_buffer import count_dropped
from rider_core.link.framing import decode, encode
from rider_core.link.loopback_probe import TOPIC as PROBE
from rider_core.link.loopback_probe import LoopbackProbe
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.link.sockets import FRAME_BATCH_BYTES, SEND_MARK, BrokerSockets
from rider_core.link.suspend_detector import SuspendDetector
from rider_core.link.thread_watchdog import ThreadWatchdog
from rider_core.metrics import LINK_DROPPED, LINK_RECEIVED, LINK_RECEIVED_BYTES

log = logging.getLogger(__name__)

#: The sockets are replaced after this time without a connection, in seconds: libzmq does not reconnect after an
#: oversized message or a failed handshake.
RENEW_AFTER_S = 4.0
POLL_MS = 250

Handler = Callable[[dict[str, Any]], None]

NOT_CONNECTED = "not connected yet"
NO_LOOPBACK = "what we send does not come back from the robot's broker"
UP = BusView(up=True, to_robot=True, from_robot=True)


class RobotBus:
    """Receives and sends messages.

    `send` may be called from any thread. Handlers are called in the bus's own thread and must not wait.
    """

    def __init__(self, publish_address: str, subscribe_address: str, on_state: Callable[[BusView], None]) -> None:
        """
        Args:
            on_state: Called with the new state whenever the bus goes up or down.
        """
        self._addresses = publish_address, subscribe_address
        self._on_state = on_state
        self._handlers: dict[str, Handler] = {}
        self._rejections: RejectionReporter | None = None
        self._outbox: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue(SEND_MARK)
        self._last_sent: dict[str, float] = {}
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._stop = threading.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.watchdog = ThreadWatchdog("the robot's bus")
        self._thread = threading.Thread(target=self._run, name="robot-bus", daemon=True)
        self._probe = LoopbackProbe()
        self._received = 0
        self._state = _down(NOT_CONNECTED)
        self._down_since = time.monotonic()

    def on(self, topic: str, handler: Handler) -> None:
        """Subscribe to exactly this topic. To be called before `start`."""
        self._handlers[topic] = handler

    def start(self, rejections: RejectionReporter) -> None:
        self._rejections = rejections
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake()
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            log.error("the robot's bus did not stop; its sockets are closed with the process")
            return
        self._wake_reader.close()
        self._wake_writer.close()
        self._context.term()

    @property
    def state(self) -> BusView:
        """Which directions work, and why one does not. From any thread."""
        return self._state

    @property
    def round_trip_s(self) -> float | None:
        """Of the last test message through the robot's broker, in seconds; None: the bus is down. From any thread."""
        return self._probe.round_trip_s

    @property
    def received(self) -> int:
        """Messages that were handled since the start. From any thread."""
        return self._received

    def send(self, topic: str, body: dict[str, Any]) -> bool:
        """Queue a message for sending. False: the bus is down or the queue is full; it was dropped and counted.

        Messages are not kept while the bus is down: the robot would get them in a burst, too late to be of use.
        """
        if not self._state.up:
            LINK_DROPPED.labels("message").inc()
            return False
        try:
            self._outbox.put_nowait((topic, body))
        except queue.Full:
            LINK_DROPPED.labels("message").inc()
            return False
        self._last_sent[topic] = time.monotonic()
        self._wake()
        return True

    def last_sent(self, topic: str) -> float:
        """When a message of a topic was last queued (monotonic); -inf: never. From any thread."""
        return self._last_sent.get(topic, float("-inf"))

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # the buffer is full, so it wakes anyway; or it is closed
            self._wake_writer.send(b"!")

    def _run(self) -> None:
        while not self._stop.is_set():
            sockets = BrokerSockets(self._context, *self._addresses, [*self._handlers, PROBE], self._wake_reader)
            self._down_since = time.monotonic()
            try:
                self._serve(sockets)
            finally:
                sockets.close()
                self._probe.reset()
                if self._state.up:
                    self._set_state(_down("the connection is replaced"))

    def _serve(self, sockets: BrokerSockets) -> None:
        """Move messages until it is time to stop or to replace the sockets."""
        suspend = SuspendDetector()
        while not self._stop.is_set():
            self.watchdog.feed()
            suspend.begin()
            ready = sockets.poll(POLL_MS)
            if suspend.suspended_s():
                return  # the broker has closed the connections; libzmq would notice later
            if sockets.to_robot and sockets.from_robot:
                self._probe_loopback(sockets.publisher)
            else:
                self._probe.reset()
                self._set_state(_cut(sockets.to_robot, sockets.from_robot))
            if self._wake_reader.fileno() in ready:
                self._send_outbox(sockets.publisher)
            if sockets.subscriber in ready:
                self._receive(sockets.subscriber)
            if sockets.frames in ready:
                self._receive_newest(sockets.frames)
            if not self._state.up and time.monotonic() - self._down_since > RENEW_AFTER_S:
                return

    def _probe_loopback(self, publisher: zmq.Socket[bytes]) -> None:
        """Both sockets are connected; the probe shows whether the broker forwards what we send."""
        body = self._probe.due()
        if body is not None:
            with contextlib.suppress(zmq.Again):
                publisher.send_multipart(encode(PROBE, body), zmq.NOBLOCK)
        if not self._state.up:
            self._set_state(_down(NO_LOOPBACK))
        elif self._probe.is_lost():
            self._probe.reset()
            self._set_state(_down(NO_LOOPBACK))

    def _set_state(self, state: BusView) -> None:
        was, self._state = self._state, state
        if state.up != was.up:
            self._down_since = time.monotonic()
            self._on_state(state)

    def _send_outbox(self, publisher: zmq.Socket[bytes]) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_reader.recv(4096):
                pass
        while True:
            try:
                topic, body = self._outbox.get_nowait()
            except queue.Empty:
                return
            if not self._state.up:
                LINK_DROPPED.labels("message").inc()
                continue
            try:
                publisher.send_multipart(encode(topic, body), zmq.NOBLOCK)
                self._probe.note_sent(topic)
            except zmq.Again:
                LINK_DROPPED.labels("message").inc()

    def _receive(self, subscriber: zmq.Socket[bytes]) -> None:
        """Receive up to 100 messages, then let the other sockets have their turn."""
        for _ in range(100):
            try:
                parts = subscriber.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._handle(parts)

    def _receive_newest(self, frames: zmq.Socket[bytes]) -> None:
        """Receive what waits. Of more than `FRAME_BATCH_BYTES` only the newest frame is handled: no backlog grows."""
        batch: list[list[bytes]] = []
        size = 0
        for _ in range(100):
            try:
                parts = frames.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            topic = self._topic_of(parts)
            if not topic:
                continue
            size += sum(map(len, parts))
            if size > FRAME_BATCH_BYTES and batch:
                self._drop_frames(batch)
                batch.clear()
            batch.append(parts)
        for parts in batch:
            self._handle(parts)

    def _drop_frames(self, batch: Sequence[Sequence[bytes]]) -> None:
        for parts in batch:
            LINK_RECEIVED_BYTES.labels(self._topic_of(parts)).inc(sum(map(len, parts)))
            count_dropped("replaced")

    def _handle(self, parts: Sequence[bytes]) -> None:
        assert self._rejections is not None
        topic = self._topic_of(parts)
        if topic == PROBE:
            self._receive_probe(parts)
            return
        handler = self._handlers.get(topic)
        if handler is None:  # subscriptions are prefixes: this is a longer topic
            return
        self._received += 1
        LINK_RECEIVED.labels(topic).inc()
        LINK_RECEIVED_BYTES.labels(topic).inc(sum(map(len, parts)))
        try:
            _, body = decode(parts)
            handler(body)
        except RiderError as error:
            self._rejections.report(topic, error)
        except Exception:  # the edge: one message must not end the link
            log.exception("%s could not be handled", topic)
            LINK_DROPPED.labels("message").inc()

    def _topic_of(self, parts: Sequence[bytes]) -> str:
        """The message's topic where we handle it, else an empty text."""
        head = bytes(parts[0][:128]).partition(b" ")[0]
        topic = head.decode("utf-8", "replace")
        return topic if topic in self._handlers or topic == PROBE else ""

    def _receive_probe(self, parts: Sequence[bytes]) -> None:
        with contextlib.suppress(RiderError):  # another program's malformed probe
            if self._probe.receive(decode(parts)[1]):
                self._set_state(UP)


def _down(problem: str) -> BusView:
    """Neither direction is proven."""
    return BusView(up=False, to_robot=False, from_robot=False, problem=problem)


def _cut(to_robot: bool, from_robot: bool) -> BusView:
    """At least one direction has no connection."""
    cut = ("nothing of ours reaches the robot", not to_robot), ("nothing comes in", not from_robot)
    problem = "the robot's broker does not answer: " + " and ".join(what for what, is_cut in cut if is_cut)
    return BusView(up=False, to_robot=to_robot, from_robot=from_robot, problem=problem)
