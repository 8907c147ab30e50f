"""The link's copy of the robot's domains: outdated answers, refused switches, another program at its address."""

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

    def slow_note(preferences: Preferences, *arguments: Any) -> None:
        seen.append(harness.domains.owner("vision"))  # as another thread does while a disk is slow
        note(preferences, *arguments)

    harness.rounds(5)
    monkeypatch.setattr(Preferences, "note", slow_note)
    harness.rounds(10)
    assert robot.modes["vision"] == "pc"
    (owner,) = [it for it in seen if it.mode == "pc"]
    assert clock.now - owner.since < 10


def test_an_outdated_answer_does_not_replace_a_newer_announcement(clock: FakeClock) -> None:
    """Vision fails over; before the link reads the answer, a person switches vision to the PC again."""

    class SwitchedMeanwhile(FakeRobot):
        def switch(self, domain: str, target: str, reason: str) -> DomainState:
            answer = super().switch(domain, target, reason)
            if not announced:
                clock.now += 0.01
                self.put(domain, "pc", "manual")
                announced.append(domain)
                harness.domains.receive_state({"domain": domain, "mode": "pc", "reason": "manual"})
            return answer

    announced: list[str] = []
    robot = SwitchedMeanwhile()
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.capacity.lacking = {"vision"}
    harness.rounds(1)
    assert announced == ["vision"]
    assert harness.domains.owner("vision").mode == "pc", "the robot announced it last"
    harness.rounds(1)
    assert robot.modes["vision"] == "local", "the next round, not the next heartbeat"


def test_vision_is_unattended_while_another_domain_keeps_the_robots_detectors_off(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("voice", "pc", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    assert not harness.domains.owner("vision").unattended, "the PC serves it"
    harness.failover.fail_over("vision", "the camera hangs")
    harness.rounds(1)
    assert harness.domains.owner("vision").unattended
    robot.ai_mode_set = "local"
    harness.rounds(6)
    assert not harness.domains.owner("vision").unattended, "a person has set the AI mode, so the robot's detectors run"


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
    """The robot was switched after the last poll, so the link's copy is outdated."""
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(1)
    robot.put("text", "pc", "manual")
    described = harness.prefer("text", "local")
    assert (described["mode"], robot.modes["text"]) == ("local", "local")
    assert robot.reasons["text"].startswith("set at rider-pc by the panel")


def test_a_switch_error_is_shown_until_the_switch_succeeds(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(1)

    def refuse(*_: object) -> DomainState:
        raise RobotError("it is asleep")

    with monkeypatch.context() as patched:
        patched.setattr(robot, "switch", refuse)
        described = harness.prefer("text", "pc")
    assert described["problem"] == "the robot could not be switched to pc: it is asleep"
    assert not harness.domains.agrees("text")
    harness.rounds(1)
    assert harness.domains.describe("text")["problem"] == ""
    assert harness.domains.agrees("text")
