"""Object tracking for Rider-PC: which box of a frame is the same object as a box of the frame before."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from rider_core.api import ObjectTracker, hookimpl
from rider_core.errors import ProviderUnavailable

RIDER_API = "1.0"


@hookimpl
def register_trackers(register: Callable[[str, Callable[[], ObjectTracker]], None]) -> None:
    register("bytetrack", new_byte_track)


def new_byte_track() -> ObjectTracker:
    """A tracker for one stream of frames.

    The first one takes up to 1 s and 75 MB: SciPy and supervision are imported here, not with the plugin.

    Raises:
        ProviderUnavailable: the library cannot be imported; the message names what is missing.
    """
    try:
        tracker: ObjectTracker = importlib.import_module("rider_vision_tracking.byte_track").ByteTrack()
    except Exception as error:  # a library that fits no more may raise anything
        raise ProviderUnavailable(
            f"the tracker bytetrack cannot be loaded: {error}",
            remedy="pip install --force-reinstall rider-vision-tracking",
        ) from error
    return tracker
