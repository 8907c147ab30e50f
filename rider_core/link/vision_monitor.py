"""Watches the vision domain. When no frame is analysed, it tells the robot so, and hands vision back.

In a thread of its own: whatever hangs (Redis, a detector, a tracker), the robot hears of it.
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

#: Vision is lost when frames come and none is answered for this time, in seconds.
VISION_LOST_AFTER_S = 2.0
#: Vision is lost when it is ours and no frame comes for this time, in seconds.
NO_FRAME_S = 3.0
#: Frames that were on their way when vision went over to the robot.
STRAGGLERS_S = 1.0
#: How often is looked whether any of these times has passed.
LOOK_EVERY_S = 0.2
#: How often vision is handed back until the robot takes it, and how often a report is tried that the bus dropped.
ASK_AGAIN_S = 1.0

UNATTENDED = "vision is local, and the robot's own detectors rest while another domain is with the PC"
ENDED = "vision is the robot's own again"


class UnansweredFrames:
    """Since when frames come and none is answered, and why. Written by the thread that looks at frames."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.problem = ""

    def begin(self) -> float:
        """A look begins; returns since when there was no answer."""
        if self.since is None:
            self.since = time.monotonic()
        return self.since

    def failed(self, problem: str) -> None:
        # The first says most: those after it may be that an engine rests which failed too often.
        self.problem = self.problem or problem
        self.begin()

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
            forget: What was in sight need not be there any more.
            give_back: Hands vision back to the robot, with the reason.
            standing: Who serves vision, as far as we know.
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
        self._asked_back = self._dropped = float("-inf")
        self.watchdog = ThreadWatchdog("vision monitor")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vision-monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End; where the way was clear last, the robot is told that nobody looks any more."""
        self._stop.set()
        self._thread.join(timeout=2 * LOOK_EVERY_S)
        if self._reports.last == "clear":
            self._report_vision_lost("the PC's link ends")

    def receive_navigator(self, body: dict[str, Any]) -> None:
        """What drives the robot says what it believes of the way.

        Raises:
            InvalidInput: it is no such message.
        """
        self._navigator.receive_state(body)

    def bus_is_back(self) -> None:
        """What was said last need not have arrived, so it is said again."""
        self._reports.doubt()
        self._dropped = float("-inf")
        self._navigator.restart()

    def _run(self) -> None:
        while True:
            self.watchdog.feed()
            try:
                self.poll()
            except Exception:  # the top of a thread
                log.exception("it could not be seen whether anybody looks")
            if self._stop.wait(LOOK_EVERY_S):
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
        """Why nobody sees anything although vision is ours, in one word and in words; None: somebody does.

        Args:
            since: When we learned that vision is ours (monotonic).
        """
        arrived = self._buffer.arrived
        # What came since and was not looked at yet, because an engine is slow, may show anything.
        passed = self._liveness.passed
        known_until = arrived if self._buffer.image_arrived <= passed else passed
        hangs = self._liveness.problem(known_until)
        unanswered_since = self._unanswered.since
        if now - max(arrived, since) > NO_FRAME_S:
            nothing = f"no picture has come from the camera for {NO_FRAME_S:g} s"
            return "no_frame", self._buffer.refused or nothing
        if known_until > since and hangs is not None:
            return hangs
        if unanswered_since is not None and now - max(unanswered_since, since) >= VISION_LOST_AFTER_S:
            return "no_answer", self._unanswered.problem or f"no picture was looked at within {VISION_LOST_AFTER_S:g} s"
        return None

    def _lose_vision(self, why: str, reason: str, now: float) -> None:
        if not self._is_lost:
            self._is_lost = True
            log.warning("the robot gets no word of obstacles: %s", reason)
            BLIND.labels(why).inc()
            self._forget()
        if not self._reports.is_known("vision_lost"):
            self._report_vision_lost(reason)
        if now - self._asked_back >= ASK_AGAIN_S:
            self._asked_back = now
            self._fail_over(reason)

    def _report_unattended(self) -> None:
        """Vision is not ours, and the robot's own detectors rest, because another domain is with the PC.

        Without a word of ours the robot would believe that its way is clear.
        """
        if not self._is_unattended:
            self._is_unattended = True
            log.warning("%s: the robot is told that its way is blocked", UNATTENDED)
            BLIND.labels("unattended").inc()
            self._forget()
        if not self._reports.is_known("vision_lost"):
            if self._report_vision_lost(UNATTENDED):
                self._navigator.restart()
        elif self._navigator.reminder_is_due() and self._report_vision_lost(UNATTENDED):
            self._navigator.reminder_sent()

    def _end(self, owner: DomainOwner) -> None:
        """We serve vision no more. The robot must not go on believing that its way is clear because we said so."""
        last = self._reports.last
        may_believe_clear = last == "clear" or (self._reports.is_doubtful and (last != "" or owner.is_lost))
        if may_believe_clear and not self._report_vision_lost(ENDED):
            return  # once more when the bus is back
        if self._reports.last:
            self._forget()
            self._reports.forget()
            self._unanswered.answered()

    def _report_vision_lost(self, reason: str) -> bool:
        """False: the bus did not take it."""
        now = time.monotonic()
        if now - self._dropped < ASK_AGAIN_S:
            return False
        if self._reports.report_vision_lost(reason, self._buffer.robot_ts(now)):
            return True
        self._dropped = now
        return False
