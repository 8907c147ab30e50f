"""Messages on their way to the bus. Only the bus thread owns a socket; the other threads queue their messages here."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from rider_core.simulator.wire import Framing, encode

log = logging.getLogger(__name__)

#: More than every module together sends in ten seconds; reached only when the bus thread is dead.
_LIMIT = 2_000


class Send(Protocol):
    """Publishes one message of a robot's module."""

    def __call__(self, topic: str, body: Mapping[str, Any], framing: Framing = "multipart") -> None: ...


class Outbox:
    """A bounded queue of messages. A message that does not fit is dropped and logged."""

    def __init__(self) -> None:
        self._queue: queue.Queue[list[bytes]] = queue.Queue(_LIMIT)

    def send(self, topic: str, body: Mapping[str, Any], framing: Framing = "multipart") -> None:
        self.put(encode(topic, body, framing))

    def put(self, frames: list[bytes]) -> None:
        try:
            self._queue.put_nowait(frames)
        except queue.Full:
            log.error("a message of the robot was dropped: %d wait already", _LIMIT)

    def drain(self) -> Iterator[list[bytes]]:
        """The messages that are queued now."""
        for _ in range(_LIMIT):
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                return


class RobotClock:
    """The robot's clock, which may differ from ours."""

    def __init__(self, skew_s: float) -> None:
        self._skew_s = skew_s

    def __call__(self) -> float:
        return time.time() + self._skew_s
