"""When a domain fails over to the robot, and when the PC takes it over again."""

from __future__ import annotations

import pytest
from failover_harness import FailoverHarness, FakeCapacity, FakeClock, FakeRobot, new_failover

from rider_core.errors import RobotError
from rider_core.link import domain_failover, suspend_detector
from rider_core.link.domain import FAILOVER_PREFIX, HEALTHY_FOR_S, ROBOT_FALLBACK_REASONS, TASK_OF_DOMAIN
from rider_core.link.domain_failover import LONGEST_WAIT_S, SOON_AGAIN_S
from rider_core.link.messages import DomainState
from rider_core.metrics import FAILOVERS
from rider_core.testing.waiting import wait_until


@pytest.mark.parametrize(
    "reason",
    [
        *sorted(ROBOT_FALLBACK_REASONS),
        FAILOVER_PREFIX + "no worker can do vision.detect",
        FAILOVER_PREFIX + "the PC's link ends",
    ],
)
def test_a_lost_domain_is_taken_over_again_also_after_a_restart_of_the_link(clock: FakeClock, reason: str) -> None:
    robot = FakeRobot()
    robot.put("vision", "local", reason)
    harness = FailoverHarness(clock, robot)
    harness.rounds(HEALTHY_FOR_S - 2)
    assert robot.modes["vision"] == "local", "too early: it was not healthy long enough"
    harness.rounds(6)
    assert robot.modes["vision"] == "pc"
    assert robot.reasons["vision"].startswith(FAILOVER_PREFIX)


@pytest.mark.parametrize("reason", ["manual", "boot", "default", "the owner", "", "pc_timeout?"])
@pytest.mark.parametrize("mode", ["local", "pc"])
def test_a_persons_switch_stays(clock: FakeClock, reason: str, mode: str) -> None:
    robot = FakeRobot()
    robot.put("vision", mode, reason)
    FailoverHarness(clock, robot).rounds(400)
    assert (robot.modes["vision"], robot.reasons["vision"]) == (mode, reason)


