"""What is told about input that was refused: every one is counted, and a few a second are spelt out."""

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

#: A broken robot may send fifty bad messages a second; so many of a kind are spelt out, per second.
SPELT_OUT_EVERY_S = 1.0


class RejectionReporter:
    """Counts, logs and answers refusals. May be used from several threads."""

    def __init__(self, publish: PublishEvent, answer: Callable[[str, dict[str, Any]], bool]) -> None:
        """
        Args:
            answer: Puts a message on the robot's bus.
        """
        self._publish = publish
        self._answer = answer
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], float] = {}

    def report(self, topic: str, error: RiderError) -> None:
        """Refuse a message of a topic out of our own list."""
        REFUSED.labels("link", error.code).inc()
        with self._lock:
            now = time.monotonic()
            if now - self._last.get((topic, error.code), float("-inf")) < SPELT_OUT_EVERY_S:
                return
            self._last[topic, error.code] = now
        log.warning("refused %s: %s", topic, error)
        self._publish("robot.refused", topic=topic, code=error.code, message=str(error)[:300])
        self._answer("pc.error", {"topic": topic, "code": error.code, "message": str(error)[:300], "ts": time.time()})
