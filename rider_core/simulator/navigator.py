"""The navigator's obstacle input and its flaws: no message means "clear", some values end its loop, and it is slow."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rider_core.simulator.outbox import Send
from rider_core.simulator.periodic import Periodic
from rider_core.simulator.received import Received
from rider_core.simulator.registry import StateFile
from rider_core.simulator.wire import UNREADABLE

log = logging.getLogger(__name__)

#: Topics: the PC's messages, and those of the robot's own detectors and of `obstacle_bridge`.
ENHANCED, OWN = "vision.obstacle.enhanced", "vision.obstacle"
TOPICS = (OWN, ENHANCED)

#: One turn of its loop, in seconds, with one message in it: six polls of 10 ms, then a sleep of 0.1 s.
LOOP_S = 0.16
#: `navigator.state` comes on a change, and this many seconds after the last.
HEARTBEAT_S = 5.0
#: Messages that the simulator queues. On the robot they queue in sockets that hold a thousand each.
QUEUE_LIMIT = 3_000

Settle = Callable[[Received, str], None]


class Navigator:
    """Believes the last message for ever. It is active from its start, as after "start" on the robot's page.

    It chooses its source once, when it starts: the PC's messages where the AI mode is `pc_offload`, else the robot's
    own. A subscription is a prefix, so with the robot's own source it receives the PC's messages as well: they are
    dropped, and each takes a turn of the loop.

    Args:
        settle: Sets the effect of a message that waited.
    """

    def __init__(self, file: StateFile, send: Send, clock: Callable[[], float], settle: Settle) -> None:
        self._file, self._send, self._clock, self._settle = file, send, clock, settle
        self._queue: deque[tuple[Received, Any]] = deque()
        self._restart_requested = False
        self.obstacle_present = False
        #: False once a message has ended the loop. The service manager starts it again on the robot, but not active.
        self.alive = True
        self.source = self._chosen()
        self._published: bool | None = None
        self._published_at = 0.0
        self.schedule = (Periodic(LOOP_S, self._turn),)

    def restart(self) -> None:
        """Restart at the next turn, active. May be called from any thread."""
        self._restart_requested = True

    def receive(self, message: Received, body: Any) -> str | None:
        """Receive one message. Returns its effect, or None where the loop will read it later."""
        if not self.alive:
            return "ignored: the navigator has ended"
        if not message.topic.startswith(self.source):
            return f"ignored: the navigator listens to {self.source}"
        if len(self._queue) >= QUEUE_LIMIT:
            return "ignored: too many wait"
        self._queue.append((message, body))
        return None if message.topic == self.source else f"ignored: the navigator listens to {self.source}"

    def _chosen(self) -> str:
        return ENHANCED if self._file.ai_mode()["mode"] == "pc_offload" else OWN

    def _turn(self) -> None:
        if self._restart_requested:
            self._restart_requested = False
            self._drop_queue()
            self.alive, self.obstacle_present, self.source = True, False, self._chosen()
            self._published = None
        if self.alive and self._queue:
            message, body = self._queue.popleft()
            if message.topic == self.source:
                self._settle(message, self._read(message, body))
        self._publish_state()

    def _read(self, message: Received, body: Any) -> str:
        if message.framing == "single":
            return "ignored: read as multipart only"
        if body is UNREADABLE or not body:
            return "ignored: an empty body, or none that is JSON"
        try:
            return self._apply(body)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            log.error("the navigator's loop ended: %s", error)
            self.alive = False
            self._drop_queue()
            return f"ended the navigator: {error}"[:120]

    def _apply(self, body: Any) -> str:
        present, confidence = body.get("present", False), body.get("confidence", 0.0)
        distance, angle = body.get("distance"), body.get("angle")
        if self.source == ENHANCED and distance is not None and angle is not None:
            # The robot's code formats both for its log, at any log level.
            _ = f"{distance:.2f} {angle:.1f}"
        self.obstacle_present = bool(present)
        if not present:
            return "clear"
        _ = f"{confidence:.2f}"
        return "obstacle"

    def _drop_queue(self) -> None:
        for message, _ in self._queue:
            if message.topic == self.source:
                self._settle(message, "ignored: the navigator has ended")
        self._queue.clear()

    def _publish_state(self) -> None:
        """On a change, and as a heartbeat."""
        now = time.monotonic()
        if self.alive and (self._published != self.obstacle_present or now - self._published_at >= HEARTBEAT_S):
            self._published, self._published_at = self.obstacle_present, now
            self._send(
                "navigator.state",
                {
                    "active": True,
                    "state": "stopped" if self.obstacle_present else "exploring",
                    "strategy": "STOP",
                    "obstacle_present": self.obstacle_present,
                    "ts": self._clock(),
                },
            )
