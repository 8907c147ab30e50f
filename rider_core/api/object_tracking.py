"""Object tracking: which detection is the same object as one in the frame before.

A tracker belongs to one stream of frames, and runs in the link, which receives all results of the stream. It is no
provider, because several workers may run the jobs of one stream, in any order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rider_core.api.object_detection import DetectedObject


class ObjectTracker(ABC):
    """Base of trackers. One object serves one stream, and is called from one thread at a time."""

    @abstractmethod
    def update(self, objects: Sequence[DetectedObject], elapsed_s: float) -> list[int | None]:
        """Process the next frame.

        Args:
            objects: The frame's detections, boxes in pixels; may be empty.
            elapsed_s: Since the frame before, in seconds; 0 for the first.

        Returns:
            For each detection its track id, which is constant while the object is tracked and never used again; None:
            not assigned yet.
        """
