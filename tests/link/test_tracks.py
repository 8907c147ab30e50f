"""Tracks from a tracker's numbers: objects with their own ids, confirmed, published and ended; and the frame buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from link_harness import metric

from rider_core.api import DetectedObject, Detections, ObjectTracker
from rider_core.api.messages import encode_base64
from rider_core.link.frame_buffer import GAP_S, LatestFrameBuffer
from rider_core.link.tracks import FLICKER_S, GONE_S, MAX_TRACKS, UPDATE_EVERY_S, UPDATES_A_FRAME, TrackedObject, Tracks
from rider_core.testing import SMALL_JPEG

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


class TestLatestFrameBuffer:
    def body(self, ts: float, number: int) -> dict[str, object]:
        return {"ts": ts, "frame_jpeg": encode_base64(SMALL_JPEG + bytes([number]))}

    def buffered(self, *frames: tuple[float, float]) -> list[tuple[float, int, float]]:
        """Put each frame in and get it. Returns its time stamp, the change of the stream, and the seconds in between.

        Args:
            frames: The robot's clock and ours.
        """
        buffer, before, frames_out = LatestFrameBuffer(), None, []
        for number, (ts, now) in enumerate(frames):
            buffer.put(self.body(ts, number), now)
            frame = buffer.get(0)
            if frame is not None:
                frames_out.append((ts, frame.stream - (before.stream if before else 0), frame.seconds_after(before)))
                before = frame
        return frames_out

    def test_in_order(self) -> None:
        assert [pytest.approx(it) for it in self.buffered((50, 1), (50.2, 1.2), (50.4, 1.5))] == [
            (50, 1, 0),
            (50.2, 0, 0.2),
            (50.4, 0, 0.2),
        ]

    def test_a_clock_that_stands_or_runs_backward_or_was_set_changes_nothing(self) -> None:
        frames_out = self.buffered((50, 1), (50, 1.2), (49.8, 1.4), (49.6, 1.6), (4e9, 1.8), (5, 2.0))
        assert [stream for _, stream, _ in frames_out] == [1, 0, 0, 0, 0, 0]
        assert [seconds for *_, seconds in frames_out] == pytest.approx([0, 0.2, 0.2, 0.2, 0.2, 0.2])

    def test_a_gap_begins_a_new_stream(self) -> None:
        assert self.buffered((50, 1), (50.2, 1.2 + GAP_S + 0.1))[1] == (50.2, 1, 0)

    def test_a_byte_identical_picture_is_returned_once(self) -> None:
        buffer = LatestFrameBuffer()
        for number in range(5):
            buffer.put(self.body(50 + number, 7), 1.0 + number)
        assert buffer.get(0) is not None
        assert buffer.get(0) is None
        assert buffer.arrived == 5.0

    def test_the_newest_frame_replaces_the_waiting_one(self) -> None:
        buffer = LatestFrameBuffer()
        before = metric("rider_frames_total", outcome="replaced")
        for number in range(5):
            buffer.put(self.body(50 + number, number), 1.0 + number)
        frame = buffer.get(0)
        assert frame is not None
        assert frame.ts == 54
        assert metric("rider_frames_total", outcome="replaced") == before + 4
