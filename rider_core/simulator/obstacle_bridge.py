"""The dispatcher's bridge: it forwards the PC's obstacle messages as the robot's own, while vision is with the PC."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rider_core.simulator.navigator import OWN
from rider_core.simulator.outbox import Send
from rider_core.simulator.periodic import Periodic
from rider_core.simulator.received import Received
from rider_core.simulator.registry import StateFile
from rider_core.simulator.wire import UNREADABLE

#: Interval at which the bridge checks whether vision is with the PC, while it is not, in seconds.
POLL_S = 0.5
#: Its pause after a message that it cannot read, in seconds.
ERROR_S = 0.2
#: ZeroMQ's high-water mark of a subscriber's socket.
SOCKET_LIMIT = 1_000
_STEP_S = 0.02

Settle = Callable[[Received, str], None]


class ObstacleBridge:
    """Reads only while vision is with the PC. Earlier messages are kept, and forwarded at the next takeover.

    Args:
        settle: Sets the effect of a message that waited.
    """

    def __init__(self, file: StateFile, send: Send, clock: Callable[[], float], settle: Settle) -> None:
        self._file, self._send, self._clock, self._settle = file, send, clock, settle
        self._socket: deque[tuple[Received | None, Any, str]] = deque()
        self._next_at = 0.0
        self.schedule = (Periodic(_STEP_S, self._step),)

    def receive(self, message: Received, body: Any, *, settles: bool) -> str | None:
        """Receive one message. Returns its effect, or None where the bridge will read it later.

        Args:
            settles: Whether the bridge sets the message's effect, not the navigator.
        """
        if len(self._socket) >= SOCKET_LIMIT:
            return "ignored: too many wait"
        self._socket.append((message if settles else None, body, message.framing))
        return None

    def _step(self) -> None:
        now = time.monotonic()
        if now < self._next_at:
            return
        if self._file.mode("vision") != "pc":
            self._next_at = now + POLL_S
            return
        while self._socket:
            message, body, framing = self._socket.popleft()
            if framing == "single" or body is UNREADABLE or not body:
                self._settle_own(message, "ignored: not multipart, empty, or no JSON")
                continue
            try:
                self._forward(body)
            except (AttributeError, TypeError, ValueError, OverflowError) as error:
                self._settle_own(message, f"ignored: {error}"[:120])
                self._next_at = now + ERROR_S
                return
            self._settle_own(message, f"passed on as {OWN}")

    def _settle_own(self, message: Received | None, effect: str) -> None:
        if message is not None:
            self._settle(message, effect)

    def _forward(self, body: Any) -> None:
        simple = {
            "type": "obstacle",
            "present": bool(body.get("present")),
            "confidence": float(body.get("confidence") or 0.0),
            "ts": body.get("ts", self._clock()),
            "source": "pc_offload",
        }
        meta = body.get("meta") or {}
        if isinstance(meta, dict):
            simple["meta"] = meta
        self._send(OWN, simple)
