"""Object tracking: which box of one frame is the same thing as a box of the frame before.

A tracker belongs to one stream of frames and lives where the stream's results come together, in the link. It is no
provider: it does no jobs, because jobs of one stream may be done by several workers and in any order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rider_core.api.object_detection import DetectedObject


class ObjectTracker(ABC):
    """Base of trackers. One object serves one stream, and is called from one thread at a time."""

    @abstractmethod
    def update(self, objects: Sequence[DetectedObject], elapsed_s: float) -> list[int | None]:
        """Take the next frame's objects in.

        Args:
            objects: What the frame shows, boxes in pixels; may be empty.
            elapsed_s: Since the frame before, in seconds; 0 for the first.

        Returns:
            For each object the number of the thing that it is, the same for as long as the tracker follows it and never
            given to another; None: the tracker is not sure yet.
        """
