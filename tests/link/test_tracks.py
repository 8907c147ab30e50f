"""Tracks from a tracker's numbers: objects with their own ids, confirmed, published and ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from link_harness import metric

from rider_core.api import DetectedObject, Detections, ObjectTracker
from rider_core.link.tracks import FLICKER_S, GONE_S, MAX_TRACKS, UPDATE_EVERY_S, UPDATES_A_FRAME, TrackedObject, Tracks

FRAME_S = 0.2


class ByLabel(ObjectTracker):
    """Takes the track's number from the label, `cat 7`. A label without a number belongs to no track."""

    def update(self, objects: Sequence[DetectedObject], elapsed_s: float) -> list[int | None]:
        return [int(it.label.split()[1]) if " " in it.label else None for it in objects]


class TracksHarness:
    """Tracks, and the events that they publish."""

    def __init__(self, confirm_frames: int = 2) -> None:
        self.published: list[dict[str, Any]] = []
        self.tracks = Tracks(ByLabel, confirm_frames, self._publish)

    def _publish(self, kind: str, **data: Any) -> None:
        assert kind == "robot.object"
        self.published.append(data)

    def see(self, *labels: str, after_s: float = FRAME_S) -> list[TrackedObject]:
        objects = tuple(DetectedObject(label=label, score=0.5, box=(1, 2, 3, 4)) for label in labels)
        return self.tracks.update(Detections(objects=objects, width=640, height=480), after_s)

    def events(self, *kinds: str) -> list[tuple[str, int]]:
        return [(it["event"], it["id"]) for it in self.published if it["event"] in (kinds or ("enter", "leave"))]


@pytest.mark.parametrize("confirm_frames", [1, 2, 5])
def test_an_object_is_confirmed_after_enough_frames(confirm_frames: int) -> None:
    harness = TracksHarness(confirm_frames)
    confirmed = [harness.see("cat 1")[0].confirmed for _ in range(7)]
    assert confirmed == [False] * (confirm_frames - 1) + [True] * (8 - confirm_frames)
    assert harness.events() == [("enter", 1)]


def test_an_object_without_a_track_has_no_id_and_is_never_confirmed() -> None:
    harness = TracksHarness(1)
    for _ in range(10):
        (tracked,) = harness.see("ghost")
        assert (tracked.id, tracked.confirmed) == (0, False)
    assert not harness.published


def test_a_hidden_object_stays() -> None:
    harness = TracksHarness()
    for _ in range(3):
        harness.see("cat 1")
    for _ in range(5):
        (tracked,) = harness.see()
        assert (tracked.id, tracked.seen, tracked.confirmed) == (1, False, True)
    (tracked,) = harness.see("cat 1")
    assert (tracked.id, tracked.seen) == (1, True)
    assert harness.events() == [("enter", 1)]


def test_an_object_that_is_no_longer_detected_leaves() -> None:
    harness = TracksHarness()
    for _ in range(3):
        harness.see("cat 1")
    seconds = 0.0
    while harness.see():
        seconds += FRAME_S
    assert GONE_S - FRAME_S < seconds <= GONE_S + FRAME_S
    assert harness.events() == [("enter", 1), ("leave", 1)]


def test_a_flickering_object_never_enters() -> None:
    harness = TracksHarness(3)
    for _ in range(20):
        harness.see("cat 1")
        harness.see(after_s=FLICKER_S + 0.1)
    assert not harness.published
    assert not harness.see()


def test_updates_of_an_object_are_published_once_a_second() -> None:
    harness = TracksHarness(1)
    for _ in range(round(30 / FRAME_S)):
        harness.see("cat 1", "cat 2")
    assert 2 * 25 <= len(harness.events("update")) <= 2 * 30 / UPDATE_EVERY_S


def test_updates_in_a_frame_are_bounded_and_every_object_gets_its_turn() -> None:
    harness = TracksHarness(1)
    labels = [f"cat {number}" for number in range(20)]
    frames = round(30 / FRAME_S)
    for _ in range(frames):
        harness.see(*labels)
    updates = harness.events("update")
    assert len(updates) <= frames * UPDATES_A_FRAME
    turns = [sum(id == number for _, id in updates) for number in range(1, 21)]
    assert min(turns) >= 20
    assert harness.published[-1] | {"id": 0} == {
        "event": "update",
        "id": 0,
        "label": harness.published[-1]["label"],
        "score": 0.5,
        "box": [1.0, 2.0, 3.0, 4.0],
        "width": 640,
        "height": 480,
        "provider": "",
        "mock": False,
    }


def test_at_the_end_of_a_stream_all_objects_leave_and_ids_are_not_reused() -> None:
    harness = TracksHarness(1)
    harness.see("cat 1", "cat 2")
    harness.tracks.reset()
    harness.see("cat 1")
    assert harness.events() == [("enter", 1), ("enter", 2), ("leave", 1), ("leave", 2), ("enter", 3)]


def test_settled_only_after_every_object_would_have_been_confirmed() -> None:
    harness = TracksHarness(2)
    settled = []
    for _ in range(4):
        harness.see()
        settled.append(harness.tracks.settled)
    assert settled == [False, False, True, True]
    harness.tracks.reset()
    assert not harness.tracks.settled


def test_tracks_are_bounded() -> None:
    harness = TracksHarness(1)
    before = metric("rider_link_dropped_total", what="object")
    for frame in range(20):
        objects = harness.see(*[f"cat {frame * 100 + number}" for number in range(100)])
        assert len(objects) == 100 or frame
        assert len(harness.tracks._tracks) <= MAX_TRACKS
    assert metric("rider_link_dropped_total", what="object") > before
    harness.see(after_s=GONE_S + 1)
    assert not harness.tracks._tracks
