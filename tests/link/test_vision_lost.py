"""Where no frame is analysed, vision is reported lost: the last report before a silence is never "clear"."""

from __future__ import annotations

import signal
import time

import pytest
from link_harness import LinkHarness
from vision_harness import (
    OBSTACLE,
    frame_count,
    frames_late,
    is_vision_lost,
    last_report,
    start_vision,
)

from rider_core.errors import ProviderUnavailable
from rider_core.link import navigator_reminder, vision_monitor
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow


class TestVisionLost:
    """Each test ends with a failover of vision, and with a last report that is not "clear"."""

    def assert_failed_over(self, shared: LinkHarness, reason: str) -> None:
        wait_until(lambda: shared.mode("vision") == "local", 10)
        assert reason in shared.reason("vision")
        wait_until(lambda: is_vision_lost(shared), 5)
        # The navigator reads six messages a second.
        wait_until(lambda: shared.robot.obstacle_present, 5)
        assert shared.robot.navigator_alive

    def start_with_a_clear_way(self, shared: LinkHarness) -> None:
        start_vision(shared)
        wait_until(lambda: not last_report(shared)["present"], what="a clear way")

    def test_no_worker_can_detect(self, harness: LinkHarness) -> None:
        harness.robot.switch("vision", "pc")
        harness.link.start()
        wait_until(lambda: harness.mode("vision") == "local", 5)
        assert harness.reason("vision") == "no worker can do vision.detect"
        assert all(it["present"] for it in harness.received(OBSTACLE))

    def test_the_worker_is_killed(self, harness: LinkHarness) -> None:
        worker = harness.start_worker("vision")
        harness.robot.switch("vision", "pc")
        harness.link.start()
        wait_until(lambda: harness.received(OBSTACLE) and not last_report(harness)["present"])
        worker.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: harness.mode("vision") == "local", 10)
        # Required: the deadline and a second; the rest is for a busy machine.
        assert time.monotonic() - killed < vision_monitor.VISION_LOST_AFTER_S + 1.5
        self.assert_failed_over(harness, "")

    def test_the_detector_fails(self, shared: LinkHarness) -> None:
        self.start_with_a_clear_way(shared)
        shared.write("BROKEN", "the detector is broken")
        self.assert_failed_over(shared, "the detector is broken")

    def test_the_detector_is_too_slow_and_then_fast_enough(self, shared: LinkHarness) -> None:
        self.start_with_a_clear_way(shared)
        late, old = frame_count("expired"), frames_late()
        shared.write("SLOW", "1.3")
        self.assert_failed_over(shared, "no picture was analysed within 1 s")
        assert frame_count("expired") > late
        assert frames_late() > old
        shared.processes.folder.joinpath("slow").unlink()
        wait_until(lambda: not last_report(shared)["present"], 20, what="a clear way again")
        assert shared.mode("vision") == "pc"

    def test_the_camera_freezes(self, shared: LinkHarness) -> None:
        self.start_with_a_clear_way(shared)
        repeated = frame_count("repeated")
        shared.robot.freeze_camera()
        self.assert_failed_over(shared, "the camera shows the same picture for")
        assert frame_count("repeated") == repeated, "the robot encodes each frame anew: no two have the same bytes"

    def test_the_robots_http_interface_is_away(self, shared: LinkHarness) -> None:
        """Then only the report over the bus stops the robot."""
        self.start_with_a_clear_way(shared)
        shared.robot.kill_api()
        shared.robot.freeze_camera()
        wait_until(lambda: is_vision_lost(shared), 5)
        shared.robot.start_api()
        self.assert_failed_over(shared, "the camera shows the same picture for")

    def test_no_picture_comes(self, shared: LinkHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vision_monitor, "NO_FRAME_S", 1.0)
        self.start_with_a_clear_way(shared)
        monkeypatch.setattr(shared.robot._camera, "_send", lambda *_: None)
        self.assert_failed_over(shared, "no picture has come from the camera")

    def test_redis_is_killed(self, harness: LinkHarness) -> None:
        harness.start_worker("vision")
        self.start_with_a_clear_way(harness)
        harness.valkey.kill()
        self.assert_failed_over(harness, "Redis cannot be reached")

    def test_there_is_no_tracker(self, shared: LinkHarness) -> None:
        shared.trackers.error = ProviderUnavailable("no object tracker is installed", remedy="pip install one")
        shared.robot.switch("vision", "pc")
        shared.link.start()
        self.assert_failed_over(shared, "no object tracker is installed (pip install one)")

    def test_the_tracker_raises(self, shared: LinkHarness) -> None:
        shared.trackers.error = ZeroDivisionError("of its own")
        shared.robot.switch("vision", "pc")
        shared.link.start()
        self.assert_failed_over(shared, "ZeroDivisionError: of its own")

    def test_a_person_switches_vision_to_the_robot(self, shared: LinkHarness) -> None:
        self.start_with_a_clear_way(shared)
        shared.robot.switch("vision", "local", "the owner")
        wait_until(lambda: is_vision_lost(shared), 5)
        assert shared.reason("vision") == "the owner"

    def test_the_link_ends(self, shared: LinkHarness) -> None:
        self.start_with_a_clear_way(shared)
        shared.link.stop()
        assert (shared.mode("vision"), shared.reason("vision")) == ("local", "the PC's link ends")
        wait_until(lambda: is_vision_lost(shared), 5)


