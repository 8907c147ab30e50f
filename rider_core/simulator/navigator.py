"""The navigator's obstacle input, with its two weak spots: no word means "clear", and a wrong type ends its loop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rider_core.simulator.outbox import Send
from rider_core.simulator.schedule import Periodic

log = logging.getLogger(__name__)

TOPIC = "vision.obstacle.enhanced"


class Navigator:
    """Believes the last word for ever. `alive` is False once something that is no number has ended it."""

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        self._send, self._clock = send, clock
        self.obstacle_present = False
        self.alive = True
        self.schedule = (Periodic(1.0, self._tell),)

    def receive(self, body: dict[str, Any], framing: str) -> str:
        """Take one message; returns what became of it."""
        if not self.alive:
            return "ignored: the navigator has ended"
        if framing == "single":
            return "ignored: read as multipart only"
        for key in ("distance", "angle"):
            value = body.get(key, 0.0)
            if isinstance(value, bool) or not isinstance(value, int | float):
                log.error("the navigator's loop ended: %s was %.80r", key, value)
                self.alive = False
                return f"ended the navigator: {key} is no number"
        self.obstacle_present = bool(body.get("present", False))
        return "obstacle" if self.obstacle_present else "clear"

    def _tell(self) -> None:
        if self.alive:
            self._send(
                "navigator.state",
                {
                    "active": False,
                    "state": "idle",
                    "strategy": "stop",
                    "obstacle_present": self.obstacle_present,
                    "ts": self._clock(),
                },
            )
