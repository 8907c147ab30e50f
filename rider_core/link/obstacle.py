"""The nearest obstacle in the robot's way, from the boxes in a picture: whether there is one, its distance, its angle.

The camera is modelled as a pinhole: level, looking straight ahead, without distortion, with square pixels. A distance
follows from the size of a box and the typical size of its class (`object_sizes`); the error is about a third.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rider_core.link.object_sizes import size_of
from rider_core.link.tracks import Box, TrackedObject

#: Limits of reported distances: nearer, the camera shows no shapes; farther, the estimate is poor.
NEAREST_M, FARTHEST_M = 0.1, 10.0
#: Half the width of the robot's way: the robot is 0.2 m wide, and does not drive quite straight.
HALF_WAY_M = 0.3
#: A box with this share of the picture's area is in the way, whatever its label and estimated distance.
LARGE_SHARE = 0.25
#: A box that ends within this share of the picture's height from its edge is cut off by the edge.
EDGE_SHARE = 0.01
#: The side of positive angles: 1 is right. The robot's navigator only prints the angle, so its code does not define it;
#: the robot's follower calls right positive (`vision.tracking.offset`).
POSITIVE_SIDE = 1.0


@dataclass(frozen=True)
class View:
    """The picture's size in pixels, and the camera's horizontal angle of view in degrees."""

    width: int
    height: int
    fov_deg: float

    @property
    def focal_px(self) -> float:
        """The focal length: an object as wide as it is far away has this width in pixels."""
        return self.width / 2 / math.tan(math.radians(self.fov_deg) / 2)


@dataclass(frozen=True)
class NearestObstacle:
    """The nearest object in the way, or none.

    Attributes:
        present: Whether it is near enough to stop for.
        confidence: The detector's score, 0 to 1; 0: nothing is in the way.
        distance_m: From `NEAREST_M` to `FARTHEST_M`; the latter: nothing is in the way.
        angle_deg: Of its middle, 0 straight ahead, positive on the `POSITIVE_SIDE`.
        tracked: The object; None: nothing is in the way.
    """

    present: bool = False
    confidence: float = 0.0
    distance_m: float = FARTHEST_M
    angle_deg: float = 0.0
    tracked: TrackedObject | None = None

    def message(self, ts: float, **meta: Any) -> dict[str, Any]:
        """The body of `vision.obstacle.enhanced`. NaN or infinity would end the robot's navigator."""
        return {
            "present": self.present,
            "confidence": round(self.confidence, 3),
            "distance": round(self.distance_m, 2),
            "angle": round(self.angle_deg, 1),
            "ts": ts,
            "meta": {"label": self.tracked.label, "id": self.tracked.id, **meta} if self.tracked else meta,
        }


def nearest_obstacle(objects: Iterable[TrackedObject], view: View, reach_m: float) -> NearestObstacle:
    """The object that the robot would run into first.

    Args:
        reach_m: The robot stops for objects up to this distance.
    """
    nearest = NearestObstacle()
    for tracked in objects:
        box = within(tracked.box, view)
        large = _area(box) >= LARGE_SHARE * view.width * view.height
        distance_m = distance_of(tracked.label, box, view)
        if large:
            distance_m = min(distance_m, reach_m)
        if (large or _in_the_way(box, distance_m, view)) and (
            nearest.tracked is None or distance_m < nearest.distance_m
        ):
            nearest = NearestObstacle(distance_m <= reach_m, tracked.score, distance_m, angle_of(box, view), tracked)
    return nearest


def distance_of(label: str, box: Box, view: View) -> float:
    """The distance of an object in metres, by the height of its box.

    A box that is cut off by the picture's edge makes its object seem too far away. Then the smaller of the distances by
    height and by width is taken.

    Args:
        box: Within the picture.
    """
    left, top, right, bottom = box
    size = size_of(label)
    by_height_m = size.height_m * view.focal_px / max(1.0, bottom - top)
    by_width_m = size.width_m * view.focal_px / max(1.0, right - left)
    margin = EDGE_SHARE * view.height
    cut = top <= margin or bottom >= view.height - margin
    distance_m = min(by_height_m, by_width_m) if cut else by_height_m
    return min(max(distance_m, NEAREST_M), FARTHEST_M)


def angle_of(box: Box, view: View) -> float:
    """The direction of the middle of a box, in degrees, within half of the angle of view to either side."""
    middle_px = (box[0] + box[2]) / 2 - view.width / 2
    return POSITIVE_SIDE * math.degrees(math.atan(middle_px / view.focal_px))


def within(box: Box, view: View) -> Box:
    """The part of a box inside the picture, with its corners in order. Detectors may return boxes that exceed it."""
    left, right = sorted(min(max(side, 0.0), float(view.width)) for side in (box[0], box[2]))
    top, bottom = sorted(min(max(side, 0.0), float(view.height)) for side in (box[1], box[3]))
    return left, top, right, bottom


def _in_the_way(box: Box, distance_m: float, view: View) -> bool:
    """Whether any part of the box is in the way of a robot that drives straight on."""
    left_m, right_m = ((side - view.width / 2) / view.focal_px * distance_m for side in (box[0], box[2]))
    return left_m <= HALF_WAY_M and right_m >= -HALF_WAY_M


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
