"""What the link believes of the robot's domains: outdated answers, refusals, and another program at its address."""

from __future__ import annotations

from typing import Any

import pytest
from failover_harness import FailoverHarness, FakeClock, FakeRobot

from rider_core.errors import RobotError
from rider_core.link.domain import FAILOVER_PREFIX
from rider_core.link.messages import DomainState
from rider_core.link.preferences import Preferences


def test_other_threads_do_not_see_half_of_a_switch(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = FakeRobot()
    robot.put("vision", "local", FAILOVER_PREFIX + "the camera hangs")
    harness = FailoverHarness(clock, robot)
    seen = []
    note = Preferences.note

    def slow(preferences: Preferences, *about: Any) -> None:
        seen.append(harness.domains.owner("vision"))  # as another thread does while a disk is slow
        note(preferences, *about)

    harness.rounds(5)
    monkeypatch.setattr(Preferences, "note", slow)
    harness.rounds(10)
    assert robot.modes["vision"] == "pc"
    (taken,) = [it for it in seen if it.mode == "pc"]
    assert clock.now - taken.since < 10


def test_an_outdated_answer_does_not_replace_a_newer_announcement(clock: FakeClock) -> None:
    """We hand vision back; before we read the robot's answer, a person switches vision to the PC again."""

    class Hurried(FakeRobot):
        def switch(self, domain: str, target: str, reason: str) -> DomainState:
            answer = super().switch(domain, target, reason)
            if not said:
                clock.now += 0.01
                self.put(domain, "pc", "manual")
                said.append(domain)
                harness.domains.receive_state({"domain": domain, "mode": "pc", "reason": "manual"})
            return answer

    said: list[str] = []
    robot = Hurried()
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.capacity.lacking = {"vision"}
    harness.rounds(1)
    assert said == ["vision"]
    assert harness.domains.owner("vision").mode == "pc", "that is what the robot said last"
    harness.rounds(1)
    assert robot.modes["vision"] == "local", "the next round, not the next heartbeat"


def test_vision_is_unattended_while_another_domain_keeps_the_robots_detectors_off(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("voice", "pc", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    assert not harness.domains.owner("vision").unattended, "we look"
    harness.failover.fail_over("vision", "the camera hangs")
    harness.rounds(1)
    assert harness.domains.owner("vision").unattended
    robot.ai_mode_set = "local"
    harness.rounds(6)
    assert not harness.domains.owner("vision").unattended, "a person made the robot look for itself"


def test_another_program_at_the_robots_address_is_sent_nothing(clock: FakeClock) -> None:
    class Stranger(FakeRobot):
        sent = 0

        def domains(self) -> dict[str, DomainState]:
            raise RobotError("GET /api/providers/state: 404 'Not Found'")

        def send_heartbeat(self, *_: object) -> None:
            self.sent += 1

        def switch(self, domain: str, target: str, reason: str) -> DomainState:
            self.sent += 1
            return super().switch(domain, target, reason)

    stranger = Stranger()
    harness = FailoverHarness(clock, stranger)
    harness.capacity.workers = 0
    harness.rounds(100)
    assert stranger.sent == 0


def test_a_persons_choice_polls_the_robot_first(clock: FakeClock) -> None:
    """The robot was switched after it was asked last: what we knew of it is old."""
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(1)
    robot.put("text", "pc", "manual")
    told = harness.prefer("text", "local")
    assert (told["mode"], robot.modes["text"]) == ("local", "local")
    assert robot.reasons["text"].startswith("set at rider-pc by the panel")


def test_a_switch_error_is_shown_until_the_switch_succeeds(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(1)

    def refuse(*_: object) -> DomainState:
        raise RobotError("it is asleep")

    with monkeypatch.context() as patched:
        patched.setattr(robot, "switch", refuse)
        told = harness.prefer("text", "pc")
    assert told["problem"] == "the robot could not be switched to pc: it is asleep"
    assert not harness.domains.agrees("text")
    harness.rounds(1)
    assert harness.domains.describe("text")["problem"] == ""
    assert harness.domains.agrees("text")
