"""The obstacle reports to the robot, and the last of them: the robot believes its last report for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from rider_core.link.obstacle import NEAREST_M, NearestObstacle
from rider_core.metrics import LINK_DROPPED

TOPIC = "vision.obstacle.enhanced"
#: The shortest time between two equal reports, and before "clear", in seconds. The robot's navigator reads six messages
#: a second, and the others queue up: seen with its own code, 40 in 2 s made it 4 s late. A navigator that was started
#: with the robot's own detectors gets each report twice: its subscription is a prefix of our topic, and the robot
#: forwards the report.
REPORT_EVERY_S = 0.35

Report = Literal["", "clear", "obstacle", "vision_lost"]


class ObstacleReports:
    """May be used from several threads."""

    def __init__(self, send: Callable[[str, dict[str, Any]], bool]) -> None:
        """
        Args:
            send: Sends a message on the robot's bus; False: it was dropped.
        """
        self._send = send
        self._lock = threading.Lock()
        self._last: Report = ""
        self._sent = float("-inf")
        #: Whether the robot's last report may be another: from the link before this one, or because one was lost.
        self._is_doubtful = True

    @property
    def last(self) -> Report:
        """The last report; empty: none, or none that is still valid."""
        return self._last

    @property
    def is_doubtful(self) -> bool:
        """Whether the robot's last report may be another than `last`."""
        return self._is_doubtful

    def is_known(self, report: Report) -> bool:
        """Whether this certainly is the robot's last report."""
        return self._last == report and not self._is_doubtful

    def doubt(self) -> None:
        """The bus was down: the last report may not have arrived."""
        self._is_doubtful = True

    def forget(self) -> None:
        """The reports end, and the robot has the last one."""
        with self._lock:
            self._last = ""

    def report_vision_lost(self, reason: str, ts: float) -> bool:
        """Report an obstacle right before the robot, because nothing is known of its way."""
        blocked = NearestObstacle(present=True, confidence=1.0, distance_m=NEAREST_M)
        return self.report("vision_lost", blocked, ts, blind=reason[:200])

    def report(self, report: Report, nearest: NearestObstacle, ts: float, **meta: Any) -> bool:
        """Send a report. False: the bus dropped it, so the robot still believes the one before.

        Args:
            ts: The robot's clock.
        """
        with self._lock:
            now = time.monotonic()
            is_repeat = report in (self._last, "clear") and not self._is_doubtful
            if is_repeat and now - self._sent < REPORT_EVERY_S:
                return True
            if not self._send(TOPIC, nearest.message(ts, **meta)):
                LINK_DROPPED.labels("result").inc()
                return False
            self._last, self._sent, self._is_doubtful = report, now, False
            return True
