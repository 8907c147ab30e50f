"""The thread that owns the robot's two sockets, and that runs every module in turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from rider_core.simulator.outbox import Outbox
from rider_core.simulator.periodic import Periodic
from rider_core.simulator.received import WAITING, Received, ReceivedLog
from rider_core.simulator.wire import decode_body, topic_of

log = logging.getLogger(__name__)

#: The longest wait of the thread, in ms: half a chunk of the microphone.
_WAIT_MS = 10
#: Messages received in one turn, so that a flood does not stop the microphone.
_MESSAGES_A_TURN = 200
_STOP_S = 5.0

#: Receives a message and its JSON value; returns the message's effect, or None where that is settled later.
Receive = Callable[[Received, Any], str | None]


class BusThread:
    """Runs `schedule`, sends the messages in `outbox`, and gives each message that arrives to `receive`.

    Args:
        topics: Prefixes of the topics that the robot subscribes to.
    """

    def __init__(
        self,
        endpoints: tuple[str, str],
        topics: Sequence[str],
        schedule: Sequence[Periodic],
        outbox: Outbox,
        receive: Receive,
        received: ReceivedLog,
    ) -> None:
        self._publish_at, self._subscribe_at = endpoints
        self._topics, self._schedule = topics, schedule
        self._outbox, self._receive, self._received = outbox, receive, received
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-bus", daemon=True)
        #: The error that ended the thread; None: none has.
        self.failure: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            publisher, subscriber = context.socket(zmq.PUB), context.socket(zmq.SUB)
            publisher.linger = subscriber.linger = 0
            publisher.connect(self._publish_at)
            for topic in self._topics:
                subscriber.subscribe(topic)
            subscriber.connect(self._subscribe_at)
            while not self._stop.is_set():
                self._turn(publisher, subscriber)
        except Exception as error:
            self.failure = error
            log.exception("the simulated robot's bus thread ended")
        finally:
            context.destroy(linger=0)

    def _turn(self, publisher: zmq.Socket[bytes], subscriber: zmq.Socket[bytes]) -> None:
        now = time.monotonic()
        due = min(periodic.run(now) for periodic in self._schedule)
        for frames in self._outbox.drain():
            publisher.send_multipart(frames)
        wait_ms = max(0, min(_WAIT_MS, int((due - time.monotonic()) * 1000)))
        if subscriber.poll(wait_ms):
            self._receive_all(subscriber)

    def _receive_all(self, subscriber: zmq.Socket[bytes]) -> None:
        for _ in range(_MESSAGES_A_TURN):
            try:
                frames = subscriber.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            topic, framing = topic_of(frames)
            body = decode_body(frames)
            size = sum(map(len, frames))
            json_object = body if isinstance(body, dict) else None
            message = Received(topic, json_object, framing, time.monotonic(), WAITING, size)
            message.effect = self._receive(message, body) or WAITING
            self._received.add(message)
