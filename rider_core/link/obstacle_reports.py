"""What the robot is told of its way, and what it was told last: it believes the last report for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from rider_core.link.obstacle import NEAREST_M, NearestObstacle
from rider_core.metrics import LINK_DROPPED

TOPIC = "vision.obstacle.enhanced"
#: The shortest time between two equal reports, and before "clear". The robot's navigator reads six messages a second,
#: and the others queue up: seen with its own code, 40 in 2 s made it 4 s late. One that was started with the robot's
#: own detectors gets each report twice: its subscription is a prefix of our topic, and the robot passes the report on.
REPORT_EVERY_S = 0.35

Report = Literal["", "clear", "obstacle", "vision_lost"]


class ObstacleReports:
    """May be used from several threads."""

    def __init__(self, send: Callable[[str, dict[str, Any]], bool]) -> None:
        """
        Args:
            send: Puts a message on the robot's bus; False: it was dropped.
        """
        self._send = send
        self._lock = threading.Lock()
        self._last: Report = ""
        self._sent = float("-inf")
        #: The robot may believe in another report: of the link before this one, or from before the bus broke off.
        self._is_doubtful = True

    @property
    def last(self) -> Report:
        """What the robot was told last; empty: nothing, or nothing that still counts."""
        return self._last

    @property
    def is_doubtful(self) -> bool:
        """Whether the robot may believe in another report than the last one."""
        return self._is_doubtful

    def is_known(self, report: Report) -> bool:
        """Whether the robot certainly has this as our last report."""
        return self._last == report and not self._is_doubtful

    def doubt(self) -> None:
        """The bus was away: what was sent last may not have arrived."""
        self._is_doubtful = True

    def forget(self) -> None:
        """We report no more, and the robot has our last report."""
        with self._lock:
            self._last = ""

    def report_vision_lost(self, reason: str, ts: float) -> bool:
        """Report that nothing is known of the way: for all that we know, something is right before the robot."""
        return self.report(
            "vision_lost", NearestObstacle(present=True, confidence=1.0, distance_m=NEAREST_M), ts, blind=reason[:200]
        )

    def report(self, report: Report, ahead: NearestObstacle, ts: float, **meta: Any) -> bool:
        """Tell the robot. False: the bus dropped it, so the robot still believes what it was told before.

        Args:
            ts: The robot's clock.
        """
        with self._lock:
            now = time.monotonic()
            is_repeat = report in (self._last, "clear") and not self._is_doubtful
            if is_repeat and now - self._sent < REPORT_EVERY_S:
                return True
            if not self._send(TOPIC, ahead.message(ts, **meta)):
                LINK_DROPPED.labels("result").inc()
                return False
            self._last, self._sent, self._is_doubtful = report, now, False
            return True
