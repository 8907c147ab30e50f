"""Whom the robot follows, and how far that person is off the middle of the picture."""

from __future__ import annotations

from collections.abc import Sequence

from rider_core.link.tracks import TrackedObject

#: What detectors call a person, in small letters.
PERSON = "person"
#: What the robot's follower is told that it follows. Its own are `face` and `hand`; `NONE` would switch off its stop
#: after a second of silence.
MODE = "person"


class PersonFollower:
    """Stays with one person for as long as that one is known. Used by one thread at a time."""

    def __init__(self) -> None:
        self._id: int | None = None

    def offset(self, objects: Sequence[TrackedObject], width: int) -> float | None:
        """Where the followed person is: -1 at the left edge, 1 at the right, as the robot's follower reads it.

        None: nobody is there, or that person is hidden just now. Then nothing must be sent, and the robot stops.
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
    """The largest is the nearest: people are of much the same size."""
    left, top, right, bottom = tracked.box
    return (right - left) * (bottom - top)
