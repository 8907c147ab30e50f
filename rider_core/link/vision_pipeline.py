"""Vision: the latest frame to a detector, its objects to a tracker, the nearest obstacle to the robot.

The robot believes its last report for ever, and drives on while that is "clear". So "clear" is reported only of a frame
that was analysed, and only after enough frames; and the last report before a silence is never "clear".
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.messages import parse_message
from rider_core.api.object_detection import Detections
from rider_core.errors import JobExpired, RiderError, WaitTimeout
from rider_core.link.camera_liveness import CameraLiveness
from rider_core.link.domain import DomainOwner
from rider_core.link.frame_buffer import CameraFrame, LatestFrameBuffer, count_dropped
from rider_core.link.log_throttle import LogThrottle
from rider_core.link.obstacle import View, nearest_obstacle
from rider_core.link.obstacle_reports import ObstacleReports
from rider_core.link.options import VisionOptions
from rider_core.link.person_follower import MODE, PersonFollower
from rider_core.link.seen_frames import seen_frame, unseen_frame
from rider_core.link.services import LinkServices
from rider_core.link.thread_watchdog import STUCK_ON_JOBS_AFTER_S, ThreadWatchdog
from rider_core.link.tracks import TrackedObject, Tracks
from rider_core.link.vision_monitor import STRAGGLERS_S, VISION_LOST_AFTER_S, UnansweredFrames, VisionMonitor
from rider_core.metrics import FRAME_AGE, FRAMES, LINK_DROPPED
from rider_core.tracing import record_span, traced

log = logging.getLogger(__name__)

#: Time from a frame's arrival to its analysis, in seconds. The robot drives 0.3 m in that time.
DEADLINE_S = 1.0
#: A result is discarded when its frame is older than this, in seconds.
TOO_OLD_S = 1.5
#: An unconfirmed object in the way delays the report "clear"; after this time, in seconds, it counts as an obstacle.
UNCONFIRMED_S = 1.0
#: The longest wait for a frame, in seconds.
WAIT_S = 0.2

OFFSET = "vision.tracking.offset"


class VisionPipeline:
    """Analyses frames in a thread of its own, one after another.

    Attributes:
        buffer: Receives the camera's frames on the bus's thread.
        monitor: Reports to the robot when no frame is analysed, whatever hangs here.
    """

    def __init__(
        self,
        services: LinkServices,
        send: Callable[[str, dict[str, Any]], bool],
        fail_over: Callable[[str], None],
        owner: Callable[[], DomainOwner],
        options: VisionOptions,
    ) -> None:
        """
        Args:
            send: Sends a message on the robot's bus.
            fail_over: Requests a failover of vision, with the reason.
            owner: Returns the owner of vision.
        """
        self._services = services
        self._send = send
        self._owner = owner
        self._options = options
        self.buffer = LatestFrameBuffer()
        self._liveness = CameraLiveness()
        self._tracks = Tracks(services.new_tracker, options.confirm_frames, services.publish)
        self._follower = PersonFollower()
        self._unanswered = UnansweredFrames()
        self._reports = ObstacleReports(send)
        #: Set when objects that were in view before may be gone.
        self._is_outdated = threading.Event()
        self.monitor = VisionMonitor(
            self.buffer,
            self._liveness,
            self._unanswered,
            self._reports,
            self._is_outdated.set,
            fail_over,
            owner,
        )
        self._before: CameraFrame | None = None
        self._failures = LogThrottle(log, "a frame was not analysed")
        self._unconfirmed_since: float | None = None
        self.watchdog = ThreadWatchdog("vision pipeline", STUCK_ON_JOBS_AFTER_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vision-pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.monitor.start()

    def stop(self) -> None:
        """End. Where the last report is "clear", vision is reported lost."""
        self._stop.set()
        self._thread.join(timeout=DEADLINE_S + VISION_LOST_AFTER_S)
        self.monitor.stop()

    def reset(self) -> None:
        """The stream ended."""
        self.buffer.reset()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.watchdog.feed()
            try:
                frame = self.buffer.get(WAIT_S)
                if self._is_outdated.is_set():
                    self._forget()
                if frame is not None:
                    with traced(frame.trace_id):
                        self._attempt(frame)
            except Exception:  # the top of a thread
                log.exception("a round of the vision pipeline failed")

    def _attempt(self, frame: CameraFrame) -> None:
        """Analyse a frame; on a failure keep the reason, and since when the analysis fails."""
        if not self._is_ours(frame):
            count_dropped("unwanted")
            return
        try:
            self._analyse(frame)
        except RiderError as error:
            late = isinstance(error, JobExpired | WaitTimeout)
            problem = f"no picture was analysed within {DEADLINE_S:g} s" if late else str(error)
            count_dropped("expired" if late else "failed")
            if late:
                FRAME_AGE.observe(time.monotonic() - frame.arrived)
            self._failures.info(str(error))
        except Exception as error:  # a tracker is foreign code: its errors must not make the way seem clear
            problem = f"{type(error).__name__}: {error}"
            count_dropped("failed")
            self._failures.info(problem, error)
        else:
            self._unanswered.answered()
            self._failures.reset()
            return
        self._unanswered.failed(problem)
        self._services.show_frame(partial(unseen_frame, frame, problem), frame.jpeg)

    def _analyse(self, frame: CameraFrame) -> None:
        self._tracks.load_tracker()  # before the clock starts: the first call loads the tracker's library
        unanswered_since = self._unanswered.start()
        self._liveness.update(frame.jpeg, frame.arrived, frame.stream)
        if self._liveness.problem(frame.arrived) is not None:
            count_dropped("frozen")  # reported by `monitor`
            return
        found = self._detect(frame, unanswered_since)
        if self._is_ours(frame):  # vision may have failed over meanwhile
            self._report(frame, found)
            FRAMES.labels("seen").inc()
            age_s, now = time.monotonic() - frame.arrived, time.time()
            FRAME_AGE.observe(age_s)
            record_span(frame.trace_id, "frame", now - age_s, now, root=True)

    def _is_ours(self, frame: CameraFrame) -> bool:
        """Whether the PC serves vision. A frame long after a switch to local shows that the robot considers it ours."""
        owner = self._owner()
        return owner.mode != "local" or frame.arrived - owner.since > STRAGGLERS_S

    def _detect(self, frame: CameraFrame, unanswered_since: float) -> Detections:
        """The frame's objects. Waits until the frame's deadline, or until vision counts as lost.

        Raises:
            JobError, BackendUnavailable, InvalidInput: the detection failed.
        """
        now = time.monotonic()
        left_s = frame.arrived + DEADLINE_S - now
        if left_s <= 0:
            raise JobExpired(f"the frame had waited for {now - frame.arrived:.1f} s")
        spec = JobSpec(
            task="vision.detect",
            # Time of arrival by the PC's clock: the robot's clock may be wrong.
            payload={"image": frame.image, "captured_ts": time.time() - (now - frame.arrived)},
            priority=Priority.HIGH,
            deadline_ts=time.time() + left_s,
            # A second attempt would analyse an old picture.
            retry=RetryPolicy(max_attempts=1),
            origin="robot",
            trace_id=frame.trace_id,
        )
        until_lost_s = unanswered_since + VISION_LOST_AFTER_S - now
        record = self._services.backend.run(spec, max(0.05, min(left_s, until_lost_s)))
        return parse_message(Detections, record.value())

    def _report(self, frame: CameraFrame, found: Detections) -> None:
        if self._is_outdated.is_set() or self._before is None or self._before.stream != frame.stream:
            self._forget()
        objects = self._tracks.update(found, frame.seconds_after(self._before))
        self._before = frame
        age_s = time.monotonic() - frame.arrived
        if age_s > TOO_OLD_S:
            raise JobExpired(f"the result is {age_s:.1f} s old")
        view = View(found.width, found.height, self._options.fov_deg)
        self._report_obstacle(frame, objects, view, {"objects": len(objects), "mock": found.mock})
        self._services.show_frame(partial(seen_frame, frame, found, objects, view), frame.jpeg)
        if self._options.follow:
            offset = self._follower.offset(objects, found.width)
            if offset is not None:
                self._send_offset({"offset_x": round(offset, 3), "mode": MODE, "ts": frame.ts})

    def _report_obstacle(
        self, frame: CameraFrame, objects: list[TrackedObject], view: View, meta: dict[str, Any]
    ) -> None:
        nearest = nearest_obstacle([it for it in objects if it.confirmed], view, self._options.reach_m)
        if not nearest.present:
            unconfirmed = nearest_obstacle([it for it in objects if not it.confirmed], view, self._options.reach_m)
            if unconfirmed.present:
                self._unconfirmed_since = frame.arrived if self._unconfirmed_since is None else self._unconfirmed_since
                if frame.arrived - self._unconfirmed_since < UNCONFIRMED_S:
                    return
                nearest = unconfirmed
            else:
                self._unconfirmed_since = None
        if nearest.present or self._tracks.settled:
            self._reports.report("obstacle" if nearest.present else "clear", nearest, frame.ts, **meta)

    def _forget(self) -> None:
        """Objects that were in view before may be gone."""
        self._is_outdated.clear()
        self._tracks.reset()
        self._follower.forget()
        self._before = None
        self._unconfirmed_since = None

    def _send_offset(self, body: dict[str, Any]) -> None:
        if not self._send(OFFSET, body):
            LINK_DROPPED.labels("result").inc()
