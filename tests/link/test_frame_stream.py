"""Frames that the test sends itself: their order, their clock, their speed, and frames that show nothing."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from link_harness import LinkHarness, metric
from vision_harness import (
    FAR_PERSON,
    OBSTACLE,
    frame_count,
    is_vision_lost,
    last_report,
    picture,
    send_frame,
)

from rider_core.api.jobs import JobQuery
from rider_core.api.messages import encode_base64
from rider_core.link import obstacle_reports, vision_monitor
from rider_core.link.camera_liveness import CameraLiveness
from rider_core.link.frame_buffer import LatestFrameBuffer
from rider_core.link.obstacle import NearestObstacle
from rider_core.link.obstacle_reports import ObstacleReports
from rider_core.simulator.faults import MALFORMED
from rider_core.simulator.pictures import encode_grey_blocks
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


class TestFrames:
    """Frames that the test sends itself: the robot's own camera keeps silent while vision is its own."""

    @pytest.fixture
    def quiet(self, shared: LinkHarness, monkeypatch: pytest.MonkeyPatch) -> LinkHarness:
        monkeypatch.setattr(shared.robot._camera, "_send", lambda *_: None)
        monkeypatch.setattr(vision_monitor, "NO_FRAME_S", 60.0)
        shared.robot.switch("vision", "pc")
        shared.link.start()
        wait_until(lambda: shared.link.describe()["state"] == "up" and not shared.link.describe()["problems"])
        number = iter(range(1_000_000))

        def analysed() -> bool:  # frames sent before the subscription is there are lost
            index = next(number)
            send_frame(shared, 1_000 + index, picture(100_000 + index))
            return bool(shared.events("robot.domain")) and frame_count("seen") > before

        before = frame_count("seen")
        wait_until(analysed)
        # A frame in transit would be counted in the test.
        send_frame(shared, 2_000.0, picture(200_000))
        wait_until(lambda: shared.link._vision._before is not None and shared.link._vision._before.ts == 2_000.0)
        return shared

    def counted(self, outcome: str, act: Callable[[], None]) -> None:
        before = frame_count(outcome)
        act()
        wait_until(lambda: frame_count(outcome) > before, 5, what=f"a frame that is {outcome}")

    def test_the_first_frames_of_a_stream_are_too_few_to_call_the_way_clear(
        self, quiet: LinkHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(obstacle_reports, "REPORT_EVERY_S", 0.0)
        buffer = quiet.link._vision.buffer
        with monkeypatch.context() as patch:
            patch.setattr("rider_core.link.frame_buffer.GAP_S", 0.3)
            wait_until(lambda: time.monotonic() - buffer.arrived > 0.3)
            self.counted("seen", lambda: send_frame(quiet, 500.0, picture(5_000)))
        for number in range(1, 3):
            self.counted("seen", lambda number=number: send_frame(quiet, 500.0 + number, picture(5_000 + number)))  # type: ignore[misc]
        wait_until(lambda: last_report(quiet)["ts"] == 502.0)
        reports = [it for it in quiet.received(OBSTACLE) if it["ts"] in (500.0, 501.0, 502.0)]
        assert [it["present"] for it in reports] == [False]

    def test_a_clock_that_runs_backward_or_was_set_changes_nothing(self, quiet: LinkHarness) -> None:
        """The bus keeps the order: the object's track goes on, and reports have the robot's time."""
        quiet.show(FAR_PERSON)
        numbers = iter(range(1_000))
        clocks = (lambda n: 50_000 - n * 0.2, lambda n: 100.0, lambda n: 4e9 + n)

        def has_reported(clock: Callable[[int], float], count: int) -> Callable[[], bool]:
            def check() -> bool:
                number = next(numbers)
                send_frame(quiet, clock(number), picture(1_000 + number))
                return len(quiet.received(OBSTACLE)) >= count

            return check

        for clock in clocks:
            wait_until(has_reported(clock, len(quiet.received(OBSTACLE)) + 5))
        assert [it["event"] for it in quiet.events("robot.object") if it["event"] != "update"] == ["enter"]

    def test_a_picture_that_is_too_small_loses_vision(
        self, quiet: LinkHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vision_monitor, "NO_FRAME_S", 1.0)
        tiny = encode_grey_blocks([[7]])
        wait_until(lambda: send_frame(quiet, 1.0, tiny) or is_vision_lost(quiet), 5)  # type: ignore[func-returns-value]
        assert "the picture has 8 x 8 pixels" in last_report(quiet)["meta"]["blind"]
        wait_until(lambda: quiet.mode("vision") == "local")

    def test_a_black_picture_loses_vision(self, quiet: LinkHarness) -> None:
        shades = itertools.cycle((0, 1, 2))

        def is_lost() -> bool:
            send_frame(quiet, time.time(), encode_grey_blocks([[next(shades)] * 8] * 6))
            return is_vision_lost(quiet)

        wait_until(is_lost, 6)
        assert "black, white or grey all over" in last_report(quiet)["meta"]["blind"]
        wait_until(lambda: quiet.mode("vision") == "local")

    def test_black_pictures_are_never_reported_as_clear(
        self, quiet: LinkHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The failover does not succeed: no later frame may be reported as clear."""
        monkeypatch.setattr(quiet.link._failover, "fail_over", lambda *_: None)
        monkeypatch.setattr(quiet.link._vision.monitor, "_fail_over", lambda _: None)
        shades = itertools.cycle((0, 1, 2))

        def is_lost_in_the_dark() -> bool:
            send_frame(quiet, time.time(), encode_grey_blocks([[next(shades)] * 8] * 6))
            return is_vision_lost(quiet)

        wait_until(is_lost_in_the_dark, 6)
        before = frame_count("frozen")
        wait_until(lambda: is_lost_in_the_dark() and frame_count("frozen") > before + 10)
        reports = quiet.received(OBSTACLE)
        first = next(index for index, it in enumerate(reports) if "blind" in it["meta"])
        assert all(it["present"] for it in reports[first:])

    def test_garbled_pictures_lose_vision(self, quiet: LinkHarness) -> None:
        number = itertools.count(70_000)

        def is_lost() -> bool:
            whole = picture(next(number))
            send_frame(quiet, time.time(), whole[: len(whole) * 3 // 4])
            return is_vision_lost(quiet)

        wait_until(is_lost, 6)
        assert "garbled" in last_report(quiet)["meta"]["blind"]
        wait_until(lambda: quiet.mode("vision") == "local")

    def test_a_fast_camera_does_not_flood_the_navigator(self, quiet: LinkHarness) -> None:
        """The navigator reads six messages a second, and a queue delays it."""
        number = itertools.count(20_000)
        analysed, reports = frame_count("seen"), len(quiet.received(OBSTACLE))
        began = time.monotonic()

        def enough() -> bool:
            send_frame(quiet, time.time(), picture(next(number)))
            return frame_count("seen") >= analysed + 25

        wait_until(enough)
        took_s = time.monotonic() - began
        assert len(quiet.received(OBSTACLE)) - reports <= took_s / obstacle_reports.REPORT_EVERY_S + 1

    def test_reports_that_change_with_each_frame_do_not_flood_the_navigator(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A navigator that was started with the robot's own detectors reads three messages a second."""
        now = 1_000.0
        monkeypatch.setattr(obstacle_reports.time, "monotonic", lambda: now)
        sent: list[tuple[float, bool]] = []
        reports = ObstacleReports(lambda _, body: sent.append((now, body["present"])) is None)
        for number in range(50):
            present = number % 2 == 0
            reports.report("obstacle" if present else "clear", NearestObstacle(present=present), now)
            assert sent[-1][1], "the obstacle was not sent" if present else "clear was sent too soon"
            if present:
                assert sent[-1][0] == now, "the obstacle was sent late"
            now += 0.2
        assert len(sent) <= 3 * 50 * 0.2 + 1

    def test_a_slow_analysis_is_no_frozen_camera(self, quiet: LinkHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        """As at the start, while libraries load: frames arrive and none has been analysed."""
        now, buffer, liveness = time.monotonic(), LatestFrameBuffer(), CameraLiveness()
        monitor = quiet.link._vision.monitor
        for number in range(20):
            body = {"ts": float(number), "frame_jpeg": encode_base64(picture(30_000 + number))}
            buffer.put(body, now - 4 + number * 0.2)
            if number == 0:
                frame = buffer.get(0)
                assert frame is not None
                liveness.update(frame.jpeg, frame.arrived, frame.stream)
        monkeypatch.setattr(monitor, "_buffer", buffer)
        monkeypatch.setattr(monitor, "_liveness", liveness)
        assert monitor.vision_problem(now, now - 10) is None

    def test_only_the_newest_waits(self, quiet: LinkHarness) -> None:
        quiet.write("SLOW", "0.3")
        self.counted("seen", lambda: send_frame(quiet, 80_000.0, picture(1_999)))
        before = frame_count("seen"), frame_count("replaced")
        for number in range(20):
            send_frame(quiet, 90_000.0 + number, picture(2_000 + number))
        wait_until(lambda: frame_count("seen") - before[0] + frame_count("replaced") - before[1] >= 20)
        assert 1 <= frame_count("seen") - before[0] <= 3

    def test_byte_identical_pictures_are_not_analysed_again(self, quiet: LinkHarness) -> None:
        def twice() -> None:
            for ts in (85_000.0, 85_000.2):
                send_frame(quiet, ts, picture(1_998))

        self.counted("repeated", twice)

    def test_a_clock_far_from_ours_changes_nothing(self, quiet: LinkHarness) -> None:
        for ts in (5.0, 4e9):
            self.counted("seen", lambda ts=ts: send_frame(quiet, ts, picture(int(ts))))  # type: ignore[misc]

    def test_a_job_tells_when_its_frame_came(self, quiet: LinkHarness) -> None:
        began = time.time()
        self.counted("seen", lambda: send_frame(quiet, 5_000.0, picture(5_000)))
        job = quiet.backend.list_jobs(JobQuery(task="vision.detect", limit=1)).jobs[0]
        captured_ts = quiet.backend.details(job.id).payload["captured_ts"]
        assert began <= captured_ts <= job.submitted_ts, "by our clock, not by the robot's"

    def test_every_malformed_frame_is_refused(self, quiet: LinkHarness) -> None:
        def refused() -> float:
            return sum(
                metric("rider_refused_total", where="link", code=code) for code in ("invalid_input", "too_large")
            )

        names = [name for name in MALFORMED if name.startswith("frame_")]
        before = refused()
        for name in names:
            quiet.robot.inject(name)
        # Before the large frame: frames that wait together with it are dropped unread.
        wait_until(lambda: refused() - before >= len(names))
        send_frame(quiet, 90_001.0, b"\xff\xd8\xff" + bytes(3_100_000))
        wait_until(lambda: refused() - before >= len(names) + 1)
        self.counted("seen", lambda: send_frame(quiet, 90_002.0, picture(9)))
