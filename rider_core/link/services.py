"""What the link needs of the rest of the program. A type of its own: the link must not import those packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from rider_core.api.events import Event, EventKind
from rider_core.api.job_backend import JobBackend
from rider_core.api.object_tracking import ObjectTracker
from rider_core.api.seen_frame import SeenFrame


class ShowFrame(Protocol):
    """Shows a frame to viewers; neither blocks nor raises. Without viewers `describe` is not called."""

    def __call__(self, describe: Callable[[], SeenFrame], jpeg: bytes) -> None: ...


def _nobody_watches(describe: Callable[[], SeenFrame], jpeg: bytes) -> None:
    pass


class PublishEvent(Protocol):
    """Publishes an event; neither blocks nor raises."""

    def __call__(self, kind: EventKind, **data: object) -> None: ...


@dataclass(frozen=True)
class LinkServices:
    """What the link uses of the rest of the program.

    Attributes:
        backend: Takes jobs.
        publish: Publishes an event on the event bus.
        follow: Yields the events of a job. Arguments: the job's id, and the longest time without an event, in seconds.
        new_tracker: Makes a tracker for one stream of frames, or raises `ProviderUnavailable`.
        capacity: Returns for each task the number of jobs that workers can run now. Returns at once, even while Redis
            hangs, or raises `BackendUnavailable`.
        show_frame: Shows a frame of the camera.
    """

    backend: JobBackend
    publish: PublishEvent
    follow: Callable[[str, float], Iterator[Event]]
    new_tracker: Callable[[], ObjectTracker]
    capacity: Callable[[], Mapping[str, int]]
    show_frame: ShowFrame = _nobody_watches
