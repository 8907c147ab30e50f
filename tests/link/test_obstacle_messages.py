"""Obstacle reports and offsets of the followed person, over a real broker, queue, worker and tracker."""

from __future__ import annotations

import math
import time

import pytest
from link_harness import LinkHarness
from vision_harness import (
    FAR_PERSON,
    OBSTACLE,
    OFFSET,
    PERSON,
    frame_count,
    last_report,
    start_vision,
)

from rider_core.link import vision_pipeline
from rider_core.link.tracks import Tracks
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


class TestReports:
    def test_an_obstacle_is_reported_to_the_navigator_and_cleared(self, shared: LinkHarness) -> None:
        start_vision(shared)
        wait_until(lambda: not last_report(shared)["present"])
        assert not shared.robot.obstacle_present
        shared.show(PERSON)
        wait_until(lambda: shared.robot.obstacle_present, 5)
        report = last_report(shared)
        assert (report["confidence"], report["meta"]["label"], report["meta"]["mock"]) == (0.8, "Person", False)
        assert 0.3 < report["distance"] <= 1.0
        assert abs(report["angle"]) < 1
        shared.show()
        wait_until(lambda: not shared.robot.obstacle_present, 5)
        assert shared.robot.navigator_alive

    def test_reports_have_the_robots_time(self, shared: LinkHarness) -> None:
        start_vision(shared)
        sent = [body["ts"] for body in shared.received(OBSTACLE)]
        assert sent == sorted(sent)
        assert all(abs(ts - time.time()) < 5 for ts in sent)

    def test_events_of_an_object_that_enters_and_leaves(self, shared: LinkHarness) -> None:
        start_vision(shared)
        shared.show(FAR_PERSON)
        wait_until(lambda: len(shared.events("robot.object")) >= 3)
        shared.show()
        wait_until(lambda: shared.events("robot.object")[-1]["event"] == "leave", 5)
        events = shared.events("robot.object")
        assert [it["event"] for it in events] == ["enter", *["update"] * (len(events) - 2), "leave"]
        assert {(it["id"], it["label"]) for it in events} == {(events[0]["id"], "Person")}
        assert events[0]["provider"] == "test-detector"

    def test_only_a_persons_offset_is_sent_to_the_follower(self, shared: LinkHarness) -> None:
        start_vision(shared)
        shared.show(("Chair", 0.9, (0.0, 100.0, 200.0, 300.0)))
        wait_until(lambda: shared.events("robot.object"))
        assert not shared.received(OFFSET)
        shared.show(FAR_PERSON)
        wait_until(lambda: shared.received(OFFSET))
        offset = shared.received(OFFSET)[0]
        assert (offset["offset_x"], offset["mode"]) == (0.625, "person")
        shared.show()
        wait_until(lambda: shared.events("robot.object")[-1]["event"] == "leave", 5)
        assert not shared.received("tracking.pose")

    def test_clear_is_not_reported_before_an_object_could_be_confirmed(self, shared: LinkHarness) -> None:
        """With an object in the way from the first frame on, no report is "clear"."""
        shared.show(PERSON)
        start_vision(shared)
        wait_until(lambda: len(shared.received(OBSTACLE)) >= 5)
        assert all(it["present"] for it in shared.received(OBSTACLE))

    def test_an_unconfirmed_object_delays_the_report_clear(
        self, shared: LinkHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From the first detection of a new object until it is confirmed, nothing is reported."""
        monkeypatch.setattr(vision_pipeline, "UNCONFIRMED_S", 60.0)
        start_vision(shared)
        wait_until(lambda: not last_report(shared)["present"])
        monkeypatch.setattr(shared.link._vision._tracks, "_confirm_frames", 1_000_000)
        monkeypatch.setattr(Tracks, "settled", True)
        shared.show(PERSON)
        before = frame_count("seen")
        wait_until(lambda: frame_count("seen") >= before + 3)  # the first may have been analysed before
        reports, before = len(shared.received(OBSTACLE)), frame_count("seen")
        wait_until(lambda: frame_count("seen") >= before + 5)
        assert len(shared.received(OBSTACLE)) == reports

    def test_an_object_that_stays_unconfirmed_becomes_an_obstacle(
        self, shared: LinkHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start_vision(shared)
        wait_until(lambda: not last_report(shared)["present"])
        monkeypatch.setattr(shared.link._vision._tracks, "_confirm_frames", 1_000_000)
        shared.show(PERSON)
        wait_until(lambda: shared.robot.obstacle_present, 5)
        assert "blind" not in last_report(shared)["meta"]

    def test_every_number_is_finite_for_any_detection(self, shared: LinkHarness) -> None:
        start_vision(shared)
        odd = [(0, 0, 0, 0), (-1e9, -1e9, 1e9, 1e9), (640, 480, 0, 0), (320, 240, 320, 240), (1e300, 5, -1e300, 4)]
        shared.show(*[(f"object {number}", 1.0, box) for number, box in enumerate(odd)])  # type: ignore[misc]
        wait_until(lambda: last_report(shared)["present"], 5)
        for report in shared.received(OBSTACLE):
            assert isinstance(report["present"], bool)
            assert isinstance(report["meta"], dict)
            assert all(math.isfinite(report[key]) for key in ("confidence", "distance", "angle", "ts"))
        assert shared.robot.navigator_alive
