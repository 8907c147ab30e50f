"""How long a domain is left to the robot after it was handed back: what no robot is needed for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rider_core.errors import RobotError
from rider_core.link import custody
from rider_core.link.custody import (
    GAVE_UP,
    HEALTHY_FOR_S,
    LONGEST_WAIT_S,
    OURS,
    SOON_AGAIN_S,
    TASK_OF_DOMAIN,
    Custody,
)
from rider_core.link.messages import DomainState
from rider_core.link.options import House


class Time:
    """A clock that the test sets."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class ObedientRobot:
    """Takes every switch."""

    def __init__(self) -> None:
        self.modes = dict.fromkeys(TASK_OF_DOMAIN, "local") | {"vision": "pc"}
        self.reasons = dict.fromkeys(TASK_OF_DOMAIN, "boot")

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
        self.put(domain, target, reason)
        return DomainState(domain=domain, mode=target, reason=reason)  # type: ignore[arg-type]


class Capable:
    workers = 1

    def capacity(self) -> dict[str, int]:
        return dict.fromkeys(TASK_OF_DOMAIN.values(), self.workers)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    clock = Time()
    monkeypatch.setattr(custody, "time", clock)
    return clock  # type: ignore[return-value]


class Watched:
    """A custody that can serve everything, round by round."""

    def __init__(self, clock: Time, robot: ObedientRobot) -> None:
        self.clock, self.robot = clock, robot
        self.capable = Capable()
        house = House(self.capable, lambda *_, **__: None, lambda *_: iter(()), lambda: None)  # type: ignore[arg-type,return-value]
        self.custody = Custody(house, robot, "http://127.0.0.1:9", lambda _: None)  # type: ignore[arg-type]
        clock.now += 100

    def rounds(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.now += 1
            self.custody._round()


@pytest.mark.parametrize("reason", [*GAVE_UP, OURS + "no worker can do vision.detect", OURS + "the PC's link ends"])
def test_what_was_lost_is_taken_again_also_after_a_start_of_ours(clock: Time, reason: str) -> None:
    robot = ObedientRobot()
    robot.put("vision", "local", reason)
    watched = Watched(clock, robot)
    watched.rounds(HEALTHY_FOR_S - 2)
    assert robot.modes["vision"] == "local", "not before it was healthy for a while"
    watched.rounds(6)
    assert robot.modes["vision"] == "pc"
    assert robot.reasons["vision"].startswith(OURS)


@pytest.mark.parametrize("reason", ["manual", "boot", "default", "the owner", "", "pc_timeout?"])
@pytest.mark.parametrize("mode", ["local", "pc"])
def test_what_a_person_set_stays(clock: Time, reason: str, mode: str) -> None:
    robot = ObedientRobot()
    robot.put("vision", mode, reason)
    Watched(clock, robot).rounds(400)
    assert (robot.modes["vision"], robot.reasons["vision"]) == (mode, reason)


def test_what_was_lost_is_left_to_the_robot_while_nobody_can_serve_it(clock: Time) -> None:
    robot = ObedientRobot()
    robot.put("vision", "local", "pc_unreachable")
    watched = Watched(clock, robot)
    watched.capable.workers = 0
    watched.rounds(100)
    assert robot.modes["vision"] == "local"


def test_a_process_that_gave_us_up_behind_the_interfaces_back_is_won_again(clock: Time) -> None:
    """The robot's voice writes its own copy; its HTTP interface says "pc" for good, and `pc` changes nothing there."""
    robot = ObedientRobot()
    robot.put("voice", "pc", "manual")
    asked: list[str] = []
    obey = robot.switch
    robot.switch = lambda domain, target, reason: asked.append(target) or obey(domain, target, reason)  # type: ignore[method-assign,func-returns-value]
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.custody.take_state({"domain": "voice", "mode": "local", "reason": "pc_timeout"})
    watched.rounds(HEALTHY_FOR_S + 6)
    assert asked == ["local", "pc"]
    watched.rounds(60)
    assert asked == ["local", "pc"], "once is enough"


def test_what_goes_over_the_bus_is_handed_back_where_that_is_down(clock: Time) -> None:
    robot = ObedientRobot()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.custody.bus_is("nothing of ours reaches it")
    watched.rounds(2)
    assert robot.modes == {"voice": "local", "vision": "local", "text": "pc"}
    assert "nothing of ours reaches it" in robot.reasons["voice"]
    watched.custody.bus_is("")
    watched.rounds(HEALTHY_FOR_S + 6)
    assert robot.modes["voice"] == robot.modes["vision"] == "pc"


def test_a_broker_that_is_back_at_once_costs_nothing(clock: Time) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.custody.bus_is("nothing comes in")
    watched.custody._round()
    watched.custody.bus_is("")
    watched.rounds(5)
    assert robot.modes["vision"] == "pc"


def test_a_robot_that_is_off_for_an_hour_leaves_few_lines(clock: Time, caplog: pytest.LogCaptureFixture) -> None:
    class Off(ObedientRobot):
        off = False

        def switch(self, domain: str, target: str, reason: str) -> DomainState:
            if self.off:
                raise RobotError("PATCH: no whole answer within 3 s")
            return super().switch(domain, target, reason)

        def send_heartbeat(self, *_: object) -> None:
            if self.off:
                raise RobotError("POST: no whole answer within 3 s")

    robot = Off()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    caplog.clear()
    robot.off = True
    watched.custody.bus_is("the robot's broker does not answer")
    watched.capable.workers = 0
    watched.rounds(3600)
    assert len(caplog.records) <= 10
    robot.off = False
    watched.rounds(10)
    assert set(robot.modes.values()) == {"local"}
    assert len(caplog.records) <= 20


def test_a_robot_that_gives_us_up_again_and_again_is_left_alone_longer(clock: Time) -> None:
    """As its voice does where it is never sent a text in time."""
    robot = ObedientRobot()
    robot.put("voice", "local", "pc_timeout")
    watched, waited = Watched(clock, robot), []
    for _ in range(6):
        before = clock.now
        while robot.modes["voice"] == "local":
            watched.rounds(1)
            assert clock.now - before < 400
        waited.append(clock.now - before)
        watched.rounds(6)
        robot.put("voice", "local", "pc_timeout")
        watched.rounds(6)
    assert waited == sorted(waited)
    assert waited[-1] > 10 * waited[0]


def waits(clock: Time, served_s: float, rounds: int) -> list[float]:
    """Vision is given back after so many seconds, each time that it is ours: how long it then stays the robot's."""
    robot = ObedientRobot()
    house = House(Capable(), lambda *_, **__: None, lambda *_: iter(()), lambda: None)  # type: ignore[arg-type,return-value]
    watch = Custody(house, robot, "http://127.0.0.1:9", lambda _: None)  # type: ignore[arg-type]
    clock.now += 100
    watch._round()
    waited = []
    for _ in range(rounds):
        assert watch.standing("vision").mode == "pc"
        clock.now += served_s
        watch.give_back("vision", "the camera hangs")
        watch._round()
        assert watch.standing("vision").mode == "local"
        handed_back = clock.now
        while watch.standing("vision").mode == "local":
            clock.now += 1
            watch._round()
        waited.append(clock.now - handed_back)
    return waited


def test_a_domain_that_has_to_be_handed_back_again_and_again_is_left_alone_longer(clock: Time) -> None:
    waited = waits(clock, served_s=2.0, rounds=9)
    for wait_s, wanted_s in zip(waited, [HEALTHY_FOR_S * 2**number for number in range(9)], strict=True):
        assert wait_s == pytest.approx(min(wanted_s, LONGEST_WAIT_S), abs=3)


def test_a_domain_that_was_served_for_a_while_is_taken_as_soon_as_the_first_time(clock: Time) -> None:
    assert max(waits(clock, served_s=SOON_AGAIN_S + 1, rounds=5)) == pytest.approx(HEALTHY_FOR_S, abs=3)
