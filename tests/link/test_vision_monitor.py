"""Whatever hangs or was down, an outdated report "clear" does not stay the robot's last one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from link_harness import LinkHarness

from rider_core.api.messages import encode_base64
from rider_core.api.object_detection import Detections
from rider_core.errors import JobExpired
from rider_core.link import vision_monitor, vision_pipeline
from rider_core.link.camera_liveness import CameraLiveness
from rider_core.link.domain import DomainOwner
from rider_core.link.frame_buffer import CameraFrame, LatestFrameBuffer
from rider_core.link.obstacle import NearestObstacle
from rider_core.link.obstacle_reports import TOPIC, ObstacleReports
from rider_core.link.options import VisionOptions
from rider_core.link.services import LinkServices
from rider_core.link.vision_monitor import VISION_LOST_AFTER_S, UnansweredFrames, VisionMonitor
from rider_core.simulator.pictures import encode_grey_blocks
from rider_core.testing.waiting import wait_until

LOST = DomainOwner("local", 0.0, is_lost=True)
#: Time until vision is reported lost, in seconds.
REPORTED_WITHIN_S = VISION_LOST_AFTER_S + 1.5


class Bus:
    def __init__(self) -> None:
        self.up = True
        self.sent: list[dict[str, Any]] = []

    def __call__(self, topic: str, body: dict[str, Any]) -> bool:
        if self.up:
            self.sent.append(body)
        return self.up

    @property
    def reports(self) -> list[str]:
        return ["blind" if "blind" in body["meta"] else "clear" for body in self.sent]


class MonitorHarness:
    """A monitor whose robot reports the owner of vision that the test sets."""

    def __init__(
        self, owner: DomainOwner, buffer: LatestFrameBuffer | None = None, liveness: CameraLiveness | None = None
    ) -> None:
        self.bus, self.owner = Bus(), owner
        self.reports = ObstacleReports(self.bus)
        self.monitor = VisionMonitor(
            buffer or LatestFrameBuffer(),
            liveness or CameraLiveness(),
            UnansweredFrames(),
            self.reports,
            forget=lambda: None,
            fail_over=lambda _: None,
            owner=lambda: self.owner,
        )

    def poll(self) -> list[str]:
        self.monitor.poll()
        return self.bus.reports


def test_a_report_of_a_killed_link_is_replaced() -> None:
    """It may have been "clear", and the robot has fallen back to local meanwhile."""
    harness = MonitorHarness(LOST)
    assert harness.poll() == ["blind"]
    assert harness.poll() == ["blind"], "one report is enough"


def test_nothing_is_reported_where_the_pc_never_served_vision() -> None:
    harness = MonitorHarness(DomainOwner("local", 0.0))
    assert harness.poll() == []
    harness.owner = DomainOwner("", 0.0)
    assert harness.poll() == [], "the owner of vision is not known yet"


def test_a_dropped_report_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision_monitor, "RETRY_EVERY_S", 0.0)
    harness = MonitorHarness(LOST)
    harness.reports.report("clear", NearestObstacle(), 1.0)
    harness.bus.up = False
    assert harness.poll() == harness.poll() == ["clear"]
    harness.bus.up = True
    assert harness.poll() == ["clear", "blind"]


def test_a_report_that_may_be_lost_is_repeated_after_a_persons_switch() -> None:
    harness = MonitorHarness(DomainOwner("local", 0.0))
    harness.reports.report("clear", NearestObstacle(), 1.0)
    harness.reports.report_vision_lost("the camera hangs", 2.0)
    harness.monitor.bus_is_back()
    assert harness.poll() == ["clear", "blind", "blind"]


def test_pictures_from_before_a_takeover_do_not_count() -> None:
    """The camera hung, vision failed over and was taken over again; its first picture has not been analysed yet."""
    jpeg = encode_grey_blocks([[40 * (row + column) % 256 for column in range(8)] for row in range(6)])
    buffer, liveness = LatestFrameBuffer(), CameraLiveness()
    monitor = MonitorHarness(LOST, buffer, liveness).monitor

    def show(now: float) -> None:
        buffer.put({"ts": now, "frame_jpeg": encode_base64(jpeg)}, now)

    def poll() -> None:
        frame = buffer.get(0)
        assert frame is not None
        liveness.update(frame.jpeg, frame.arrived, frame.stream)

    show(1.0)
    poll()
    for tenth in range(10, 41, 2):  # a camera that hangs sends the same picture, encoded anew each time
        liveness.update(jpeg, tenth / 10, stream=1)
    show(4.0)
    assert monitor.vision_problem(4.0, since=0.0) == ("stale", "the camera shows the same picture for 3 s")
    show(20.0)
    assert monitor.vision_problem(20.1, since=19.9) is None
    poll()
    assert monitor.vision_problem(20.2, since=19.9) is None
    show(23.0)
    assert monitor.vision_problem(23.0, since=19.9) == ("stale", "the camera shows the same picture for 3 s")


def test_a_result_that_is_too_old_is_not_reported() -> None:
    """A detector or a tracker that hung may return an old result in which the way is clear."""

    class Tracker:
        def update(self, objects: Any, elapsed_s: float) -> list[int | None]:
            return [None] * len(objects)

    bus = Bus()
    services = LinkServices(None, lambda *_, **__: None, lambda *_: iter(()), Tracker, dict)  # type: ignore[arg-type]
    pipeline = vision_pipeline.VisionPipeline(
        services, bus, lambda _: None, lambda: DomainOwner("pc", 0.0), VisionOptions()
    )
    found = Detections(objects=(), width=640, height=480, provider="detector")
    for number in range(5):
        frame = CameraFrame("", b"", float(number), time.monotonic() - vision_pipeline.TOO_OLD_S - 0.1, 1)
        with pytest.raises(JobExpired, match=r"is 1\.6 s old"):
            pipeline._report(frame, found)
    assert bus.reports == []
    for number in range(5):
        pipeline._report(CameraFrame("", b"", 10.0 + number, time.monotonic(), 1), found)
    assert bus.reports[-1] == "clear"


@pytest.mark.slow
def test_vision_lost_is_reported_while_redis_hangs(harness: LinkHarness) -> None:
    """The vision pipeline's thread waits for Redis for many seconds then."""
    harness.start_worker("vision")
    harness.robot.switch("vision", "pc")
    harness.link.start()
    wait_until(lambda: harness.received(TOPIC) and not harness.received(TOPIC)[-1]["present"], what="a clear way")
    with harness.valkey.paused():
        began = time.monotonic()
        wait_until(lambda: "blind" in harness.received(TOPIC)[-1]["meta"], 10, what="vision reported lost")
        assert time.monotonic() - began < REPORTED_WITHIN_S
        assert "no picture was analysed within" in harness.received(TOPIC)[-1]["meta"]["blind"]


@pytest.mark.slow
def test_vision_lost_is_repeated_after_the_bus_was_down(harness: LinkHarness) -> None:
    """Vision is unattended, and the report from before the bus broke off may not have arrived."""
    harness.start_worker("voice")
    harness.link.start()
    wait_until(lambda: harness.received(TOPIC), what="an obstacle report")
    count = len(harness.received(TOPIC))
    harness.robot.stop_broker()
    wait_until(lambda: harness.link.describe()["state"] == "down", 10, what="the cut")
    harness.robot.start_broker()
    wait_until(lambda: harness.link._robot.owner("vision").unattended and len(harness.received(TOPIC)) > count, 20)
    assert "blind" in harness.received(TOPIC)[-1]["meta"]