class TestUnattended:
    """Vision is local, and the robot's detectors are paused because voice is with the PC, as in the robot's code."""

    def test_vision_lost_is_reported_until_the_robots_detectors_run(self, harness: LinkHarness) -> None:
        harness.start_worker("voice", "vision")
        start_vision(harness)
        wait_until(lambda: not last_report(harness)["present"])
        harness.robot.switch("vision", "local")
        wait_until(lambda: is_vision_lost(harness), 3, what="vision reported lost")
        assert harness.mode("voice") == "pc"
        assert "detectors are paused" in last_report(harness)["meta"]["blind"]
        count = len(harness.received(OBSTACLE))
        drives = {"active": True, "obstacle_present": False, "ts": time.time()}

        def is_repeated() -> bool:  # the simulated navigator, which stands, does not send this state itself
            harness.robot.send("navigator.state", drives)
            return len(harness.received(OBSTACLE)) > count

        wait_until(is_repeated, 3, what="a reminder to the navigator")
        harness.robot.switch("voice", "local")
        wait_until(lambda: not harness.link._robot.owner("vision").unattended, 3)
        wait_until(lambda: harness.link._vision._reports.last == "", 3)
        count = len(harness.received(OBSTACLE))
        harness.robot.send("navigator.state", drives)
        let_pass(0.6, "three rounds of the monitor")
        assert len(harness.received(OBSTACLE)) == count, "the robot's own detectors run"
        assert is_vision_lost(harness)

    def test_reminders_that_change_nothing_become_rarer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The robot queues the reminders until vision is with the PC again, and then reads six a second."""
        now = 1_000.0
        monkeypatch.setattr(navigator_reminder.time, "monotonic", lambda: now)
        reminder, sent = navigator_reminder.NavigatorReminder(), 0
        for _ in range(3_600):
            reminder.receive_state({"active": True, "obstacle_present": False})
            if reminder.reminder_is_due():
                reminder.reminder_sent()
                sent += 1
            now += 1
        assert 10 < sent <= 70
        reminder.receive_state({"active": True, "obstacle_present": True})
        assert not reminder.reminder_is_due()
        reminder.receive_state({"active": True, "obstacle_present": False})
        now += 1
        assert reminder.reminder_is_due(), "the wait is the shortest again"
        reminder.receive_state({"active": False, "obstacle_present": False})
        now += 100
        assert not reminder.reminder_is_due(), "it does not drive"
