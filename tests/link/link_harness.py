"""A link in this process, between a simulated robot and a real queue with a real worker and a real tracker."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import detector_plugin
import pytest
import redis
import voice_plugin
from prometheus_client import REGISTRY
from rider_vision_tracking import new_byte_track

from rider_core.api import ObjectTracker
from rider_core.eventbus import EventBus
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.link import Link, LinkOptions, domain_failover, readiness, robot_domains
from rider_core.link.domain import FAILOVER_PREFIX
from rider_core.link.options import VisionOptions
from rider_core.link.services import LinkServices
from rider_core.simulator import RobotConfig, SimulatedRobot
from rider_core.testing.jobs.faults.kill_points import FAST_TIMINGS
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

#: Environment variables with the paths of files that control the plugins of the tests.
FILES = ("BROKEN", "DETECTIONS", "GO", "SLOW")
MEDIA = Path(__file__).parents[3] / "shared" / "media"


@dataclass
class TrackerFactory:
    """Makes trackers, or raises `error`."""

    error: Exception | None = None

    def __call__(self) -> ObjectTracker:
        if self.error is not None:
            raise self.error
        return new_byte_track()


@dataclass
class LinkHarness:
    """A link whose parts are all real, except the robot and the engines."""

    robot: SimulatedRobot
    link: Link
    backend: RedisJobBackend
    valkey: Valkey
    processes: Processes
    published: list[tuple[str, dict[str, Any]]]
    trackers: TrackerFactory

    @property
    def broken(self) -> Path:
        return Path(self.processes.environment["BROKEN"])

    @property
    def go(self) -> Path:
        return Path(self.processes.environment["GO"])

    def start_worker(self, *queues: str) -> Any:
        queues = queues or ("voice",)
        task = {"voice": "voice.transcribe", "vision": "vision.detect"}[queues[0]]
        before = self.backend.capacity()[task]
        process = self.processes.fork_worker(*queues)
        wait_until(lambda: self.backend.capacity()[task] > before, what="a worker")
        return process

    def show(self, *objects: tuple[str, float, tuple[float, float, float, float]]) -> None:
        """Set the detections of the next frames."""
        self.write("DETECTIONS", json.dumps(objects))

    def write(self, name: str, text: str) -> None:
        """Write one of `FILES` atomically."""
        path = Path(self.processes.environment[name])
        path.with_suffix(".new").write_text(text)
        os.replace(path.with_suffix(".new"), path)

    def mode(self, domain: str = "voice") -> str:
        return str(self.robot.domains[domain]["mode"])

    def reason(self, domain: str = "voice") -> str:
        """The reason that the robot reports, without the link's prefix."""
        return str(self.robot.domains[domain]["reason"]).removeprefix(FAILOVER_PREFIX)

    def received(self, topic: str) -> list[dict[str, Any]]:
        return [message.body for message in self.robot.received.all(topic) if message.body is not None]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [data for event_kind, data in self.published if event_kind == kind]


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def fast_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter intervals of the link than with a robot."""
    monkeypatch.setattr(readiness, "START_GRACE_S", 0.0)
    monkeypatch.setattr(readiness, "WORKER_GRACE_S", 0.2)
    monkeypatch.setattr(domain_failover, "CHECK_EVERY_S", 0.1)
    monkeypatch.setattr(robot_domains, "HEARTBEAT_EVERY_S", 0.3)
    monkeypatch.setattr(domain_failover, "HEALTHY_FOR_S", 1.0)


@pytest.fixture
def harness(
    valkey: Valkey, connection: redis.Redis, processes: Processes, fast_intervals: None
) -> Iterator[LinkHarness]:
    """A harness with its own server and workers, for tests that break something."""
    install_test_plugins(processes, valkey)
    with running_link(valkey, connection, processes) as harness:
        yield harness


def install_test_plugins(processes: Processes, valkey: Valkey) -> None:
    """Install the plugins of the tests, and set the environment of the processes."""
    install_plugin(processes.folder, "voice-probe", voice_plugin.SOURCE)
    install_plugin(processes.folder, "detector-probe", detector_plugin.SOURCE)
    files = {name: str(processes.folder / name.lower()) for name in FILES}
    # The circuit breaker must not open during a test of an engine that fails.
    processes.environment.update(REDIS_URL=valkey.url, RIDER_BREAKER_FAILURES="1000", **files)


@contextmanager
def running_link(
    valkey: Valkey,
    connection: redis.Redis,
    processes: Processes,
    voice_fallback_s: float = 0,
    voice_keepalive: bool = False,
) -> Iterator[LinkHarness]:
    """
    Args:
        voice_fallback_s: The robot's timer for voice, in seconds; 0: none, because without `voice_keepalive` the real
            5 s would end the robot's voice in tests of other parts.
        voice_keepalive: Off, so that the robot receives only the messages that the test caused.
    """
    backend = RedisJobBackend(connection, RQLists(), FAST_TIMINGS)
    config = RobotConfig(
        publish_port=0,
        subscribe_port=0,
        api_port=0,
        voice_fallback_s=voice_fallback_s,
        pc_domains=("voice",),
        # No server answers the robot's probe here: after three failures it would switch its domains to local.
        probe_interval_s=3_600.0,
    )
    with SimulatedRobot(config) as robot:
        robot.mute()
        wait_until(lambda: robot.voice_path == "pc", what="the robot's voice process")
        published: list[tuple[str, dict[str, Any]]] = []
        new_byte_track()  # the library is loaded once, before anything is timed
        trackers = TrackerFactory()
        options = LinkOptions(
            publish_address=f"tcp://127.0.0.1:{robot.publish_port}",
            subscribe_address=f"tcp://127.0.0.1:{robot.subscribe_port}",
            robot_api_url=robot.api_url,
            base_url="http://127.0.0.1:9",
            voice_keepalive=voice_keepalive,
            vision=VisionOptions(follow=True),
        )
        bus = EventBus(connection, "link")
        services = LinkServices(
            backend, lambda kind, **data: published.append((kind, data)), bus.follow, trackers, backend.capacity
        )
        link = Link(options, services)
        yield LinkHarness(robot, link, backend, valkey, processes, published, trackers)
        link.stop()
