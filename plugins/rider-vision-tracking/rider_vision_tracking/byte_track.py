"""ByteTrack behind our interface: one tracker of the library for each class, numbers that are never used again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker, DIoU

from rider_core.api import DetectedObject, ObjectTracker

#: The rate that the library's motion model is told, frames a second: the most that the robot sends. The true time
#: between frames is told with each frame.
FRAMES_A_SECOND = 5.0
#: So long is a thing looked for that is not seen: twice as long as an occlusion of 5 frames.
LOST_S = 2.0
#: The library counts its patience in thirtieths of a second, whatever the rate.
_PATIENCE_UNITS_A_SECOND = 30
#: What is found with less may go on with a thing that is known, and never begins a new one. Detectors have a least
#: score of their own, which is above it, so that this decides only where somebody lowered that one.
BEGIN_SCORE = 0.25
#: Least likeness (DIoU: overlap less the distance of the centres) of a box with where a thing was expected. Two boxes
#: of one size that only just touch have -0.1: at 5 frames a second a person who walks by in 3 m moves by half a width.
LEAST_LIKENESS = -0.1
#: A box that overlaps so much with where a thing is expected is in its place. Jitter alone leaves 0.8 to 0.9; with 0.5,
#: one that was overlooked for a frame was taken for the one behind it.
SAME_PLACE = 0.75
#: Shorter than any time between two frames; the library warns when no time passes at all.
_LEAST_STEP_S = 0.001
#: No picture is wider, and nothing within it makes the arithmetic of the motion model overflow.
_FAR_PX = 100_000.0
#: Classes that are followed at once; more are not in a room, and each costs a tracker.
MAX_CLASSES = 100


#: Left, top, right, bottom in pixels.
Box = tuple[float, float, float, float]


class ByteTrack(ObjectTracker):
    """ByteTrack (Zhang et al., 2021) as the library `trackers` has it. A thing has a number from its second frame on.

    Each class has a tracker of its own, so that a person never becomes the chair behind. State is bounded by what was
    found in the last `LOST_S` seconds.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._classes: dict[str, _OneClass] = {}
        self._now_s = 0.0

    def update(self, objects: Sequence[DetectedObject], elapsed_s: float) -> list[int | None]:
        self._now_s += max(_LEAST_STEP_S, elapsed_s)
        if elapsed_s > LOST_S:
            self._classes.clear()
        numbers: list[int | None] = [None] * len(objects)
        places: dict[str, list[int]] = {label: [] for label in self._classes}
        for place, found in enumerate(objects):
            if found.label in places or len(places) < MAX_CLASSES:
                places.setdefault(found.label, []).append(place)
        for label, here in places.items():
            one = self._classes.setdefault(label, _OneClass(self._numbers))
            for place, number in zip(here, one.update([objects[place] for place in here], self._now_s), strict=True):
                numbers[place] = number
            if one.is_empty:
                del self._classes[label]
        return numbers


class _OneClass:
    """A tracker of the library, which counts from 0, and our numbers for its numbers."""

    def __init__(self, numbers: count[int]) -> None:
        self._numbers = numbers
        self._ours: dict[int, int] = {}
        self._seen_before: set[int] = set()
        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(LOST_S * _PATIENCE_UNITS_A_SECOND),
            frame_rate=FRAMES_A_SECOND,
            track_activation_threshold=BEGIN_SCORE,
            high_conf_det_threshold=BEGIN_SCORE,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=LEAST_LIKENESS,
            iou=DIoU(),
        )

    @property
    def is_empty(self) -> bool:
        return not self._tracker.tracks

    def update(self, objects: Sequence[DetectedObject], now_s: float) -> list[int | None]:
        upright = [_upright(it.box) for it in objects]
        found = sv.Detections(
            xyxy=np.array(upright, dtype=np.float64).reshape(-1, 4),
            confidence=np.array([it.score for it in objects], dtype=np.float64),
            class_id=np.zeros(len(objects), dtype=int),
            data={"place": np.arange(len(objects))},
        )
        followed = self._tracker.update(found, timestamp=now_s)
        expected = self._expected()
        self._ours = {theirs: ours for theirs, ours in self._ours.items() if theirs in expected}
        ids: list[int] = [] if followed.tracker_id is None else followed.tracker_id.tolist()
        places: dict[int, int] = dict(zip(ids, np.asarray(followed.data.get("place", [])).tolist(), strict=True))
        places.pop(-1, None)
        renamed = self._renamed({theirs: upright[place] for theirs, place in places.items()}, expected)
        numbers: list[int | None] = [None] * len(objects)
        for theirs, place in places.items():
            numbers[place] = self._number(renamed.get(theirs, theirs))
        self._seen_before = {renamed.get(theirs, theirs) for theirs in places}
        return numbers

    def _expected(self) -> dict[int, Box]:
        """Where each thing that is followed is, or should be by now."""
        alive = self._tracker.tracked_objects
        ids = [] if alive.tracker_id is None else alive.tracker_id.tolist()
        return dict(zip(ids, map(tuple, alive.xyxy.tolist()), strict=True))

    def _renamed(self, found: dict[int, Box], expected: dict[int, Box]) -> dict[int, int]:
        """Who is taken for another one: their number to the right one.

        Where two cover each other there is one box, and now and then it fits a little better where the hidden one is
        expected. Where it fits as well the one that was seen a frame ago, it is that one. The library's own account is
        not touched: a frame later it mostly is right again.
        """
        renamed: dict[int, int] = {}
        missing = (self._seen_before - found.keys()) & expected.keys()
        for theirs in found.keys() - self._seen_before:
            likely = max(missing, key=lambda it: _overlap(expected[it], found[theirs]), default=None)
            if likely is not None and _overlap(expected[likely], found[theirs]) > SAME_PLACE:
                renamed[theirs] = likely
                missing.remove(likely)
        return renamed

    def _number(self, theirs: int) -> int:
        if theirs not in self._ours:
            self._ours[theirs] = next(self._numbers)
        return self._ours[theirs]


def _overlap(one: Box, other: Box) -> float:
    """Share of what both cover that they cover together (intersection over union), 0 to 1."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def _upright(box: Box) -> Box:
    """The box with its corners in order, and none of them far out: an overlap is never negative or infinite."""
    left, top, right, bottom = (min(max(side, -_FAR_PX), _FAR_PX) for side in box)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)
