"""Frames as people are shown them: with the objects that were found, or with the reason why nothing was looked for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rider_core.api.jpeg_header import read_header
from rider_core.api.object_detection import Detections
from rider_core.api.seen_frame import SeenFrame, SeenObject
from rider_core.link.frame_buffer import CameraFrame
from rider_core.link.obstacle import View, distance_of, within
from rider_core.link.tracks import TrackedObject


def seen_frame(frame: CameraFrame, found: Detections, objects: Sequence[TrackedObject], view: View) -> SeenFrame:
    """A frame as people are shown it, with the objects that were detected in it."""
    return SeenFrame(
        width=found.width,
        height=found.height,
        arrived_ts=_arrived_ts(frame),
        provider=found.provider,
        mock=found.mock,
        objects=tuple(
            SeenObject(
                id=it.id,
                label=it.label,
                score=it.score,
                box=it.box,
                distance_m=distance_of(it.label, within(it.box, view), view),
                confirmed=it.confirmed,
            )
            for it in objects
            if it.seen
        ),
    )


def unseen_frame(frame: CameraFrame, problem: str) -> SeenFrame:
    """A frame that was not analysed."""
    header = read_header(frame.jpeg)
    return SeenFrame(width=header.width, height=header.height, arrived_ts=_arrived_ts(frame), problem=problem)


def _arrived_ts(frame: CameraFrame) -> float:
    return time.time() - (time.monotonic() - frame.arrived)
