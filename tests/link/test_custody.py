"""How long a domain is left to the robot after it was handed back: what no robot is needed for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rider_core.api.steering import Choice
from rider_core.errors import RobotError
from rider_core.link import domain_failover, readiness, suspend_detector
from rider_core.link.domain import FAILOVER_PREFIX, HEALTHY_FOR_S, ROBOT_FALLBACK_REASONS, TASK_OF_DOMAIN
from rider_core.link.domain_failover import LONGEST_WAIT_S, SOON_AGAIN_S, DomainFailover
from rider_core.link.messages import DomainState
from rider_core.link.preferences import Preference, Preferences
from rider_core.link.services import LinkServices
from rider_core.testing.waiting import wait_until


class Time:
    """A clock that the test sets."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000 + self.now


class ObedientRobot:
    """Takes every switch."""

    def __init__(self) -> None:
        self.modes = dict.fromkeys(TASK_OF_DOMAIN, "local") | {"vision": "pc"}
        self.reasons = dict.fromkeys(TASK_OF_DOMAIN, "boot")
        self.ai_mode_set = ""

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
        self.put(domain, target, reason)
        return DomainState(domain=domain, mode=target, reason=reason)  # type: ignore[arg-type]


class Capable:
    def __init__(self) -> None:
        self.workers = 1
        self.lacking: set[str] = set()

    def capacity(self) -> dict[str, int]:
        return {task: 0 if name in self.lacking else self.workers for name, task in TASK_OF_DOMAIN.items()}


def house_of(capable: Capable) -> LinkServices:
    """All of it that the domains need."""
    return LinkServices(None, lambda *_, **__: None, lambda *_: iter(()), lambda: None, capable.capacity)  # type: ignore[arg-type,return-value]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    clock = Time()
    monkeypatch.setattr(domain_failover, "time", clock)
    monkeypatch.setattr(readiness, "time", clock)
    return clock  # type: ignore[return-value]


