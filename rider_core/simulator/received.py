"""A bounded log of the messages that the robot received, for tests and inspection. Thread-safe."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rider_core.simulator.wire import Framing

#: The effect of a message that is still in a module's queue.
WAITING = "waiting"


@dataclass(eq=False)
class Received:
    """One message from the bus.

    Attributes:
        topic: As it was sent.
        body: The JSON object; None: the value is not an object. Modules that read other values get them separately.
        framing: Its framing.
        at: When it arrived, on the monotonic clock.
        effect: What the robot did with it, such as `played`, `text` or `ignored: ...`; `WAITING` until it is read.
        size_bytes: Size of all its frames.
    """

    topic: str
    body: dict[str, Any] | None
    framing: Framing
    at: float
    effect: str
    size_bytes: int


class ReceivedLog:
    """The latest messages, and counts of all.

    Args:
        messages, size_bytes: Limits of the log.
    """

    def __init__(self, messages: int, size_bytes: int) -> None:
        self._limit, self._limit_bytes = messages, size_bytes
        self._messages: deque[Received] = deque()
        self._size_bytes = 0
        self._changed = threading.Condition()
        self._effects: Counter[str] = Counter()
        self._dropped = 0

    def add(self, message: Received) -> None:
        with self._changed:
            self._messages.append(message)
            self._size_bytes += message.size_bytes
            self._effects[message.effect] += 1
            while self._messages and (len(self._messages) > self._limit or self._size_bytes > self._limit_bytes):
                self._size_bytes -= self._messages.popleft().size_bytes
                self._dropped += 1
            self._changed.notify_all()

    def settle(self, message: Received, effect: str) -> None:
        """Set the effect of a message that waited."""
        with self._changed:
            if message.effect != WAITING:
                return
            self._effects[WAITING] -= 1
            message.effect = effect
            self._effects[effect] += 1
            self._changed.notify_all()

    @property
    def dropped(self) -> int:
        """Number of messages that are no longer kept."""
        with self._changed:
            return self._dropped

    @property
    def effects(self) -> Counter[str]:
        """Effect to its number of messages, those that are no longer kept included."""
        with self._changed:
            return Counter(self._effects)

    def all(self, topic: str | None = None) -> list[Received]:
        """The kept messages in order of arrival, of one topic or of all."""
        with self._changed:
            return [message for message in self._messages if topic in (None, message.topic)]

    def wait(
        self,
        topic: str,
        *,
        count: int = 1,
        timeout_s: float = 5.0,
        where: Callable[[Received], bool] = lambda message: True,
    ) -> list[Received]:
        """Wait for the first `count` kept messages of `topic` that `where` accepts.

        Raises:
            TimeoutError: fewer came within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = [message for message in self._messages if message.topic == topic and where(message)]
                if len(found) >= count:
                    return found[:count]
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{len(found)} of {count} messages on {topic} within {timeout_s} s")

    def clear(self) -> None:
        with self._changed:
            self._messages.clear()
            self._size_bytes = 0
