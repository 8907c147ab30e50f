"""The tracks of objects that a robot's camera sees: confirmed, published and ended here.

A tracker (from a plugin) assigns the boxes of each frame to tracks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from rider_core.api.object_detection import DetectedObject, Detections
from rider_core.api.object_tracking import ObjectTracker
from rider_core.link.services import PublishEvent
from rider_core.metrics import LINK_DROPPED

#: Left, top, right, bottom in pixels.
Box = tuple[float, float, float, float]

#: A track ends after this time without a detection, in seconds. An occlusion of five frames leaves a gap of 1.2 s.
GONE_S = 1.5
#: The same for a track that is not confirmed yet.
FLICKER_S = 0.7
#: The shortest time between two updates of one track, in seconds, and the most updates for one frame: the event bus has
#: other users.
UPDATE_EVERY_S = 1.0
UPDATES_A_FRAME = 4
#: Tracks at once, confirmed or not. Objects beyond are dropped and counted.
MAX_TRACKS = 64


@dataclass(frozen=True)
class TrackedObject:
    """One object.

    Attributes:
        id: Never used again; 0: the tracker assigned it to no track.
        box: Of its last detection.
        seen: Whether it was detected in the latest frame.
        confirmed: Whether it was recognised in enough frames.
    """

    id: int
    label: str
    score: float
    box: Box
    seen: bool = True
    confirmed: bool = False


@dataclass
class _Track:
    id: int
    found: DetectedObject
    seen_s: float
    frames: int = 0
    entered: bool = False
    published_s: float = field(default=float("-inf"))


class Tracks:
    """The tracks of one camera. Not thread-safe."""

    def __init__(self, new_tracker: Callable[[], ObjectTracker], confirm_frames: int, publish: PublishEvent) -> None:
        """
        Args:
            confirm_frames: Number of frames in which the tracker must recognise an object before it is confirmed.
        """
        self._new_tracker = new_tracker
        self._confirm_frames = confirm_frames
        self._publish = publish
        self._ids = count(1)
        self._tracker: ObjectTracker | None = None
        self._tracks: dict[int, _Track] = {}
        self._now_s = 0.0
        self._frames = 0

    @property
    def settled(self) -> bool:
        """Whether the stream has enough frames that every object in view would have been confirmed."""
        return self._frames > self._confirm_frames

    def load_tracker(self) -> None:
        """Make the tracker for this stream. The first call loads its library, which takes a moment.

        Raises:
            ProviderUnavailable: no tracker is installed, or it cannot be loaded.
        """
        if self._tracker is None:
            self._tracker = self._new_tracker()

    def update(self, found: Detections, elapsed_s: float) -> list[TrackedObject]:
        """Add the detections of the next frame. Returns all objects, hidden and unconfirmed ones included.

        Args:
            elapsed_s: Seconds since the frame before.
        """
        self.load_tracker()
        assert self._tracker is not None
        self._now_s += elapsed_s
        self._frames += 1
        numbers = self._tracker.update(found.objects, elapsed_s)
        unconfirmed = [TrackedObject(0, it.label, it.score, it.box) for it in self._match(found.objects, numbers)]
        self._expire()
        self._publish_changes(found)
        return unconfirmed + [self._tracked(track) for track in self._tracks.values()]

    def reset(self) -> None:
        """The stream is over: all tracks end."""
        for track in self._tracks.values():
            self._leave(track)
        self._tracks.clear()
        self._tracker = None
        self._frames = 0

    def _match(self, objects: Sequence[DetectedObject], numbers: Sequence[int | None]) -> list[DetectedObject]:
        """Update each track with its detection; returns the detections without a track."""
        unconfirmed = []
        for found, number in zip(objects, numbers, strict=True):
            track = None if number is None else self._tracks.get(number)
            if track is None and number is not None:
                if len(self._tracks) < MAX_TRACKS:
                    track = self._tracks[number] = _Track(next(self._ids), found, self._now_s)
                else:
                    LINK_DROPPED.labels("object").inc()
            if track is None:
                unconfirmed.append(found)
                continue
            track.found, track.seen_s = found, self._now_s
            track.frames += 1
        return unconfirmed

    def _expire(self) -> None:
        for number, track in list(self._tracks.items()):
            if self._now_s - track.seen_s > (GONE_S if track.entered else FLICKER_S):
                self._leave(track)
                del self._tracks[number]

    def _publish_changes(self, found: Detections) -> None:
        """Publish new objects, and updates of the others, those first whose last update is the oldest."""
        frame = {"width": found.width, "height": found.height, "provider": found.provider, "mock": found.mock}
        for track in self._tracks.values():
            if not track.entered and track.frames >= self._confirm_frames:
                track.entered = True
                self._publish_event("enter", track, **frame)
        due = [it for it in self._tracks.values() if it.entered and it.seen_s == self._now_s]
        due = [it for it in due if self._now_s - it.published_s >= UPDATE_EVERY_S]
        for track in sorted(due, key=lambda it: it.published_s)[:UPDATES_A_FRAME]:
            self._publish_event("update", track, **frame)

    def _leave(self, track: _Track) -> None:
        if track.entered:
            self._publish_event("leave", track)

    def _publish_event(self, event: str, track: _Track, **more: object) -> None:
        track.published_s = self._now_s
        found = track.found
        box = [round(side, 1) for side in found.box]
        self._publish(
            "robot.object", event=event, id=track.id, label=found.label, score=round(found.score, 3), box=box, **more
        )

    def _tracked(self, track: _Track) -> TrackedObject:
        found = track.found
        return TrackedObject(track.id, found.label, found.score, found.box, track.seen_s == self._now_s, track.entered)