class Watched:
    """A custody that can serve everything, round by round."""

    def __init__(self, clock: Time, robot: ObedientRobot, kept: Path | None = None, all_together: bool = False) -> None:
        self.clock, self.robot = clock, robot
        self.capable = Capable()
        services = house_of(self.capable)
        self.failover = DomainFailover(
            services,
            robot,  # type: ignore[arg-type]
            "http://127.0.0.1:9",
            lambda _: None,
            Preferences(kept),
            all_together,
        )
        clock.now += 100

    def prefer(self, domain: str, choice: Choice) -> dict[str, Any]:
        self.failover.prefer(domain, choice, "the panel", "for the test", timeout_s=0)
        self.rounds(1)
        return self.failover.describe(domain)

    def rounds(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.now += 1
            self.failover._round()


@pytest.mark.parametrize(
    "reason",
    [
        *sorted(ROBOT_FALLBACK_REASONS),
        FAILOVER_PREFIX + "no worker can do vision.detect",
        FAILOVER_PREFIX + "the PC's link ends",
    ],
)
def test_what_was_lost_is_taken_again_also_after_a_start_of_ours(clock: Time, reason: str) -> None:
    robot = ObedientRobot()
    robot.put("vision", "local", reason)
    watched = Watched(clock, robot)
    watched.rounds(HEALTHY_FOR_S - 2)
    assert robot.modes["vision"] == "local", "not before it was healthy for a while"
    watched.rounds(6)
    assert robot.modes["vision"] == "pc"
    assert robot.reasons["vision"].startswith(FAILOVER_PREFIX)


def test_who_looks_while_a_switch_is_written_down_does_not_see_half_of_it(
    clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = ObedientRobot()
    robot.put("vision", "local", FAILOVER_PREFIX + "the camera hangs")
    watched = Watched(clock, robot)
    seen = []
    note = Preferences.note

    def slow(preferences: Preferences, *about: Any) -> None:
        seen.append(watched.failover.owner("vision"))  # as another thread does while a disk is slow
        note(preferences, *about)

    watched.rounds(5)
    monkeypatch.setattr(Preferences, "note", slow)
    watched.rounds(10)
    assert robot.modes["vision"] == "pc"
    (taken,) = [it for it in seen if it.mode == "pc"]
    assert clock.now - taken.since < 10


@pytest.mark.parametrize("reason", ["manual", "boot", "default", "the owner", "", "pc_timeout?"])
@pytest.mark.parametrize("mode", ["local", "pc"])
def test_what_a_person_set_stays(clock: Time, reason: str, mode: str) -> None:
    robot = ObedientRobot()
    robot.put("vision", mode, reason)
    Watched(clock, robot).rounds(400)
    assert (robot.modes["vision"], robot.reasons["vision"]) == (mode, reason)


def test_what_was_served_once_is_missed_at_once_and_what_was_never_there_is_given_time(clock: Time) -> None:
    """Workers load their models while the link starts."""
    robot = ObedientRobot()
    robot.put("voice", "pc", "manual")
    watched = Watched(clock, robot)
    clock.now -= 100  # the link has just started
    watched.capable.lacking = {"vision"}
    watched.rounds(5)
    assert robot.modes["vision"] == "pc"
    watched.capable.lacking = {"vision", "voice"}
    watched.rounds(1)
    assert (robot.modes["voice"], robot.modes["vision"]) == ("local", "pc")


def test_a_pc_that_slept_takes_back_soon_what_the_robot_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With real time, and a suspend of half a minute that only the other clock sees."""
    asleep_s = 0.0
    real_s = suspend_detector.now_s
    monkeypatch.setattr(suspend_detector, "now_s", lambda: real_s() + asleep_s)
    monkeypatch.setattr(domain_failover, "AWAKE_FOR_S", 0.5)
    monkeypatch.setattr(domain_failover, "CHECK_EVERY_S", 0.1)
    robot = ObedientRobot()
    slept = DomainFailover(house_of(Capable()), robot, "http://127.0.0.1:9", lambda _: None)  # type: ignore[arg-type]
    slept.start()
    wait_until(lambda: slept.owner("vision").mode == "pc")
    asleep_s = 30.0
    robot.put("vision", "local", "pc_unreachable")
    wait_until(lambda: robot.modes["vision"] == "pc", HEALTHY_FOR_S / 2)
    slept.stop()


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
    watched.failover.receive_state({"domain": "voice", "mode": "local", "reason": "pc_timeout"})
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
    watched.failover.readiness.set_bus_problem("nothing of ours reaches it")
    watched.rounds(2)
    assert set(robot.modes.values()) == {"local"}, "with text alone at the PC, its voice would not hear for itself"
    assert "nothing of ours reaches it" in robot.reasons["voice"]
    watched.failover.readiness.set_bus_problem("")
    watched.rounds(HEALTHY_FOR_S + 6)
    assert set(robot.modes.values()) == {"pc"}


def test_a_broker_that_is_back_at_once_costs_nothing(clock: Time) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.failover.readiness.set_bus_problem("nothing comes in")
    watched.failover._round()
    watched.failover.readiness.set_bus_problem("")
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
    watched.failover.readiness.set_bus_problem("the robot's broker does not answer")
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
    services = house_of(Capable())
    watch = DomainFailover(services, robot, "http://127.0.0.1:9", lambda _: None)  # type: ignore[arg-type]
    clock.now += 100
    watch._round()
    waited = []
    for _ in range(rounds):
        assert watch.owner("vision").mode == "pc"
        clock.now += served_s
        watch.fail_over("vision", "the camera hangs")
        watch._round()
        assert watch.owner("vision").mode == "local"
        handed_back = clock.now
        while watch.owner("vision").mode == "local":
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


def test_what_a_person_wants_at_the_pc_is_there_at_once_and_comes_back(clock: Time) -> None:
    robot = ObedientRobot()
    robot.put("vision", "local", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    shown = watched.prefer("vision", "pc")
    assert (shown["mode"], shown["choice"], shown["by"], shown["problem"]) == ("pc", "pc", "the panel", "")
    assert robot.reasons["vision"] == "set at rider-pc by the panel: for the test"
    watched.capable.lacking = {"vision"}
    watched.rounds(2)
    assert robot.modes["vision"] == "local", "no wish makes us see"
    watched.capable.lacking = set()
    watched.rounds(2 * HEALTHY_FOR_S + 5)
    assert robot.modes["vision"] == "pc"


def test_what_cannot_be_served_is_not_taken_and_says_why(clock: Time) -> None:
    robot = ObedientRobot()
    robot.put("vision", "local", "manual")
    watched = Watched(clock, robot)
    watched.capable.lacking = {"vision"}
    watched.rounds(20)
    shown = watched.prefer("vision", "pc")
    assert (shown["mode"], shown["problem"]) == ("local", "no worker can do vision.detect")
    watched.capable.lacking = set()
    watched.rounds(2)
    assert robot.modes["vision"] == "pc", "and comes as soon as it can be"


@pytest.mark.parametrize("reason", ["pc_unreachable", FAILOVER_PREFIX + "the PC's link ends", "manual"])
def test_what_a_person_wants_at_the_robot_is_never_taken(clock: Time, reason: str) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot)
    watched.rounds(20)
    assert watched.prefer("vision", "local")["mode"] == "local"
    robot.put("vision", "local", reason)
    asked: list[str] = []
    obey = robot.switch
    robot.switch = lambda domain, target, reason: asked.append(target) or obey(domain, target, reason)  # type: ignore[method-assign,func-returns-value]
    watched.rounds(400)
    assert not asked


def test_automatic_gives_back_what_a_person_took_here_and_not_what_he_took_at_the_robot(clock: Time) -> None:
    robot = ObedientRobot()
    robot.put("voice", "local", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.prefer("vision", "local")
    watched.rounds(60)
    watched.prefer("vision", "automatic")
    watched.prefer("voice", "automatic")
    watched.rounds(HEALTHY_FOR_S + 6)
    assert (robot.modes["vision"], robot.modes["voice"]) == ("pc", "local")


@pytest.mark.parametrize("away", [False, True], ids=["while we look", "while the link is away"])
def test_who_switches_at_the_robot_has_the_last_word(clock: Time, tmp_path: Path, away: bool) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot, tmp_path / "robot.json")
    watched.rounds(20)
    watched.prefer("vision", "pc")
    robot.put("vision", "local", "manual")
    if away:
        watched = Watched(clock, robot, tmp_path / "robot.json")
    watched.rounds(400)
    assert robot.modes["vision"] == "local"
    assert watched.failover.describe("vision")["choice"] == "automatic"


def test_a_robot_that_starts_with_its_own_defaults_is_no_person(clock: Time) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.prefer("vision", "pc")
    robot.put("vision", "local", "boot")
    watched.rounds(HEALTHY_FOR_S + 10)
    assert robot.modes["vision"] == "pc"


def test_wishes_and_the_history_outlive_a_restart(clock: Time, tmp_path: Path) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot, tmp_path / "robot.json")
    watched.rounds(20)
    watched.prefer("vision", "local")
    watched.prefer("voice", "pc")
    robot.put("voice", "local", "pc_unreachable")
    again = Watched(clock, robot, tmp_path / "robot.json")
    again.rounds(HEALTHY_FOR_S + 6)
    assert (robot.modes["vision"], robot.modes["voice"]) == ("local", "pc")
    told = [(it.domain, it.mode, it.by) for it in again.failover.switches if it.domain != "text"]
    assert told == [
        ("voice", "local", "robot"),
        ("vision", "pc", "robot"),
        ("vision", "local", "the panel"),
        ("voice", "pc", "the panel"),
        ("voice", "local", "robot"),
        ("voice", "pc", "rider-pc"),
    ]
    assert again.failover.switches[3].reason.endswith("for the test")


@pytest.mark.parametrize("content", [b"no json", b"[" * 100_000, b'{"preferences": 3}', b"x" * 2_000_000])
def test_a_damaged_file_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    path = tmp_path / "robot.json"
    path.write_bytes(content)
    preferences = Preferences(path)
    assert preferences.of("voice") == Preference()
    assert "put aside as robot.damaged" in caplog.text
    preferences.prefer("voice", Preference(choice="local", by="me"))
    assert Preferences(path).of("voice").choice == "local"


def test_a_disk_that_takes_nothing_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    preferences = Preferences(tmp_path / "missing" / "robot.json")
    for number in range(300):
        preferences.note("voice", "pc" if number % 2 else "local", "robot", "")
    assert len(caplog.records) == 1
    assert len(preferences.switches) == 200


@pytest.mark.parametrize("voice", ["pc", "local"])
def test_text_goes_along_with_a_voice_that_cannot_be_served(clock: Time, voice: str) -> None:
    """With text alone at the PC the robot's voice goes on streaming; where a person wants it so, it stays so."""
    robot = ObedientRobot()
    robot.put("vision", "local", "manual")
    robot.put("voice", voice, "manual")
    robot.put("text", "pc", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.capable.lacking = {"voice"}
    watched.rounds(3)
    assert robot.modes["text"] == ("local" if voice == "pc" else "pc")
    watched.capable.lacking = set()
    watched.rounds(HEALTHY_FOR_S + 6)
    assert (robot.modes["voice"], robot.modes["text"]) == (voice, "pc")


def test_all_domains_go_back_with_vision_where_the_owner_wants_it(clock: Time) -> None:
    robot = ObedientRobot()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    watched = Watched(clock, robot, all_together=True)
    watched.rounds(20)
    watched.failover.fail_over("vision", "the camera hangs")
    watched.rounds(1)
    assert set(robot.modes.values()) == {"local"}
    order: list[str] = []
    obey = robot.switch
    robot.switch = lambda domain, target, reason: order.append(domain) or obey(domain, target, reason)  # type: ignore[method-assign,func-returns-value]
    watched.rounds(3 * HEALTHY_FOR_S)
    assert set(robot.modes.values()) == {"pc"}
    assert order[0] == "vision", "or the others alone would keep the robot's own eyes shut"


def test_vision_that_a_person_wants_at_the_robot_keeps_nothing_else_there(clock: Time) -> None:
    """The camera hung, all went back with it, and then the owner decided that the robot is to see for itself."""
    robot = ObedientRobot()
    for name in TASK_OF_DOMAIN:
        robot.put(name, "pc", "manual")
    watched = Watched(clock, robot, all_together=True)
    watched.rounds(20)
    watched.failover.fail_over("vision", "the camera hangs")
    watched.rounds(1)
    watched.prefer("vision", "local")
    watched.rounds(3 * HEALTHY_FOR_S)
    assert robot.modes == {"voice": "pc", "vision": "local", "text": "pc"}


def test_what_could_not_be_handed_back_is_tried_again(clock: Time) -> None:
    robot = ObedientRobot()
    robot.put("voice", "pc", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    obey = robot.switch

    def refuse(*_: object) -> DomainState:
        raise RobotError("the robot is busy")

    robot.switch = refuse  # type: ignore[method-assign]
    watched.failover.fail_over("voice", "no transcript within 5 s")
    watched.rounds(3)
    assert robot.modes["voice"] == "pc"
    robot.switch = obey  # type: ignore[method-assign]
    watched.rounds(1)
    assert (robot.modes["voice"], robot.reasons["voice"]) == ("local", f"{FAILOVER_PREFIX}no transcript within 5 s")


def test_an_answer_that_was_overtaken_is_not_believed(clock: Time) -> None:
    """We hand vision back; before we read the robot's answer, a person switches vision to the PC again."""

    class Hurried(ObedientRobot):
        def switch(self, domain: str, target: str, reason: str) -> DomainState:
            answer = super().switch(domain, target, reason)
            if not said:
                clock.now += 0.01
                self.put(domain, "pc", "manual")
                said.append(domain)
                watched.failover.receive_state({"domain": domain, "mode": "pc", "reason": "manual"})
            return answer

    said: list[str] = []
    robot = Hurried()
    watched = Watched(clock, robot)
    watched.rounds(20)
    watched.capable.lacking = {"vision"}
    watched.rounds(1)
    assert said == ["vision"]
    assert watched.failover.owner("vision").mode == "pc", "that is what the robot said last"
    watched.rounds(1)
    assert robot.modes["vision"] == "local", "the next round, not the next heartbeat"


def test_vision_is_unattended_while_another_domain_keeps_the_robots_detectors_off(clock: Time) -> None:
    robot = ObedientRobot()
    robot.put("voice", "pc", "manual")
    watched = Watched(clock, robot)
    watched.rounds(20)
    assert not watched.failover.owner("vision").unattended, "we look"
    watched.failover.fail_over("vision", "the camera hangs")
    watched.rounds(1)
    assert watched.failover.owner("vision").unattended
    robot.ai_mode_set = "local"
    watched.rounds(6)
    assert not watched.failover.owner("vision").unattended, "a person made the robot look for itself"


def test_another_program_at_the_robots_address_is_sent_nothing(clock: Time) -> None:
    class Stranger(ObedientRobot):
        sent = 0

        def domains(self) -> dict[str, DomainState]:
            raise RobotError("GET /api/providers/state: 404 'Not Found'")

        def send_heartbeat(self, *_: object) -> None:
            self.sent += 1

        def switch(self, domain: str, target: str, reason: str) -> DomainState:
            self.sent += 1
            return super().switch(domain, target, reason)

    stranger = Stranger()
    watched = Watched(clock, stranger)
    watched.capable.workers = 0
    watched.rounds(100)
    assert stranger.sent == 0


def test_a_person_is_told_what_the_robot_reports_now(clock: Time) -> None:
    """The robot was switched after it was asked last: what we knew of it is old."""
    robot = ObedientRobot()
    watched = Watched(clock, robot)
    watched.rounds(1)
    robot.put("text", "pc", "manual")
    told = watched.prefer("text", "local")
    assert (told["mode"], robot.modes["text"]) == ("local", "local")
    assert robot.reasons["text"].startswith("set at rider-pc by the panel")


def test_a_refusal_of_the_robot_is_told_until_it_is_switched(clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = ObedientRobot()
    watched = Watched(clock, robot)
    watched.rounds(1)

    def refuse(*_: object) -> DomainState:
        raise RobotError("it is asleep")

    with monkeypatch.context() as patched:
        patched.setattr(robot, "switch", refuse)
        told = watched.prefer("text", "pc")
    assert told["problem"] == "the robot could not be switched to pc: it is asleep"
    assert not watched.failover.agrees("text")
    watched.rounds(1)
    assert watched.failover.describe("text")["problem"] == ""
    assert watched.failover.agrees("text")
