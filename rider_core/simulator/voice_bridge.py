"""The voice process's connection to the bus: two sockets, polled in turn by a thread of its own.

The thread goes on while the process plays a sound; results and chunks then wait in the process's queues.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rider_core.simulator.received import Received

RESULT, CHUNK = "voice.asr.result", "voice.tts.chunk"

#: Wait for a message of one topic before the other is polled, in seconds. One topic alone gets about ten a second.
POLL_S = 0.1
#: ZeroMQ's high-water mark of a subscriber's socket.
SOCKET_LIMIT = 1_000
#: The robot's queues have no limit. These hold more than ten minutes of messages.
QUEUE_LIMIT = 10_000

Item = tuple[Received, Any]


def _two() -> dict[str, deque[Item]]:
    return {RESULT: deque(), CHUNK: deque()}


@dataclass
class VoiceBridge:
    """The sockets and the queues of one voice process.

    Attributes:
        queues: The messages that the process has not read yet, by topic.
    """

    queues: dict[str, deque[Item]] = field(default_factory=_two)
    _sockets: dict[str, deque[Item]] = field(default_factory=_two)
    _polled: str = RESULT
    _until: float | None = None

    def arrive(self, message: Received, body: Any) -> bool:
        """Add a message to its socket. False: the socket or the queue is full, and the message is dropped."""
        socket, queue = self._sockets[message.topic], self.queues[message.topic]
        if len(socket) >= SOCKET_LIMIT or len(queue) + len(socket) >= QUEUE_LIMIT:
            return False
        socket.append((message, body))
        return True

    def poll(self, now: float) -> None:
        """Do what the thread does until `now` (monotonic, in seconds)."""
        if self._until is None:
            self._until = now + POLL_S
        while True:
            socket = self._sockets[self._polled]
            if socket:
                self.queues[self._polled].append(socket.popleft())
                self._until = now + POLL_S
            elif now >= self._until:
                self._until += POLL_S
            else:
                return
            self._polled = CHUNK if self._polled == RESULT else RESULT

    def left(self) -> list[Item]:
        """All messages that were not read."""
        return [item for queues in (self.queues, self._sockets) for queue in queues.values() for item in queue]
