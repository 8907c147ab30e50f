"""A simulated robot on free ports, and its clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from simulator_helpers import DEADLINE_S, Bus, Pc, robot_threads

from rider_core.simulator import RobotConfig, SimulatedRobot

MakeRobot = Callable[..., SimulatedRobot]


@pytest.fixture
def make_robot() -> Iterator[MakeRobot]:
    """Starts robots with the given settings, on free ports."""
    robots = []

    def make(**settings: Any) -> SimulatedRobot:
        free = {"publish_port": 0, "subscribe_port": 0, "api_port": 0}
        robot = SimulatedRobot(RobotConfig(**{**free, **settings}))
        robots.append(robot)
        return robot.start()

    yield make
    failures = [robot.failure for robot in robots]
    for robot in robots:
        robot.stop()
    assert failures == [None] * len(robots)
    assert robot_threads() == set()


@pytest.fixture
def join() -> Iterator[Callable[[SimulatedRobot], Bus]]:
    """Connects plain clients."""
    clients = []

    def connect(robot: SimulatedRobot) -> Bus:
        clients.append(Bus(robot))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def pc() -> Iterator[Pc]:
    server = Pc()
    yield server
    server.close()


@pytest.fixture
def api() -> Iterator[Callable[[SimulatedRobot], httpx.Client]]:
    clients = []

    def connect(robot: SimulatedRobot) -> httpx.Client:
        clients.append(httpx.Client(base_url=robot.api_url, verify=False, trust_env=False, timeout=DEADLINE_S))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
