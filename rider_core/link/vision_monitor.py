"""Monitors the vision domain. When no frame is analysed, it reports vision lost to the robot and fails vision over.

In a thread of its own, so that the robot gets the report whatever else hangs: Redis, a detector, a tracker.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rider_core.link.camera_liveness import CameraLiveness
from rider_core.link.domain import DomainOwner
from rider_core.link.frame_buffer import LatestFrameBuffer
from rider_core.link.navigator_reminder import NavigatorReminder
from rider_core.link.obstacle_reports import ObstacleReports
from rider_core.link.thread_watchdog import ThreadWatchdog
from rider_core.metrics import BLIND

log = logging.getLogger(__name__)

#: Vision is lost when frames come and none is analysed for this time, in seconds.
VISION_LOST_AFTER_S = 2.0
#: Vision is lost when the PC serves it and no frame comes for this time, in seconds.
NO_FRAME_S = 3.0
#: Frames may still arrive for this time after a switch to local, in seconds.
STRAGGLERS_S = 1.0
#: Interval of the rounds, in seconds.
POLL_EVERY_S = 0.2
#: Interval at which a failover is requested until it succeeds, and a report repeated that the bus dropped, in seconds.
RETRY_EVERY_S = 1.0

UNATTENDED = "vision is local, and the robot's own detectors are paused while another domain is with the PC"
ENDED = "vision is the robot's own again"


class UnansweredFrames:
    """Since when frames come and none is analysed, and why. Written by the vision pipeline's thread."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.problem = ""

    def start(self) -> float:
        """An analysis starts. Returns since when none has succeeded (monotonic)."""
        if self.since is None:
            self.since = time.monotonic()
        return self.since

    def failed(self, problem: str) -> None:
        # The first problem is the cause: later ones may only say that the circuit breaker is open.
        self.problem = self.problem or problem
        self.start()

    def answered(self) -> None:
        self.since, self.problem = None, ""


class VisionMonitor:
    """`receive_navigator` and `bus_is_back` belong to the bus's thread."""

    def __init__(
        self,
        buffer: LatestFrameBuffer,
        liveness: CameraLiveness,
        unanswered: UnansweredFrames,
        reports: ObstacleReports,
        forget: Callable[[], None],
        fail_over: Callable[[str], None],
        owner: Callable[[], DomainOwner],
    ) -> None:
        """
        Args:
            forget: Called when objects that were in view before may be gone.
            fail_over: Requests a failover of vision, with the reason.
            owner: Returns the owner of vision.
        """
        self._buffer = buffer
        self._liveness = liveness
        self._unanswered = unanswered
        self._reports = reports
        self._forget = forget
        self._fail_over = fail_over
        self._owner = owner
        self._navigator = NavigatorReminder()
        self._is_lost = self._is_unattended = False
        self._requested = self._dropped = float("-inf")
        self.watchdog = ThreadWatchdog("vision monitor")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vision-monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End. Where the last report is "clear", vision is reported lost."""
        self._stop.set()
        self._thread.join(timeout=2 * POLL_EVERY_S)
        if self._reports.last == "clear":
            self._report_vision_lost("the PC's link ends")

    def receive_navigator(self, body: dict[str, Any]) -> None:
        """The navigator's state: what it believes of the robot's way.

        Raises:
            InvalidInput: the message is malformed.
        """
        self._navigator.receive_state(body)

    def bus_is_back(self) -> None:
        """The bus is up again: the last report may not have arrived, so it is repeated."""
        self._reports.doubt()
        self._dropped = float("-inf")
        self._navigator.restart()

    def _run(self) -> None:
        while True:
            self.watchdog.feed()
            try:
                self.poll()
            except Exception:  # the top of a thread
                log.exception("a round of the vision monitor failed")
            if self._stop.wait(POLL_EVERY_S):
                return

    def poll(self) -> None:
        """One round."""
        now, owner = time.monotonic(), self._owner()
        if owner.mode == "pc" or now - self._buffer.arrived <= STRAGGLERS_S:
            self._is_unattended = False
            problem = self.vision_problem(now, owner.since)
            if problem is None:
                self._is_lost = False
            else:
                self._lose_vision(*problem, now)
        elif owner.unattended:
            self._is_lost = False
            self._report_unattended()
        else:
            self._is_lost = self._is_unattended = False
            self._end(owner)

    def vision_problem(self, now: float, since: float) -> tuple[str, str] | None:
        """Why vision is lost although the PC serves it, as a metric's label and in words; None: it is not lost.

        Args:
            since: When the link learned that the PC serves vision (monotonic).
        """
        arrived = self._buffer.arrived
        # Frames since then were not checked yet, because an engine is slow, and may show anything.
        passed = self._liveness.passed
        known_until = arrived if self._buffer.image_arrived <= passed else passed
        camera_problem = self._liveness.problem(known_until)
        unanswered_since = self._unanswered.since
        if now - max(arrived, since) > NO_FRAME_S:
            nothing = f"no picture has come from the camera for {NO_FRAME_S:g} s"
            return "no_frame", self._buffer.rejected or nothing
        if known_until > since and camera_problem is not None:
            return camera_problem
        if unanswered_since is not None and now - max(unanswered_since, since) >= VISION_LOST_AFTER_S:
            return "no_answer", self._unanswered.problem or f"no picture was analysed within {VISION_LOST_AFTER_S:g} s"
        return None

    def _lose_vision(self, why: str, reason: str, now: float) -> None:
        if not self._is_lost:
            self._is_lost = True
            log.warning("vision is lost: %s", reason)
            BLIND.labels(why).inc()
            self._forget()
        if not self._reports.is_known("vision_lost"):
            self._report_vision_lost(reason)
        if now - self._requested >= RETRY_EVERY_S:
            self._requested = now
            self._fail_over(reason)

    def _report_unattended(self) -> None:
        """Vision is local, and the robot's own detectors are paused, because another domain is with the PC.

        Without a report from us the robot would believe that its way is clear.
        """
        if not self._is_unattended:
            self._is_unattended = True
            log.warning("%s: an obstacle is reported to the robot", UNATTENDED)
            BLIND.labels("unattended").inc()
            self._forget()
        if not self._reports.is_known("vision_lost"):
            if self._report_vision_lost(UNATTENDED):
                self._navigator.restart()
        elif self._navigator.reminder_is_due() and self._report_vision_lost(UNATTENDED):
            self._navigator.reminder_sent()

    def _end(self, owner: DomainOwner) -> None:
        """The robot serves vision itself. A last report "clear" from us must not stay valid."""
        last = self._reports.last
        may_believe_clear = last == "clear" or (self._reports.is_doubtful and (last != "" or owner.is_lost))
        if may_believe_clear and not self._report_vision_lost(ENDED):
            return  # repeated when the bus is up
        if self._reports.last:
            self._forget()
            self._reports.forget()
            self._unanswered.answered()

    def _report_vision_lost(self, reason: str) -> bool:
        """False: the bus dropped the report."""
        now = time.monotonic()
        if now - self._dropped < RETRY_EVERY_S:
            return False
        if self._reports.report_vision_lost(reason, self._buffer.robot_ts(now)):
            return True
        self._dropped = now
        return False