def test_a_lost_domain_stays_with_the_robot_while_no_worker_can_serve_it(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("vision", "local", "pc_unreachable")
    harness = FailoverHarness(clock, robot)
    harness.capacity.workers = 0
    harness.rounds(100)
    assert robot.modes["vision"] == "local"


def test_a_fallback_unknown_to_the_robots_http_interface_is_taken_over_again(clock: FakeClock) -> None:
    """The robot's HTTP interface goes on reporting "pc", so a switch to "pc" would change nothing there."""
    robot = FakeRobot()
    robot.put("voice", "pc", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.domains.receive_state({"domain": "voice", "mode": "local", "reason": "pc_timeout"})
    harness.rounds(HEALTHY_FOR_S + 6)
    assert robot.switched == [("voice", "local"), ("voice", "pc")]
    harness.rounds(60)
    assert len(robot.switched) == 2, "one switch is enough"


def test_repeated_fallbacks_of_the_robot_lengthen_the_wait_for_a_takeover(clock: FakeClock) -> None:
    """As the robot's voice service does where no text comes in time."""
    robot = FakeRobot()
    robot.put("voice", "local", "pc_timeout")
    harness, waited = FailoverHarness(clock, robot), []
    for _ in range(6):
        before = clock.now
        while robot.modes["voice"] == "local":
            harness.rounds(1)
            assert clock.now - before < 400
        waited.append(clock.now - before)
        harness.rounds(6)
        robot.put("voice", "local", "pc_timeout")
        harness.rounds(6)
    assert waited == sorted(waited)
    assert waited[-1] > 10 * waited[0]


def takeover_waits_s(clock: FakeClock, served_s: float, rounds: int) -> list[float]:
    """Fail vision over after each `served_s` seconds at the PC. Returns the times until the PC takes it over again."""
    harness = FailoverHarness(clock, FakeRobot())
    harness.failover._round()
    waited = []
    for _ in range(rounds):
        assert harness.mode("vision") == "pc"
        clock.now += served_s
        harness.failover.fail_over("vision", "the camera hangs")
        harness.failover._round()
        assert harness.mode("vision") == "local"
        began = clock.now
        while harness.mode("vision") == "local":
            harness.rounds(1)
        waited.append(clock.now - began)
    return waited


def test_repeated_failovers_lengthen_the_wait_for_a_takeover(clock: FakeClock) -> None:
    waited = takeover_waits_s(clock, served_s=2.0, rounds=9)
    for wait_s, expected_s in zip(waited, [HEALTHY_FOR_S * 2**number for number in range(9)], strict=True):
        assert wait_s == pytest.approx(min(expected_s, LONGEST_WAIT_S), abs=3)


def test_after_a_minute_of_service_the_wait_for_a_takeover_is_short_again(clock: FakeClock) -> None:
    assert max(takeover_waits_s(clock, served_s=SOON_AGAIN_S + 1, rounds=5)) == pytest.approx(HEALTHY_FOR_S, abs=3)


def test_after_a_suspend_of_the_pc_a_lost_domain_is_taken_over_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """In real time, with a suspend of half a minute on the clock of `suspend_detector` only."""
    asleep_s = 0.0
    real_s = suspend_detector.now_s
    monkeypatch.setattr(suspend_detector, "now_s", lambda: real_s() + asleep_s)
    monkeypatch.setattr(domain_failover, "AWAKE_FOR_S", 0.5)
    monkeypatch.setattr(domain_failover, "CHECK_EVERY_S", 0.1)
    robot = FakeRobot()
    domains, failover = new_failover(robot, FakeCapacity())
    failover.start()
    wait_until(lambda: domains.owner("vision").mode == "pc")
    asleep_s = 30.0
    robot.put("vision", "local", "pc_unreachable")
    wait_until(lambda: robot.modes["vision"] == "pc", HEALTHY_FOR_S / 2)
    failover.stop()


def test_a_failover_that_failed_is_repeated(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("voice", "pc", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    switch = robot.switch

    def refuse(*_: object) -> DomainState:
        raise RobotError("the robot is busy")

    robot.switch = refuse  # type: ignore[method-assign]
    harness.failover.fail_over("voice", "no transcript within 5 s")
    harness.rounds(3)
    assert robot.modes["voice"] == "pc"
    robot.switch = switch  # type: ignore[method-assign]
    harness.rounds(1)
    assert (robot.modes["voice"], robot.reasons["voice"]) == ("local", f"{FAILOVER_PREFIX}no transcript within 5 s")


def test_a_robot_that_is_off_for_an_hour_logs_few_lines(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    class Off(FakeRobot):
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
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    caplog.clear()
    robot.off = True
    harness.failover.readiness.set_bus_problem("the robot's broker does not answer")
    harness.capacity.workers = 0
    harness.rounds(3600)
    assert len(caplog.records) <= 10
    robot.off = False
    harness.rounds(10)
    assert set(robot.modes.values()) == {"local"}
    assert len(caplog.records) <= 20


def failovers(domain: str) -> dict[str, float]:
    """How often the domain was lost so far, by the metric's reason."""
    (metric,) = FAILOVERS.collect()
    samples = [it for it in metric.samples if it.name.endswith("_total") and it.labels["domain"] == domain]
    return {it.labels["reason"]: it.value for it in samples if it.value}


@pytest.mark.parametrize("cause", ["bus", "workers", "results", "end", "robot", "other_domain"])
def test_each_failover_is_counted_once_by_its_cause(clock: FakeClock, cause: str) -> None:
    robot = FakeRobot()
    robot.modes = dict.fromkeys(TASK_OF_DOMAIN, "pc")
    harness = FailoverHarness(clock, robot)
    harness.rounds(10)
    domain = "text" if cause == "other_domain" else "voice"
    before = failovers(domain)
    if cause == "bus":
        harness.failover.readiness.set_bus_problem("the broker does not answer")
    elif cause in ("workers", "other_domain"):
        harness.capacity.lacking = {"voice"}
    elif cause == "results":
        harness.failover.fail_over("voice", "no transcript within 5 s")
    elif cause == "end":
        harness.failover.start()
        harness.failover.stop()
    else:
        robot.put("voice", "local", "pc_timeout")
        harness.domains.receive_state({"domain": "voice", "mode": "local", "reason": "pc_timeout"})
    harness.rounds(5)
    assert harness.mode(domain) == "local"
    lost = {reason: count - before.get(reason, 0) for reason, count in failovers(domain).items()}
    assert {reason: count for reason, count in lost.items() if count} == {cause: 1}
