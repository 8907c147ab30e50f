"""The robot's eyes: the newest frame to a detector, and back what stands in the way, or that we see nothing.

The robot believes our last word for ever, and takes "nothing is there" for leave to drive. So that is said of a picture
only that was looked at, after enough of them; and before we fall silent, the last word is never that the way is clear.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.messages import parse_message
from rider_core.api.object_detection import Detections
from rider_core.errors import JobExpired, RiderError, WaitTimeout
from rider_core.link.custody import Standing
from rider_core.link.following import MODE, Following
from rider_core.link.frames import Frame, FrameIntake
from rider_core.link.liveness import Liveness
from rider_core.link.navigator import NavigatorWatch
from rider_core.link.obstacle import NEAREST_M, Ahead, View, look_ahead
from rider_core.link.options import House, VisionOptions
from rider_core.link.pulse import Pulse
from rider_core.link.repeats import RepeatedLine
from rider_core.link.tracks import Thing, Tracks
from rider_core.metrics import BLIND, FRAMES, LINK_DROPPED

log = logging.getLogger(__name__)

#: What a frame shows is old news after so long, counted from when it came: the robot drives 0.3 m in that time.
DEADLINE_S = 1.0
#: Frames came, and none was answered for so long: then the robot is to see for itself.
BLIND_AFTER_S = 2.0
#: Vision is ours, and no frame came for so long.
NO_FRAME_S = 3.0
#: What is in the way and is not confirmed keeps us from calling the way clear; after so long it counts nevertheless.
UNSURE_S = 1.0
#: Frames that were on their way when vision went over to the robot.
STRAGGLERS_S = 1.0
#: The shortest time between two equal words, and before "clear". The robot's navigator reads six messages a second, and
#: the others queue up: seen with its own code, 40 in 2 s made it 4 s late. One that was started with the robot's own
#: detectors gets each word twice: its subscription is a prefix of our topic's name, and the robot passes the word on.
WORD_EVERY_S = 0.35
#: How often is looked whether any of these times has passed.
WATCH_EVERY_S = 0.2
#: How often vision is handed back, for as long as the robot does not take it.
ASK_AGAIN_S = 1.0

UNATTENDED = "vision is local, and the robot's own detectors rest while another domain is with the PC"
OBSTACLE, OFFSET = "vision.obstacle.enhanced", "vision.tracking.offset"

Word = Literal["", "clear", "obstacle", "blind"]


class Seeing:
    """`take_frame` belongs to the bus's thread; frames are looked at in a thread of its own, one after another."""

    def __init__(
        self,
        house: House,
        send: Callable[[str, dict[str, Any]], bool],
        give_back: Callable[[str], None],
        standing: Callable[[], Standing],
        options: VisionOptions,
    ) -> None:
        """
        Args:
            send: Puts a message on the robot's bus.
            give_back: Hands vision back to the robot, with the reason.
            standing: Who serves vision, as far as we know.
        """
        self._house = house
        self._send = send
        self._give_back = give_back
        self._standing = standing
        self._options = options
        self._intake = FrameIntake()
        self._liveness = Liveness()
        self._tracks = Tracks(house.new_tracker, options.confirm_frames, house.tell)
        self._following = Following()
        self._navigator = NavigatorWatch()
        self._before: Frame | None = None
        self._last_word: Word = ""
        self._last_said = float("-inf")
        self._unanswered_since: float | None = None
        self._problem = ""
        self._failures = RepeatedLine(log, "a frame was not looked at")
        self._unsure_since: float | None = None
        self._asked_back = float("-inf")
        self.pulse = Pulse("seeing")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seeing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End; where the way was clear last, the robot is told that nobody looks any more."""
        self._stop.set()
        self._thread.join(timeout=DEADLINE_S + BLIND_AFTER_S)
        self._end("the PC's link ends")

    def take_frame(self, body: dict[str, Any]) -> None:
        """The camera's next picture.

        Raises:
            InvalidInput, TooLarge: it is none.
        """
        self._intake.take(body, time.monotonic())

    def take_navigator(self, body: dict[str, Any]) -> None:
        """What drives the robot says what it believes of the way.

        Raises:
            InvalidInput: it is no such message.
        """
        self._navigator.take_state(body)

    def reset(self) -> None:
        """The stream broke off."""
        self._intake.break_off()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.pulse.beat()
            try:
                frame = self._intake.next(WATCH_EVERY_S)
                if frame is not None:
                    self._attempt(frame)
                self._watch()
            except Exception:  # the top of a thread
                log.exception("the robot's eyes stumbled")

    def _attempt(self, frame: Frame) -> None:
        """Look at a frame; where nothing comes of it, note why, and since when that is so."""
        if not self._is_ours(frame):
            _drop("unwanted")
            return
        try:
            self._look(frame)
        except RiderError as error:
            late = isinstance(error, JobExpired | WaitTimeout)
            problem = f"no picture was looked at within {DEADLINE_S:g} s" if late else str(error)
            _drop("expired" if late else "failed")
            self._failures.note(str(error))
        except Exception as error:  # a tracker is foreign code: that it raises must not look like a clear way
            problem = f"{type(error).__name__}: {error}"
            _drop("failed")
            self._failures.note(problem, error)
        else:
            self._unanswered_since, self._problem = None, ""
            self._failures.end()
            return
        # The first says most: those after it may be that an engine rests which failed too often.
        self._problem = self._problem or problem
        if self._unanswered_since is None:
            self._unanswered_since = time.monotonic()

    def _look(self, frame: Frame) -> None:
        self._tracks.begin()  # before the time is taken: the first tracker's library must be loaded
        if self._unanswered_since is None:
            self._unanswered_since = time.monotonic()
        self._liveness.see(frame.jpeg, frame.arrived, frame.stream)
        if self._liveness.problem(frame.arrived) is not None:
            _drop("frozen")  # `_watch` says the rest; whatever was found on it would be no news
            return
        found = self._detect(frame, self._unanswered_since)
        if self._is_ours(frame):  # vision may have gone over to the robot in the meantime
            self._speak(frame, found)
            FRAMES.labels("seen").inc()

    def _is_ours(self, frame: Frame) -> bool:
        """The robot sends frames only while we serve vision; what it sends long after it took over says so as well."""
        standing = self._standing()
        return standing.mode != "local" or frame.arrived - standing.since > STRAGGLERS_S

    def _detect(self, frame: Frame, unanswered_since: float) -> Detections:
        """What the frame shows. Waits no longer than the frame is worth anything, or than we may go on seeing nothing.

        Raises:
            JobError, BackendUnavailable, InvalidInput: nobody says.
        """
        now = time.monotonic()
        left_s = frame.arrived + DEADLINE_S - now
        if left_s <= 0:
            raise JobExpired(f"the frame had waited for {now - frame.arrived:.1f} s")
        spec = JobSpec(
            task="vision.detect",
            payload={"image": frame.image},
            priority=Priority.HIGH,
            deadline_ts=time.time() + left_s,
            # A second attempt would look at an old picture.
            retry=RetryPolicy(max_attempts=1),
            origin="robot",
        )
        patience_s = unanswered_since + BLIND_AFTER_S - now
        record = self._house.backend.run(spec, max(0.05, min(left_s, patience_s)))
        return parse_message(Detections, record.value())

    def _speak(self, frame: Frame, found: Detections) -> None:
        if self._before is None or self._before.stream != frame.stream:
            self._forget()
        things = self._tracks.update(found, frame.seconds_after(self._before))
        self._before = frame
        view = View(found.width, found.height, self._options.fov_deg)
        self._tell_of_obstacle(frame, things, view, {"objects": len(things), "mock": found.mock})
        if self._options.follow:
            offset = self._following.offset(things, found.width)
            if offset is not None:
                self._put(OFFSET, {"offset_x": round(offset, 3), "mode": MODE, "ts": frame.ts})

    def _tell_of_obstacle(self, frame: Frame, things: list[Thing], view: View, meta: dict[str, Any]) -> None:
        ahead = look_ahead([it for it in things if it.confirmed], view, self._options.reach_m)
        if not ahead.present:
            unsure = look_ahead([it for it in things if not it.confirmed], view, self._options.reach_m)
            if unsure.present:
                self._unsure_since = frame.arrived if self._unsure_since is None else self._unsure_since
                if frame.arrived - self._unsure_since < UNSURE_S:
                    return
                ahead = unsure
            else:
                self._unsure_since = None
        if ahead.present or self._tracks.settled:
            self._say("obstacle" if ahead.present else "clear", ahead, frame.ts, **meta)

    def _watch(self) -> None:
        now = time.monotonic()
        standing = self._standing()
        if standing.mode == "pc" or now - self._intake.arrived <= STRAGGLERS_S:
            self._look_for_blindness(now, standing.since)
        elif standing.unattended:
            self._stand_guard()
        else:
            self._end("vision is the robot's own again")

    def _look_for_blindness(self, now: float, since: float) -> None:
        """Hand vision back where we serve it and see nothing."""
        arrived = self._intake.arrived
        # What came since and was not looked at yet, because an engine is slow, may show anything.
        is_looked_at = self._intake.image_arrived <= self._liveness.passed
        hangs = self._liveness.problem(arrived if is_looked_at else self._liveness.passed)
        if now - max(arrived, since) > NO_FRAME_S:
            nothing = f"no picture has come from the camera for {NO_FRAME_S:g} s"
            self._go_blind("no_frame", self._intake.refused or nothing, now)
        elif arrived > since and hangs is not None:
            self._go_blind(*hangs, now)
        elif self._unanswered_since is not None and now - self._unanswered_since >= BLIND_AFTER_S:
            self._go_blind("no_answer", self._problem, now)

    def _go_blind(self, why: str, reason: str, now: float) -> None:
        if self._last_word != "blind":
            log.warning("the robot gets no word of obstacles: %s", reason)
            BLIND.labels(why).inc()
            self._say_blind(reason)
            self._forget()
        if now - self._asked_back >= ASK_AGAIN_S:
            self._asked_back = now
            self._give_back(reason)

    def _stand_guard(self) -> None:
        """Vision is not ours, and the robot's own detectors rest, because another domain is with the PC.

        Without a word of ours the robot would believe that its way is clear.
        """
        if self._last_word != "blind":
            log.warning("%s: the robot is told that its way is blocked", UNATTENDED)
            BLIND.labels("unattended").inc()
            self._forget()
            self._say_blind(UNATTENDED)
        elif self._navigator.must_be_told():
            self._say_blind(UNATTENDED)

    def _end(self, reason: str) -> None:
        """We serve vision no more."""
        if self._last_word == "clear":
            self._say_blind(reason)
        if self._last_word:
            self._forget()
        self._last_word = ""
        self._before = None
        self._unanswered_since, self._problem = None, ""

    def _forget(self) -> None:
        """What was in sight need not be there any more."""
        self._tracks.end()
        self._following.forget()
        self._before = None
        self._unsure_since = None

    def _say_blind(self, reason: str) -> None:
        """Not a clear way: something is there for all that we know, right before the robot."""
        nothing_known = Ahead(present=True, confidence=1.0, distance_m=NEAREST_M)
        self._say("blind", nothing_known, self._intake.robot_ts(time.monotonic()), blind=reason[:200])

    def _say(self, word: Word, ahead: Ahead, ts: float, **meta: Any) -> None:
        now = time.monotonic()
        if word in (self._last_word, "clear") and now - self._last_said < WORD_EVERY_S:
            return
        self._last_word, self._last_said = word, now
        self._put(OBSTACLE, ahead.message(ts, **meta))

    def _put(self, topic: str, body: dict[str, Any]) -> None:
        if not self._send(topic, body):
            LINK_DROPPED.labels("result").inc()


def _drop(outcome: str) -> None:
    FRAMES.labels(outcome).inc()
    LINK_DROPPED.labels("frame").inc()
