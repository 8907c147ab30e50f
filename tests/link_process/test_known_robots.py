"""Who may ask as a robot: addresses that change, names that cannot be looked up, and what is logged."""

from __future__ import annotations

import ipaddress
import logging
import threading

import pytest

from rider_core.link_process import known_robots
from rider_core.link_process.known_robots import MAX_LOGGED, Address, KnownRobots


class Resolver:
    """A name server whose answer a test changes."""

    def __init__(self, *addresses: str) -> None:
        self.answers = True
        self.asked = 0
        self.hangs = threading.Event()
        self.hangs.set()
        self.change(*addresses)

    def change(self, *addresses: str) -> None:
        self._addresses = frozenset(map(ipaddress.ip_address, addresses))

    def __call__(self, host: str) -> frozenset[Address]:
        assert host == "rider-pi.local"
        self.asked += 1
        self.hangs.wait(10)
        return self._addresses


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name may be looked up again for each unknown address."""
    monkeypatch.setattr(known_robots, "LOOK_UP_EVERY_S", 0.0)


@pytest.mark.usefixtures("at_once")
def test_a_robot_that_gets_another_address_is_known_again() -> None:
    resolver = Resolver("192.0.2.7")
    robots = KnownRobots("rider-pi.local", (), resolver)
    assert robots.include("192.0.2.7")
    assert resolver.asked == 1, "a known address asks no name server"
    resolver.change("192.0.2.8")
    assert robots.include("192.0.2.8")
    assert not robots.include("192.0.2.7")
    resolver.change()
    assert robots.include("192.0.2.8"), "a name server that is away takes no address back"


def test_strangers_make_no_name_server_busy() -> None:
    resolver = Resolver("192.0.2.7")
    robots = KnownRobots("rider-pi.local", (), resolver)
    for number in range(100):
        assert not robots.include(f"192.0.2.{100 + number}")
    assert resolver.asked == 1


@pytest.mark.usefixtures("at_once")
def test_a_name_server_that_hangs_holds_a_request_for_a_short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_robots, "LOOK_UP_LIMIT_S", 0.05)
    resolver = Resolver("192.0.2.7")
    robots = KnownRobots("rider-pi.local", (), resolver)
    resolver.hangs.clear()
    assert not robots.include("192.0.2.8")
    assert robots.include("192.0.2.7")
    resolver.hangs.set()


def test_a_stranger_is_logged_once_with_the_way_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    robots = KnownRobots("192.0.2.7", ())
    for _ in range(3):
        assert not robots.include("192.0.2.8")
    assert [record.getMessage() for record in caplog.records] == [
        "192.0.2.8 asks as a robot would, and is not 192.0.2.7: it is refused. "
        "If it is the robot, too: RIDER_LINK_ALLOWED_ADDRESSES=192.0.2.8"
    ]
    for number in range(9, 100):
        robots.include(f"192.0.2.{number}")
    assert len(caplog.records) == MAX_LOGGED


def test_localhost_and_ipv6_names_are_looked_up_by_the_system() -> None:
    assert known_robots.addresses_of("localhost")
    assert known_robots.addresses_of("::1") == {ipaddress.ip_address("::1")}
    assert known_robots.addresses_of("no-such-robot.invalid") == frozenset()
