"""Where no frame is analysed, the robot is told so: the last report before a silence is never that the way is clear."""

from __future__ import annotations

import signal
import time

import pytest
from link_stage import Stage
from vision_harness import (
    OBSTACLE,
    frame_count,
    is_vision_lost,
    last_report,
    start_vision,
)

from rider_core.errors import ProviderUnavailable
from rider_core.link import navigator_reminder, vision_monitor
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow


class TestVisionLost:
    """Each of these ends with vision handed back, and with a last word that is no clear way."""

    def handed_back(self, scene: Stage, reason: str) -> None:
        wait_until(lambda: scene.mode("vision") == "local", 10)
        assert reason in scene.reason("vision")
        wait_until(lambda: is_vision_lost(scene), 5)
        # The navigator reads six messages a second.
        wait_until(lambda: scene.robot.obstacle_present, 5)
        assert scene.robot.navigator_alive

    def clear(self, scene: Stage) -> None:
        start_vision(scene)
        wait_until(lambda: not last_report(scene)["present"], what="a clear way")

    def test_nobody_can_detect(self, stage: Stage) -> None:
        stage.robot.switch("vision", "pc")
        stage.link.start()
        self_reason = "no worker can do vision.detect"
        wait_until(lambda: stage.mode("vision") == "local", 5)
        assert stage.reason("vision") == self_reason
        assert not [word for word in stage.heard(OBSTACLE) if not word["present"]]

    def test_the_worker_is_killed(self, stage: Stage) -> None:
        worker = stage.start_worker("vision")
        stage.robot.switch("vision", "pc")
        stage.link.start()
        wait_until(lambda: stage.heard(OBSTACLE) and not last_report(stage)["present"])
        worker.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: stage.mode("vision") == "local", 10)
        # I3: within the deadline and a second; the rest is this machine's.
        assert time.monotonic() - killed < vision_monitor.VISION_LOST_AFTER_S + 1.5
        self.handed_back(stage, "")

    def test_the_detector_fails(self, scene: Stage) -> None:
        self.clear(scene)
        scene.write("BROKEN", "the eye has fallen out")
        self.handed_back(scene, "the eye has fallen out")

    def test_the_detector_is_too_slow_and_then_fast_enough(self, scene: Stage) -> None:
        self.clear(scene)
        late = frame_count("expired")
        scene.write("SLOW", "1.3")
        self.handed_back(scene, "no picture was looked at within 1 s")
        assert frame_count("expired") > late
        scene.processes.folder.joinpath("slow").unlink()
        wait_until(lambda: not last_report(scene)["present"], 20, what="a clear way again")
        assert scene.mode("vision") == "pc"

    def test_the_camera_freezes(self, scene: Stage) -> None:
        self.clear(scene)
        repeated = frame_count("repeated")
        scene.robot.freeze_camera()
        self.handed_back(scene, "the camera shows the same picture for")
        assert frame_count("repeated") == repeated, "the robot encodes each frame anew: no two have the same bytes"

    def test_the_robot_cannot_be_told_to_see_for_itself(self, scene: Stage) -> None:
        """Its HTTP interface is away: then it is the word over the bus alone that stops it."""
        self.clear(scene)
        scene.robot.kill_api()
        scene.robot.freeze_camera()
        wait_until(lambda: is_vision_lost(scene), 5)
        scene.robot.start_api()
        self.handed_back(scene, "the camera shows the same picture for")

    def test_no_picture_comes(self, scene: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vision_monitor, "NO_FRAME_S", 1.0)
        self.clear(scene)
        monkeypatch.setattr(scene.robot._camera, "_send", lambda *_: None)
        self.handed_back(scene, "no picture has come from the camera")

    def test_redis_is_killed(self, stage: Stage) -> None:
        stage.start_worker("vision")
        self.clear(stage)
        stage.valkey.kill()
        self.handed_back(stage, "Redis cannot be reached")

    def test_there_is_no_tracker(self, scene: Stage) -> None:
        scene.trackers.error = ProviderUnavailable("no object tracker is installed", remedy="pip install one")
        scene.robot.switch("vision", "pc")
        scene.link.start()
        self.handed_back(scene, "no object tracker is installed (pip install one)")

    def test_the_tracker_raises(self, scene: Stage) -> None:
        scene.trackers.error = ZeroDivisionError("of its own")
        scene.robot.switch("vision", "pc")
        scene.link.start()
        self.handed_back(scene, "ZeroDivisionError: of its own")

    def test_a_person_switches_vision_to_the_robot(self, scene: Stage) -> None:
        self.clear(scene)
        scene.robot.switch("vision", "local", "the owner")
        wait_until(lambda: is_vision_lost(scene), 5)
        assert scene.reason("vision") == "the owner"

    def test_the_link_ends(self, scene: Stage) -> None:
        self.clear(scene)
        scene.link.stop()
        assert (scene.mode("vision"), scene.reason("vision")) == ("local", "the PC's link ends")
        wait_until(lambda: is_vision_lost(scene), 5)


class TestUnattended:
    """Vision is the robot's, and its detectors rest because voice is ours: as the robot's own code was seen to do."""

    def test_the_way_is_blocked_until_somebody_looks(self, stage: Stage) -> None:
        stage.start_worker("voice", "vision")
        start_vision(stage)
        wait_until(lambda: not last_report(stage)["present"])
        stage.robot.switch("vision", "local")
        wait_until(lambda: is_vision_lost(stage), 3, what="a word that nothing is known of the way")
        assert stage.mode("voice") == "pc"
        assert "detectors rest" in last_report(stage)["meta"]["blind"]
        count = len(stage.heard(OBSTACLE))
        drives = {"active": True, "obstacle_present": False, "ts": time.time()}

        def told_again() -> bool:  # the simulated navigator, which stands, says so every second
            stage.robot.send("navigator.state", drives)
            return len(stage.heard(OBSTACLE)) > count

        wait_until(told_again, 3, what="a navigator that is told so again")
        stage.robot.switch("voice", "local")
        wait_until(lambda: not stage.link._robot.owner("vision").unattended, 3)
        wait_until(lambda: stage.link._vision._reports.last == "", 3)
        count = len(stage.heard(OBSTACLE))
        stage.robot.send("navigator.state", drives)
        let_pass(0.6, "three looks")
        assert len(stage.heard(OBSTACLE)) == count, "the robot looks for itself"
        assert is_vision_lost(stage)

    def test_a_navigator_that_does_not_hear_is_told_ever_more_rarely(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The robot keeps our words for the day that vision is ours again, and then works them off at six a second."""
        now = 1_000.0
        monkeypatch.setattr(navigator_reminder.time, "monotonic", lambda: now)
        monitor, told = navigator_reminder.NavigatorReminder(), 0
        for _ in range(3_600):
            monitor.receive_state({"active": True, "obstacle_present": False})
            if monitor.reminder_is_due():
                monitor.reminder_sent()
                told += 1
            now += 1
        assert 10 < told <= 70
        monitor.receive_state({"active": True, "obstacle_present": True})
        assert not monitor.reminder_is_due()
        monitor.receive_state({"active": True, "obstacle_present": False})
        now += 1
        assert monitor.reminder_is_due(), "it was started anew"
        monitor.receive_state({"active": False, "obstacle_present": False})
        now += 100
        assert not monitor.reminder_is_due(), "it does not drive"
