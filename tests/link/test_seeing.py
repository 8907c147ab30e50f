"""The robot's eyes over a real broker, queue, worker and tracker; the detector is `eye_plugin`, which looks at nothing.

What always holds: the navigator lives, and the last word before a silence is never that the way is clear.
"""

from __future__ import annotations

import itertools
import math
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from link_stage import FILES, Stage, metric, on_stage, prepare

from rider_core.api.messages import encode_base64
from rider_core.errors import ProviderUnavailable
from rider_core.link import navigator_reminder, obstacle_reports, vision_monitor, vision_pipeline
from rider_core.link.camera_liveness import CameraLiveness
from rider_core.link.frame_buffer import LatestFrameBuffer
from rider_core.link.obstacle import NearestObstacle
from rider_core.link.obstacle_reports import ObstacleReports
from rider_core.link.tracks import Tracks
from rider_core.runtime.redis_connection import connect
from rider_core.simulator.faults import MALFORMED
from rider_core.simulator.pictures import encode_grey_blocks
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow

OBSTACLE, OFFSET = "vision.obstacle.enhanced", "vision.tracking.offset"
#: A person so near that no feet are seen, one by the wall, and a chair on the way.
PERSON = ("Person", 0.8, (200.0, 20.0, 440.0, 480.0))
FAR_PERSON = ("Person", 0.7, (500.0, 200.0, 540.0, 330.0))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Valkey, redis.Redis, Processes]]:
    """A server and a worker for all tests that leave them whole: a worker takes seconds to start."""
    valkey = Valkey(tmp_path_factory.mktemp("v"))
    connection = connect(valkey.url)
    processes = Processes(tmp_path_factory.mktemp("p"))
    prepare(processes, valkey)
    processes.fork_worker("vision")
    yield valkey, connection, processes
    processes.end_all()
    connection.close()
    valkey.stop()


@pytest.fixture
def scene(workshop: tuple[Valkey, redis.Redis, Processes], soon: None) -> Iterator[Stage]:
    """A robot and a link, with the workshop's worker."""
    valkey, connection, processes = workshop
    with on_stage(valkey, connection, processes) as stage:
        wait_until(lambda: stage.backend.capacity()["vision.detect"])
        yield stage
    for name in FILES:
        (processes.folder / name.lower()).unlink(missing_ok=True)


def seen(stage: Stage) -> Stage:
    """Vision is the PC's, and the robot has had a first word of it."""
    stage.robot.switch("vision", "pc")
    stage.link.start()
    wait_until(lambda: stage.heard(OBSTACLE), what="a word of obstacles")
    return stage


def last(stage: Stage) -> dict[str, Any]:
    """The last word of obstacles that the robot has; the first one is waited for."""
    wait_until(lambda: stage.heard(OBSTACLE), what="a word of obstacles")
    return stage.heard(OBSTACLE)[-1]


def is_blind(stage: Stage) -> bool:
    words = stage.heard(OBSTACLE)
    return bool(words) and words[-1]["present"] and "blind" in words[-1]["meta"]


def frames(outcome: str) -> float:
    return metric("rider_frames_total", outcome=outcome)


def picture(number: int) -> bytes:
    """A JPEG that shows something else for each number."""
    dice = random.Random(number)
    return encode_grey_blocks([[dice.randint(0, 255) for _ in range(8)] for _ in range(6)])


def send_frame(stage: Stage, ts: float, jpeg: bytes) -> None:
    body = {"ts": ts, "frame_jpeg": encode_base64(jpeg), "size": {"w": 640, "h": 480}}
    stage.robot.send("vision.frame.offload", body)


