"""A link in this process, between a simulated robot and a real queue with a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import voice_plugin
from house import Processes, Valkey, install_plugin, wait_until
from prometheus_client import REGISTRY

from rider_core.eventbus import EventBus
from rider_core.jobs.rq_backend import RQBackend
from rider_core.link import Link, LinkOptions, custody
from rider_core.link.options import House
from rider_core.simulator import RobotConfig, SimulatedRobot

MEDIA = Path(__file__).parents[3] / "shared" / "media"


@dataclass
class Stage:
    """Everything on it is real but the robot and the engine."""

    robot: SimulatedRobot
    link: Link
    backend: RQBackend
    valkey: Valkey
    processes: Processes
    told: list[tuple[str, dict[str, Any]]]

    @property
    def broken(self) -> Path:
        return Path(self.processes.environment["BROKEN"])

    @property
    def go(self) -> Path:
        return Path(self.processes.environment["GO"])

    def start_worker(self, *queues: str) -> Any:
        before = self.backend.capacity()["voice.transcribe"]
        process = self.processes.start("-m", "rider_core.cli.main", "worker", *(queues or ("voice",)))
        wait_until(lambda: self.backend.capacity()["voice.transcribe"] > before, what="a worker")
        return process

    def mode(self, domain: str = "voice") -> str:
        return str(self.robot.domains[domain]["mode"])

    def reason(self, domain: str = "voice") -> str:
        return str(self.robot.domains[domain]["reason"])

    def heard(self, topic: str) -> list[dict[str, Any]]:
        return [message.body for message in self.robot.received.all(topic) if message.body is not None]

    def tells(self, kind: str) -> list[dict[str, Any]]:
        return [data for said, data in self.told if said == kind]


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def stage(
    valkey: Valkey, connection: redis.Redis, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setattr(custody, "START_GRACE_S", 0.0)
    monkeypatch.setattr(custody, "CHECK_EVERY_S", 0.1)
    monkeypatch.setattr(custody, "HEARTBEAT_EVERY_S", 0.3)
    monkeypatch.setattr(custody, "HEALTHY_FOR_S", 1.0)
    install_plugin(processes.folder, "voice-probe", voice_plugin.SOURCE)
    processes.environment.update(
        REDIS_URL=valkey.url, BROKEN=str(processes.folder / "broken"), GO=str(processes.folder / "go")
    )
    backend = RQBackend(connection)
    config = RobotConfig(publish_port=0, subscribe_port=0, api_port=0, voice_fallback_s=0, pc_domains=("voice",))
    with SimulatedRobot(config) as robot:
        robot.mute()
        told: list[tuple[str, dict[str, Any]]] = []
        options = LinkOptions(
            publish_address=f"tcp://127.0.0.1:{robot.publish_port}",
            subscribe_address=f"tcp://127.0.0.1:{robot.subscribe_port}",
            robot_api_url=robot.api_url,
            base_url="http://127.0.0.1:9",
        )
        bus = EventBus(connection, "link")
        link = Link(options, House(backend, lambda kind, **data: told.append((kind, data)), bus.follow))
        stage = Stage(robot, link, backend, valkey, processes, told)
        yield stage
        link.stop()
