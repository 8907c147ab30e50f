"""ByteTrack by the library `trackers`: one tracker for each class, with track ids that are never used again."""
# ruff: noqa: E402 - OpenCV would be imported before

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from rider_core.api.light_import import import_without

# The drawing modules of trackers and supervision import OpenCV, 26 MB. No code here draws.
import_without("trackers", "cv2")

import supervision as sv
from trackers import ByteTrackTracker, DIoU

from rider_core.api import DetectedObject, ObjectTracker

#: Frame rate of the library's motion model, in frames a second: the robot's highest. The actual time between frames is
#: passed with each frame.
FRAME_RATE = 5.0
#: A track that is not detected is kept this long, in seconds: twice an occlusion of 5 frames.
LOST_TRACK_S = 2.0
#: The library's track buffer counts thirtieths of a second, whatever the frame rate.
_BUFFER_UNITS_PER_S = 30
#: Detections with a lower score may continue a track, but start none. The detectors' own thresholds are higher by
#: default, so this matters only where they were lowered.
TRACK_ACTIVATION_SCORE = 0.25
#: Least DIoU (IoU minus the distance of the centres) of a detection and a track's predicted box. Two boxes of one size
#: that just touch have -0.1: at 5 frames a second a person walking by at 3 m moves by half a width.
MIN_DIOU = -0.1
#: IoU from which on a detection is at a track's predicted box. Jitter alone leaves 0.8 to 0.9; with 0.5, an object that
#: was missed for a frame got the id of the one behind it.
SAME_PLACE_IOU = 0.75
#: Shorter than any time between two frames, in seconds; the library warns where it is 0.
_MIN_STEP_S = 0.001
#: Limit of coordinates, wider than any picture, at which the motion model's arithmetic does not overflow.
_MAX_COORDINATE_PX = 100_000.0
#: Limit of tracked classes, more than a room has. Each one has a tracker.
MAX_CLASSES = 100

#: Left, top, right, bottom in pixels.
Box = tuple[float, float, float, float]


class ByteTrack(ObjectTracker):
    """ByteTrack (Zhang et al., 2021) by the library `trackers`. An object has a track id from its second frame on.

    Each class has a tracker of its own, so that a person never becomes the chair behind. State is bounded by the
    detections of the last `LOST_TRACK_S` seconds.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._classes: dict[str, _ClassTracker] = {}
        self._now_s = 0.0

    def update(self, objects: Sequence[DetectedObject], elapsed_s: float) -> list[int | None]:
        self._now_s += max(_MIN_STEP_S, elapsed_s)
        if elapsed_s > LOST_TRACK_S:
            self._classes.clear()
        numbers: list[int | None] = [None] * len(objects)
        places: dict[str, list[int]] = {label: [] for label in self._classes}
        for place, found in enumerate(objects):
            if found.label in places or len(places) < MAX_CLASSES:
                places.setdefault(found.label, []).append(place)
        for label, here in places.items():
            tracker = self._classes.setdefault(label, _ClassTracker(self._numbers))
            found_here = [objects[place] for place in here]
            for place, number in zip(here, tracker.update(found_here, self._now_s), strict=True):
                numbers[place] = number
            if tracker.is_empty:
                del self._classes[label]
        return numbers


class _ClassTracker:
    """A tracker of the library, which counts its ids from 0, and our ids for its ids."""

    def __init__(self, numbers: count[int]) -> None:
        self._numbers = numbers
        self._ids: dict[int, int] = {}
        self._seen_before: set[int] = set()
        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(LOST_TRACK_S * _BUFFER_UNITS_PER_S),
            frame_rate=FRAME_RATE,
            track_activation_threshold=TRACK_ACTIVATION_SCORE,
            high_conf_det_threshold=TRACK_ACTIVATION_SCORE,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=MIN_DIOU,
            iou=DIoU(),
        )

    @property
    def is_empty(self) -> bool:
        return not self._tracker.tracks

    def update(self, objects: Sequence[DetectedObject], now_s: float) -> list[int | None]:
        upright = [_clamped(it.box) for it in objects]
        found = sv.Detections(
            xyxy=np.array(upright, dtype=np.float64).reshape(-1, 4),
            confidence=np.array([it.score for it in objects], dtype=np.float64),
            class_id=np.zeros(len(objects), dtype=int),
            data={"place": np.arange(len(objects))},
        )
        followed = self._tracker.update(found, timestamp=now_s)
        expected = self._predicted()
        self._ids = {library_id: track_id for library_id, track_id in self._ids.items() if library_id in expected}
        ids: list[int] = [] if followed.tracker_id is None else followed.tracker_id.tolist()
        places: dict[int, int] = dict(zip(ids, np.asarray(followed.data.get("place", [])).tolist(), strict=True))
        places.pop(-1, None)
        corrected = self._corrected_ids({library_id: upright[place] for library_id, place in places.items()}, expected)
        numbers: list[int | None] = [None] * len(objects)
        for library_id, place in places.items():
            numbers[place] = self._number(corrected.get(library_id, library_id))
        self._seen_before = {corrected.get(library_id, library_id) for library_id in places}
        return numbers

    def _predicted(self) -> dict[int, Box]:
        """The predicted box of each track, by the library's id."""
        alive = self._tracker.tracked_objects
        ids = [] if alive.tracker_id is None else alive.tracker_id.tolist()
        return dict(zip(ids, map(tuple, alive.xyxy.tolist()), strict=True))

    def _corrected_ids(self, found: dict[int, Box], expected: dict[int, Box]) -> dict[int, int]:
        """Corrects id switches: a library id to that of the right track.

        Where two objects cover each other there is one box, which sometimes fits the hidden object's prediction better.
        Where it also fits an object that was detected a frame ago, it is that one. The library's own state is not
        changed: a frame later it is mostly right again.
        """
        corrected: dict[int, int] = {}
        missing = (self._seen_before - found.keys()) & expected.keys()
        for library_id in found.keys() - self._seen_before:
            likely = max(missing, key=lambda it: _iou(expected[it], found[library_id]), default=None)
            if likely is not None and _iou(expected[likely], found[library_id]) > SAME_PLACE_IOU:
                corrected[library_id] = likely
                missing.remove(likely)
        return corrected

    def _number(self, library_id: int) -> int:
        if library_id not in self._ids:
            self._ids[library_id] = next(self._numbers)
        return self._ids[library_id]


def _iou(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def _clamped(box: Box) -> Box:
    """The box with its corners in order and limited coordinates, so that its IoU is never negative or infinite."""
    left, top, right, bottom = (min(max(side, -_MAX_COORDINATE_PX), _MAX_COORDINATE_PX) for side in box)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)
