"""A domain failover without a robot: the clock, the robot and the workers' capacity are set by the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rider_core.api.steering import Choice
from rider_core.link import domain_failover, readiness, robot_domains
from rider_core.link.domain import TASK_OF_DOMAIN
from rider_core.link.domain_failover import DomainFailover
from rider_core.link.messages import DomainState
from rider_core.link.preferences import Preferences
from rider_core.link.robot_domains import RobotDomains


class FakeClock:
    """A clock that the test sets, in seconds."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000 + self.now


class FakeRobot:
    """The robot's HTTP interface, which accepts every switch.

    Attributes:
        switched: Domain and target of each switch.
    """

    def __init__(self) -> None:
        self.modes = dict.fromkeys(TASK_OF_DOMAIN, "local") | {"vision": "pc"}
        self.reasons = dict.fromkeys(TASK_OF_DOMAIN, "boot")
        self.ai_mode_set = ""
        self.switched: list[tuple[str, str]] = []

    def ai_mode(self) -> str:
        return self.ai_mode_set or ("pc_offload" if "pc" in self.modes.values() else "local")

    def put(self, domain: str, mode: str, reason: str) -> None:
        self.modes[domain], self.reasons[domain] = mode, reason

    def send_heartbeat(self, *_: object) -> None:
        pass

    def domains(self) -> dict[str, DomainState]:
        return {
            name: DomainState(domain=name, mode=mode, reason=self.reasons[name])  # type: ignore[arg-type]
            for name, mode in self.modes.items()
        }

    def switch(self, domain: str, target: str, reason: str) -> DomainState:
        self.switched.append((domain, target))
        self.put(domain, target, reason)
        return DomainState(domain=domain, mode=target, reason=reason)  # type: ignore[arg-type]


class FakeCapacity:
    """
    Attributes:
        workers: How many jobs of each task can run.
        lacking: Domains whose task no worker can do.
    """

    def __init__(self) -> None:
        self.workers = 1
        self.lacking: set[str] = set()

    def __call__(self) -> dict[str, int]:
        return {task: 0 if name in self.lacking else self.workers for name, task in TASK_OF_DOMAIN.items()}


class FailoverHarness:
    """A failover whose rounds the test runs, one for each second of its clock."""

    def __init__(
        self, clock: FakeClock, robot: FakeRobot, preferences_file: Path | None = None, all_together: bool = False
    ) -> None:
        self.clock, self.robot, self.capacity = clock, robot, FakeCapacity()
        self.domains, self.failover = new_failover(robot, self.capacity, preferences_file, all_together)
        clock.now += 100

    def prefer(self, domain: str, choice: Choice) -> dict[str, Any]:
        self.failover.prefer(domain, choice, "the panel", "for the test", timeout_s=0)
        self.rounds(1)
        return self.domains.describe(domain)

    def rounds(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.now += 1
            self.failover._round()

    def mode(self, domain: str) -> str:
        return self.domains.owner(domain).mode


def new_failover(
    robot: object, capacity: object, preferences_file: Path | None = None, all_together: bool = False
) -> tuple[RobotDomains, DomainFailover]:
    preferences = Preferences(preferences_file)
    domains = RobotDomains(robot, "http://127.0.0.1:9", preferences, lambda *_, **__: None, lambda _: None)  # type: ignore[arg-type]
    return domains, DomainFailover(domains, preferences, capacity, all_together)  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    for module in (domain_failover, robot_domains, readiness):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(readiness, "WORKER_GRACE_S", 0.0)
    return clock
