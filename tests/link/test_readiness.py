"""Which domains fail over together, and which problems count: the bus, workers, vision."""

from __future__ import annotations

import pytest
from failover_harness import FailoverHarness, FakeClock, FakeRobot

from rider_core.link import readiness
from rider_core.link.domain import HEALTHY_FOR_S, TASK_OF_DOMAIN


def test_the_start_grace_is_for_domains_that_were_never_served(clock: FakeClock) -> None:
    """Workers load their models while the link starts."""
    robot = FakeRobot()
    robot.put("voice", "pc", "manual")
    harness = FailoverHarness(clock, robot)
    clock.now -= 100  # the link has just started
    harness.capacity.lacking = {"vision"}
    harness.rounds(5)
    assert robot.modes["vision"] == "pc"
    harness.capacity.lacking = {"vision", "voice"}
    harness.rounds(1)
    assert (robot.modes["voice"], robot.modes["vision"]) == ("local", "pc")


def test_a_worker_that_is_started_again_causes_no_failover(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "WORKER_GRACE_S", 3.0)
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.capacity.lacking = {"vision"}
    harness.rounds(2)
    harness.capacity.lacking = set()
    harness.rounds(2)
    assert robot.modes["vision"] == "pc"
    harness.capacity.lacking = {"vision"}
    harness.rounds(6)
    assert robot.modes["vision"] == "local"


def test_domains_over_the_bus_fail_over_when_it_is_down(clock: FakeClock) -> None:
    robot = FakeRobot()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.failover.readiness.set_bus_problem("nothing of ours reaches it")
    harness.rounds(2)
    assert set(robot.modes.values()) == {"local"}, "with text alone at the PC, the robot would not recognise speech"
    assert "nothing of ours reaches it" in robot.reasons["voice"]
    harness.failover.readiness.set_bus_problem("")
    harness.rounds(HEALTHY_FOR_S + 6)
    assert set(robot.modes.values()) == {"pc"}


def test_a_broker_that_restarts_quickly_causes_no_failover(clock: FakeClock) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.failover.readiness.set_bus_problem("nothing comes in")
    harness.failover._round()
    harness.failover.readiness.set_bus_problem("")
    harness.rounds(5)
    assert robot.modes["vision"] == "pc"


@pytest.mark.parametrize("voice", ["pc", "local"])
def test_text_fails_over_with_a_voice_that_cannot_be_served(clock: FakeClock, voice: str) -> None:
    """With text alone at the PC the robot's voice goes on streaming. Where a person chose local voice, text stays."""
    robot = FakeRobot()
    robot.put("vision", "local", "manual")
    robot.put("voice", voice, "manual")
    robot.put("text", "pc", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.capacity.lacking = {"voice"}
    harness.rounds(3)
    assert robot.modes["text"] == ("local" if voice == "pc" else "pc")
    harness.capacity.lacking = set()
    harness.rounds(HEALTHY_FOR_S + 6)
    assert (robot.modes["voice"], robot.modes["text"]) == (voice, "pc")


def test_all_domains_fail_over_with_vision_where_it_is_set(clock: FakeClock) -> None:
    robot = FakeRobot()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    harness = FailoverHarness(clock, robot, all_together=True)
    harness.rounds(20)
    harness.failover.fail_over("vision", "the camera hangs")
    harness.rounds(1)
    assert set(robot.modes.values()) == {"local"}
    robot.switched.clear()
    harness.rounds(3 * HEALTHY_FOR_S)
    assert set(robot.modes.values()) == {"pc"}
    assert robot.switched[0][0] == "vision", "else the other domains would pause the robot's own detectors"


def test_vision_that_a_person_wants_local_does_not_hold_other_domains_there(clock: FakeClock) -> None:
    """The camera hung, all domains failed over, and then a person chose local vision."""
    robot = FakeRobot()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    harness = FailoverHarness(clock, robot, all_together=True)
    harness.rounds(20)
    harness.failover.fail_over("vision", "the camera hangs")
    harness.rounds(1)
    harness.prefer("vision", "local")
    harness.rounds(3 * HEALTHY_FOR_S)
    assert robot.modes == {"voice": "pc", "vision": "local", "text": "pc"}
