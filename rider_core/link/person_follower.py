"""Selects the person that the robot follows, and computes that person's offset from the middle of the picture."""

from __future__ import annotations

from collections.abc import Sequence

from rider_core.link.tracks import TrackedObject

#: The detectors' label of a person, in lower case.
PERSON = "person"
#: The mode in messages to the robot's follower. Its own modes are `face` and `hand`; `NONE` would switch off its stop
#: after a second without messages.
MODE = "person"


class PersonFollower:
    """Follows one person until that track ends. Not thread-safe."""

    def __init__(self) -> None:
        self._id: int | None = None

    def offset(self, objects: Sequence[TrackedObject], width: int) -> float | None:
        """The person's offset, from -1 at the picture's left edge to 1 at its right, as the robot's follower reads it.

        None: there is no person, or the followed one is hidden in this frame. Then nothing must be sent, and the robot
        stops.
        """
        people = {it.id: it for it in objects if it.confirmed and it.label.casefold() == PERSON}
        if self._id not in people:
            self._id = max(people, key=lambda id_: _area(people[id_]), default=None)
        if self._id is None or not people[self._id].seen:
            return None
        left, _, right, _ = people[self._id].box
        return min(1.0, max(-1.0, (left + right) / width - 1))

    def forget(self) -> None:
        self._id = None


def _area(tracked: TrackedObject) -> float:
    """The person with the largest box is the nearest."""
    left, top, right, bottom = tracked.box
    return (right - left) * (bottom - top)
