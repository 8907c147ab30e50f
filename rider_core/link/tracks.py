"""What a robot's camera has in sight: things that enter, stay and leave, made of what single frames show.

A tracker (a plugin's) tells which box is which thing; here a thing is confirmed, told of, and given up.
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

#: A thing that was not seen for so long has left. An occlusion of five frames leaves 1.2 s between two sights of it.
GONE_S = 1.5
#: One that is not confirmed yet is forgotten sooner: what flickers is none.
FLICKER_S = 0.7
#: One thing is told of this often at most, and of so many at most in one frame: the bus has other users.
UPDATE_EVERY_S = 1.0
UPDATES_A_FRAME = 4
#: Things that are known at once, confirmed or not; others are not taken in, and counted.
MAX_TRACKS = 64


@dataclass(frozen=True)
class TrackedObject:
    """One thing in sight.

    Attributes:
        id: Never given to another thing; 0 for what the tracker is not sure of.
        box: Where it was seen last.
        seen: It was found in the newest frame.
        confirmed: It was recognised in so many frames that it counts.
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
    told_s: float = field(default=float("-inf"))


class Tracks:
    """The things before one camera. Used by one thread at a time."""

    def __init__(self, new_tracker: Callable[[], ObjectTracker], confirm_frames: int, publish: PublishEvent) -> None:
        """
        Args:
            confirm_frames: In so many frames must the tracker recognise a thing before it counts.
        """
        self._new_tracker = new_tracker
        self._confirm_frames = confirm_frames
        self._publish = publish
        self._ids = count(1)
        self._tracker: ObjectTracker | None = None
        self._known: dict[int, _Track] = {}
        self._now_s = 0.0
        self._frames = 0

    @property
    def settled(self) -> bool:
        """So many frames were looked at that whatever is there would have been confirmed."""
        return self._frames > self._confirm_frames

    def begin(self) -> None:
        """Be ready for a stream: for the first one, the tracker's library is loaded, which takes a moment.

        Raises:
            ProviderUnavailable: there is no tracker, or it cannot be loaded.
        """
        if self._tracker is None:
            self._tracker = self._new_tracker()

    def update(self, found: Detections, elapsed_s: float) -> list[TrackedObject]:
        """Take the next frame in. What is in sight now, what is only just hidden, and what is not confirmed.

        Args:
            elapsed_s: Since the frame before.
        """
        self.begin()
        assert self._tracker is not None
        self._now_s += elapsed_s
        self._frames += 1
        numbers = self._tracker.update(found.objects, elapsed_s)
        unconfirmed = [TrackedObject(0, it.label, it.score, it.box) for it in self._take_in(found.objects, numbers)]
        self._give_up()
        self._publish_changes(found)
        return unconfirmed + [self._tracked(known) for known in self._known.values()]

    def end(self) -> None:
        """The stream is over: whatever was in sight has left."""
        for known in self._known.values():
            self._leave(known)
        self._known.clear()
        self._tracker = None
        self._frames = 0

    def _take_in(self, objects: Sequence[DetectedObject], numbers: Sequence[int | None]) -> list[DetectedObject]:
        """Note what was seen of each thing; returns what is no known thing."""
        unconfirmed = []
        for found, number in zip(objects, numbers, strict=True):
            known = None if number is None else self._known.get(number)
            if known is None and number is not None:
                if len(self._known) < MAX_TRACKS:
                    known = self._known[number] = _Track(next(self._ids), found, self._now_s)
                else:
                    LINK_DROPPED.labels("object").inc()
            if known is None:
                unconfirmed.append(found)
                continue
            known.found, known.seen_s = found, self._now_s
            known.frames += 1
        return unconfirmed

    def _give_up(self) -> None:
        for number, known in list(self._known.items()):
            if self._now_s - known.seen_s > (GONE_S if known.entered else FLICKER_S):
                self._leave(known)
                del self._known[number]

    def _publish_changes(self, found: Detections) -> None:
        """Say what has entered, and now and then where the others are, those first that were longest not told of."""
        made_by = {"width": found.width, "height": found.height, "provider": found.provider, "mock": found.mock}
        for known in self._known.values():
            if not known.entered and known.frames >= self._confirm_frames:
                known.entered = True
                self._publish_event("enter", known, **made_by)
        due = [it for it in self._known.values() if it.entered and it.seen_s == self._now_s]
        due = [it for it in due if self._now_s - it.told_s >= UPDATE_EVERY_S]
        for known in sorted(due, key=lambda it: it.told_s)[:UPDATES_A_FRAME]:
            self._publish_event("update", known, **made_by)

    def _leave(self, known: _Track) -> None:
        if known.entered:
            self._publish_event("leave", known)

    def _publish_event(self, event: str, known: _Track, **more: object) -> None:
        known.told_s = self._now_s
        found = known.found
        box = [round(side, 1) for side in found.box]
        self._publish(
            "robot.object", event=event, id=known.id, label=found.label, score=round(found.score, 3), box=box, **more
        )

    def _tracked(self, known: _Track) -> TrackedObject:
        found = known.found
        return TrackedObject(known.id, found.label, found.score, found.box, known.seen_s == self._now_s, known.entered)
