"""Typical sizes of objects by the labels of detectors. Distances are estimated from them."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """Typical height and width of an object as a camera near the floor sees it, in metres."""

    height_m: float
    width_m: float


#: For a label that is not in the table. Rather small: an underestimated size makes the object seem nearer, so the robot
#: stops too early, not too late. For the same reason the values below are at the small end.
UNKNOWN = Size(0.4, 0.3)

#: The classes of `ssd-oidv4`, the face detector's class, and the COCO classes that are found in homes, in lower case.
SIZES: dict[str, Size] = {
    # Adults are 1.71 m (men) and 1.59 m (women) tall, the world's mean for those born in 1996 (NCD-RisC, eLife 2016).
    # Shoulders are 0.5 m wide (ANSUR II), a person seen from the side 0.3 m.
    "person": Size(1.65, 0.4),
    # From the chin to the crown, and over the cheekbones (ISO/TR 7250-2).
    "face": Size(0.22, 0.15),
    # To the withers, and the length of the body: a house cat; a beagle, since most dogs are no smaller.
    "cat": Size(0.24, 0.25),
    "dog": Size(0.38, 0.3),
    "cattle": Size(1.3, 0.7),
    # EN 527-1 and EN 1335-1: desks are 0.74 m high; a seat is at 0.45 m and the back ends at 0.8 m or above.
    "chair": Size(0.8, 0.42),
    "table": Size(0.72, 0.7),
    "dining table": Size(0.72, 0.7),
    "desk": Size(0.74, 0.8),
    "couch": Size(0.75, 1.4),
    "bed": Size(0.5, 0.9),
    "refrigerator": Size(1.2, 0.55),
    "potted plant": Size(0.35, 0.25),
    "suitcase": Size(0.5, 0.35),
    "backpack": Size(0.4, 0.28),
    # ISO 4210: wheels of 0.6 to 0.7 m; seen from the front a bicycle is as wide as its handlebar.
    "bicycle": Size(1.0, 0.5),
    "stationary bicycle": Size(1.1, 0.5),
    # The smallest cars; from the front.
    "car": Size(1.4, 1.6),
    "vehicle": Size(1.4, 1.6),
    # Measured on a few of each.
    "bottle": Size(0.22, 0.06),
    "mug": Size(0.09, 0.08),
    "coffee cup": Size(0.08, 0.08),
    "cup": Size(0.08, 0.08),
    "box": Size(0.2, 0.2),
    "book": Size(0.2, 0.13),
    "camera": Size(0.07, 0.1),
    "laptop": Size(0.2, 0.3),
    "computer monitor": Size(0.35, 0.5),
    "tv": Size(0.5, 0.8),
    "computer mouse": Size(0.03, 0.06),
    "boot": Size(0.2, 0.1),
    "footwear": Size(0.1, 0.1),
    "high heels": Size(0.12, 0.08),
    "sports ball": Size(0.2, 0.2),
}


def size_of(label: str) -> Size:
    return SIZES.get(label.casefold(), UNKNOWN)