class TestWords:
    def test_an_obstacle_reaches_the_navigator_and_goes_again(self, scene: Stage) -> None:
        seen(scene)
        wait_until(lambda: not last(scene)["present"])
        assert not scene.robot.obstacle_present
        scene.show(PERSON)
        wait_until(lambda: scene.robot.obstacle_present, 5)
        word = last(scene)
        assert (word["confidence"], word["meta"]["label"], word["meta"]["mock"]) == (0.8, "Person", False)
        assert 0.3 < word["distance"] <= 1.0
        assert abs(word["angle"]) < 1
        scene.show()
        wait_until(lambda: not scene.robot.obstacle_present, 5)
        assert scene.robot.navigator_alive

    def test_what_it_says_has_the_robots_own_time(self, scene: Stage) -> None:
        seen(scene)
        sent = [body["ts"] for body in scene.heard(OBSTACLE)]
        assert sent == sorted(sent)
        assert all(abs(ts - time.time()) < 5 for ts in sent)

    def test_events_of_a_thing_that_comes_and_goes(self, scene: Stage) -> None:
        seen(scene)
        scene.show(FAR_PERSON)
        wait_until(lambda: len(scene.tells("robot.object")) >= 3)
        scene.show()
        wait_until(lambda: scene.tells("robot.object")[-1]["event"] == "leave", 5)
        told = scene.tells("robot.object")
        assert [it["event"] for it in told] == ["enter", *["update"] * (len(told) - 2), "leave"]
        assert {(it["id"], it["label"]) for it in told} == {(told[0]["id"], "Person")}
        assert told[0]["provider"] == "test-eye"

    def test_the_follower_is_told_of_a_person_and_of_nobody_else(self, scene: Stage) -> None:
        seen(scene)
        scene.show(("Chair", 0.9, (0.0, 100.0, 200.0, 300.0)))
        wait_until(lambda: scene.tells("robot.object"))
        assert not scene.heard(OFFSET)
        scene.show(FAR_PERSON)
        wait_until(lambda: scene.heard(OFFSET))
        told = scene.heard(OFFSET)[0]
        assert (told["offset_x"], told["mode"]) == (0.625, "person")
        scene.show()
        wait_until(lambda: scene.tells("robot.object")[-1]["event"] == "leave", 5)
        assert not scene.heard("tracking.pose")

    def test_it_says_nothing_before_it_can_know(self, scene: Stage) -> None:
        """A thing that stands there from the first frame is never called a clear way."""
        scene.show(PERSON)
        seen(scene)
        wait_until(lambda: len(scene.heard(OBSTACLE)) >= 5)
        assert all(word["present"] for word in scene.heard(OBSTACLE))

    def test_what_is_not_confirmed_yet_is_no_clear_way(self, scene: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """Something new before the robot: from then on until it counts, nothing is said."""
        monkeypatch.setattr(vision_pipeline, "UNCONFIRMED_S", 60.0)
        seen(scene)
        wait_until(lambda: not last(scene)["present"])
        monkeypatch.setattr(scene.link._vision._tracks, "_confirm_frames", 1_000_000)
        monkeypatch.setattr(Tracks, "settled", True)
        scene.show(PERSON)
        before = frames("seen")
        wait_until(lambda: frames("seen") >= before + 3)  # the first may have been looked at before
        words, before = len(scene.heard(OBSTACLE)), frames("seen")
        wait_until(lambda: frames("seen") >= before + 5)
        assert len(scene.heard(OBSTACLE)) == words

    def test_what_is_never_confirmed_counts_nevertheless_after_a_while(
        self, scene: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen(scene)
        wait_until(lambda: not last(scene)["present"])
        monkeypatch.setattr(scene.link._vision._tracks, "_confirm_frames", 1_000_000)
        scene.show(PERSON)
        wait_until(lambda: scene.robot.obstacle_present, 5)
        assert "blind" not in last(scene)["meta"]

    def test_every_number_is_one_whatever_the_detector_finds(self, scene: Stage) -> None:
        seen(scene)
        odd = [(0, 0, 0, 0), (-1e9, -1e9, 1e9, 1e9), (640, 480, 0, 0), (320, 240, 320, 240), (1e300, 5, -1e300, 4)]
        scene.show(*[(f"thing {number}", 1.0, box) for number, box in enumerate(odd)])  # type: ignore[misc]
        wait_until(lambda: last(scene)["present"], 5)
        for word in scene.heard(OBSTACLE):
            assert isinstance(word["present"], bool)
            assert isinstance(word["meta"], dict)
            assert all(math.isfinite(word[key]) for key in ("confidence", "distance", "angle", "ts"))
        assert scene.robot.navigator_alive


class TestBlindness:
    """Each of these ends with vision handed back, and with a last word that is no clear way."""

    def handed_back(self, scene: Stage, reason: str) -> None:
        wait_until(lambda: scene.mode("vision") == "local", 10)
        assert reason in scene.reason("vision")
        wait_until(lambda: is_blind(scene), 5)
        # The navigator reads six messages a second.
        wait_until(lambda: scene.robot.obstacle_present, 5)
        assert scene.robot.navigator_alive

    def clear(self, scene: Stage) -> None:
        seen(scene)
        wait_until(lambda: not last(scene)["present"], what="a clear way")

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
        wait_until(lambda: stage.heard(OBSTACLE) and not last(stage)["present"])
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
        late = frames("expired")
        scene.write("SLOW", "1.3")
        self.handed_back(scene, "no picture was looked at within 1 s")
        assert frames("expired") > late
        scene.processes.folder.joinpath("slow").unlink()
        wait_until(lambda: not last(scene)["present"], 20, what="a clear way again")
        assert scene.mode("vision") == "pc"

    def test_the_camera_freezes(self, scene: Stage) -> None:
        self.clear(scene)
        repeated = frames("repeated")
        scene.robot.freeze_camera()
        self.handed_back(scene, "the camera shows the same picture for")
        assert frames("repeated") == repeated, "the robot encodes it anew each time: no two frames are the same bytes"

    def test_the_robot_cannot_be_told_to_see_for_itself(self, scene: Stage) -> None:
        """Its HTTP interface is away: then it is the word over the bus alone that stops it."""
        self.clear(scene)
        scene.robot.kill_api()
        scene.robot.freeze_camera()
        wait_until(lambda: is_blind(scene), 5)
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
        wait_until(lambda: is_blind(scene), 5)
        assert scene.reason("vision") == "the owner"

    def test_the_link_ends(self, scene: Stage) -> None:
        self.clear(scene)
        scene.link.stop()
        assert (scene.mode("vision"), scene.reason("vision")) == ("local", "the PC's link ends")
        wait_until(lambda: is_blind(scene), 5)


class TestFrames:
    """Frames that the test sends itself: the robot's own camera keeps silent while vision is its own."""

    @pytest.fixture
    def quiet(self, scene: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
        monkeypatch.setattr(scene.robot._camera, "_send", lambda *_: None)
        monkeypatch.setattr(vision_monitor, "NO_FRAME_S", 60.0)
        scene.robot.switch("vision", "pc")
        scene.link.start()
        wait_until(lambda: scene.link.describe()["state"] == "up" and not scene.link.describe()["problems"])
        number = iter(range(1_000_000))

        def looked_at() -> bool:  # what is sent before the subscription is there gets lost
            place = next(number)
            send_frame(scene, 1_000 + place, picture(100_000 + place))
            return bool(scene.tells("robot.domain")) and frames("seen") > before

        before = frames("seen")
        wait_until(looked_at)
        # What is still on its way would be counted in the test.
        send_frame(scene, 2_000.0, picture(200_000))
        wait_until(lambda: scene.link._vision._before is not None and scene.link._vision._before.ts == 2_000.0)
        return scene

    def counted(self, outcome: str, act: Callable[[], None]) -> None:
        before = frames(outcome)
        act()
        wait_until(lambda: frames(outcome) > before, 5, what=f"a frame that is {outcome}")

    def test_the_first_frames_of_a_stream_are_too_few_to_call_the_way_clear(
        self, quiet: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(obstacle_reports, "REPORT_EVERY_S", 0.0)
        buffer = quiet.link._vision._buffer
        with monkeypatch.context() as patch:
            patch.setattr("rider_core.link.frame_buffer.GAP_S", 0.3)
            wait_until(lambda: time.monotonic() - buffer.arrived > 0.3)
            self.counted("seen", lambda: send_frame(quiet, 500.0, picture(5_000)))
        for number in range(1, 3):
            self.counted("seen", lambda number=number: send_frame(quiet, 500.0 + number, picture(5_000 + number)))  # type: ignore[misc]
        wait_until(lambda: last(quiet)["ts"] == 502.0)
        assert [word["present"] for word in quiet.heard(OBSTACLE) if word["ts"] in (500.0, 501.0, 502.0)] == [False]

    def test_a_clock_that_runs_backward_or_was_set_changes_nothing(self, quiet: Stage) -> None:
        """The bus keeps the order; who is in sight stays so, and the robot hears of it with its own time."""
        quiet.show(FAR_PERSON)
        place = iter(range(1_000))
        clocks = (lambda n: 50_000 - n * 0.2, lambda n: 100.0, lambda n: 4e9 + n)

        def told(clock: Callable[[int], float], words: int) -> Callable[[], bool]:
            def check() -> bool:
                number = next(place)
                send_frame(quiet, clock(number), picture(1_000 + number))
                return len(quiet.heard(OBSTACLE)) >= words

            return check

        for clock in clocks:
            wait_until(told(clock, len(quiet.heard(OBSTACLE)) + 5))
        assert [it["event"] for it in quiet.tells("robot.object") if it["event"] != "update"] == ["enter"]

    def test_what_is_too_small_to_show_anything_is_no_clear_way(
        self, quiet: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vision_monitor, "NO_FRAME_S", 1.0)
        tiny = encode_grey_blocks([[7]])
        wait_until(lambda: send_frame(quiet, 1.0, tiny) or is_blind(quiet), 5)  # type: ignore[func-returns-value]
        assert "the picture has 8 x 8 pixels" in last(quiet)["meta"]["blind"]
        wait_until(lambda: quiet.mode("vision") == "local")

    def test_a_black_picture_is_no_clear_way(self, quiet: Stage) -> None:
        shades = itertools.cycle((0, 1, 2))

        def blind() -> bool:
            send_frame(quiet, time.time(), encode_grey_blocks([[next(shades)] * 8] * 6))
            return is_blind(quiet)

        wait_until(blind, 6)
        assert "black, white or grey all over" in last(quiet)["meta"]["blind"]
        wait_until(lambda: quiet.mode("vision") == "local")

    def test_a_black_picture_stays_blind(self, quiet: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """The robot does not take vision back: no later frame may make the way clear."""
        monkeypatch.setattr(quiet.link._failover, "fail_over", lambda *_: None)
        monkeypatch.setattr(quiet.link._vision.monitor, "_fail_over", lambda _: None)
        shades = itertools.cycle((0, 1, 2))

        def dark() -> bool:
            send_frame(quiet, time.time(), encode_grey_blocks([[next(shades)] * 8] * 6))
            return is_blind(quiet)

        wait_until(dark, 6)
        before = frames("frozen")
        wait_until(lambda: dark() and frames("frozen") > before + 10)
        words = quiet.heard(OBSTACLE)
        first = next(place for place, word in enumerate(words) if "blind" in word["meta"])
        assert all(word["present"] for word in words[first:])

    def test_garbled_pictures_are_no_clear_way(self, quiet: Stage) -> None:
        number = itertools.count(70_000)

        def blind() -> bool:
            whole = picture(next(number))
            send_frame(quiet, time.time(), whole[: len(whole) * 3 // 4])
            return is_blind(quiet)

        wait_until(blind, 6)
        assert "garbled" in last(quiet)["meta"]["blind"]
        wait_until(lambda: quiet.mode("vision") == "local")

    def test_a_fast_camera_does_not_flood_the_navigator(self, quiet: Stage) -> None:
        """It reads six messages a second, and what queues up makes it late."""
        number = itertools.count(20_000)
        looked, words = frames("seen"), len(quiet.heard(OBSTACLE))
        began = time.monotonic()

        def enough() -> bool:
            send_frame(quiet, time.time(), picture(next(number)))
            return frames("seen") >= looked + 25

        wait_until(enough)
        took_s = time.monotonic() - began
        assert len(quiet.heard(OBSTACLE)) - words <= took_s / obstacle_reports.REPORT_EVERY_S + 1

    def test_a_way_that_seems_to_change_with_each_frame_neither(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A navigator that was started with the robot's own detectors reads three words a second."""
        now = 1_000.0
        monkeypatch.setattr(obstacle_reports.time, "monotonic", lambda: now)
        said: list[tuple[float, bool]] = []
        reports = ObstacleReports(lambda _, body: said.append((now, body["present"])) is None)
        for number in range(50):
            present = number % 2 == 0
            reports.report("obstacle" if present else "clear", NearestObstacle(present=present), now)
            assert said[-1][1], "a way that may be blocked is" if present else "not called clear so soon after that"
            if present:
                assert said[-1][0] == now, "and that is said at once"
            now += 0.2
        assert len(said) <= 3 * 50 * 0.2 + 1

    def test_a_slow_look_is_no_frozen_camera(self, quiet: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """As at the start, while libraries load: frames come and nobody has looked at them yet."""
        now, buffer, liveness = time.monotonic(), LatestFrameBuffer(), CameraLiveness()
        monitor = quiet.link._vision.monitor
        for number in range(20):
            body = {"ts": float(number), "frame_jpeg": encode_base64(picture(30_000 + number))}
            buffer.put(body, now - 4 + number * 0.2)
            if number == 0:
                frame = buffer.get(0)
                assert frame is not None
                liveness.see(frame.jpeg, frame.arrived, frame.stream)
        monkeypatch.setattr(monitor, "_buffer", buffer)
        monkeypatch.setattr(monitor, "_liveness", liveness)
        assert monitor.vision_problem(now, now - 10) is None

    def test_after_a_pause_the_picture_from_before_it_is_looked_at(self) -> None:
        """Seen with the robot's own code after the PC slept: it counted as the same picture for 29 s."""
        buffer, body = LatestFrameBuffer(), {"ts": 1.0, "frame_jpeg": encode_base64(picture(40_000))}

        def streams(*times: float) -> list[int | None]:
            looked = []
            for now in times:
                buffer.put(body, now)
                frame = buffer.get(0)
                looked.append(None if frame is None else frame.stream)
            return looked

        first, same, after_a_gap = streams(100.0, 100.2, 104.0)
        assert (first is None, same, after_a_gap) == (False, None, (first or 0) + 1)
        buffer.reset()
        assert streams(104.2) == [(after_a_gap or 0) + 1]

    def test_only_the_newest_waits(self, quiet: Stage) -> None:
        quiet.write("SLOW", "0.3")
        self.counted("seen", lambda: send_frame(quiet, 80_000.0, picture(1_999)))
        before = frames("seen"), frames("replaced")
        for number in range(20):
            send_frame(quiet, 90_000.0 + number, picture(2_000 + number))
        wait_until(lambda: frames("seen") - before[0] + frames("replaced") - before[1] >= 20)
        assert 1 <= frames("seen") - before[0] <= 3

    def test_the_same_bytes_are_not_looked_at_again(self, quiet: Stage) -> None:
        def twice() -> None:
            for ts in (85_000.0, 85_000.2):
                send_frame(quiet, ts, picture(1_998))

        self.counted("repeated", twice)

    def test_a_clock_far_from_ours_changes_nothing(self, quiet: Stage) -> None:
        for ts in (5.0, 4e9):
            self.counted("seen", lambda ts=ts: send_frame(quiet, ts, picture(int(ts))))  # type: ignore[misc]

    def test_every_malformed_one_is_refused(self, quiet: Stage) -> None:
        def refused() -> float:
            return sum(
                metric("rider_refused_total", where="link", code=code) for code in ("invalid_input", "too_large")
            )

        names = [name for name in MALFORMED if name.startswith("frame_")]
        before = refused()
        for name in names:
            quiet.robot.inject(name)
        # Before the large one: what waits together with it is dropped unread.
        wait_until(lambda: refused() - before >= len(names))
        send_frame(quiet, 90_001.0, b"\xff\xd8\xff" + bytes(3_100_000))
        wait_until(lambda: refused() - before >= len(names) + 1)
        self.counted("seen", lambda: send_frame(quiet, 90_002.0, picture(9)))


class TestUnattended:
    """Vision is the robot's, and its detectors rest because voice is ours: as the robot's own code was seen to do."""

    def test_the_way_is_blocked_until_somebody_looks(self, stage: Stage) -> None:
        stage.start_worker("voice", "vision")
        seen(stage)
        wait_until(lambda: not last(stage)["present"])
        stage.robot.switch("vision", "local")
        wait_until(lambda: is_blind(stage), 3, what="a word that nothing is known of the way")
        assert stage.mode("voice") == "pc"
        assert "detectors rest" in last(stage)["meta"]["blind"]
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
        assert is_blind(stage)

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
