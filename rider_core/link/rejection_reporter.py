"""Reports rejected input: each is counted, and at most one a second of each kind is logged, published and sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rider_core.errors import RiderError
from rider_core.link.services import PublishEvent
from rider_core.metrics import REFUSED

log = logging.getLogger(__name__)

#: The shortest time between two reports of the same topic and code, in seconds. A broken robot may send fifty bad
#: messages a second.
REPORT_EVERY_S = 1.0


class RejectionReporter:
    """May be used from several threads."""

    def __init__(self, publish: PublishEvent, send: Callable[[str, dict[str, Any]], bool]) -> None:
        """
        Args:
            send: Sends a message on the robot's bus.
        """
        self._publish = publish
        self._send = send
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], float] = {}

    def report(self, topic: str, error: RiderError) -> None:
        """Report a rejected message.

        Args:
            topic: One that we subscribe to, because it becomes part of a key.
        """
        REFUSED.labels("link", error.code).inc()
        with self._lock:
            now = time.monotonic()
            if now - self._last.get((topic, error.code), float("-inf")) < REPORT_EVERY_S:
                return
            self._last[topic, error.code] = now
        log.warning("rejected %s: %s", topic, error)
        self._publish("robot.refused", topic=topic, code=error.code, message=str(error)[:300])
        self._send("pc.error", {"topic": topic, "code": error.code, "message": str(error)[:300], "ts": time.time()})
