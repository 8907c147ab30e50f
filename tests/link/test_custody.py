"""How long a domain is left to the robot after it was handed back: what no robot is needed for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rider_core.link import custody
from rider_core.link.custody import HEALTHY_FOR_S, LONGEST_WAIT_S, SOON_AGAIN_S, TASK_OF_DOMAIN, Custody
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

    def send_heartbeat(self, *_: object) -> None:
        pass

    def domains(self) -> dict[str, DomainState]:
        return {name: DomainState(domain=name, mode=mode) for name, mode in self.modes.items()}  # type: ignore[arg-type]

    def switch(self, domain: str, target: str, reason: str) -> DomainState:
        self.modes[domain] = target
        return DomainState(domain=domain, mode=target, reason=reason)  # type: ignore[arg-type]


class Capable:
    def capacity(self) -> dict[str, int]:
        return dict.fromkeys(TASK_OF_DOMAIN.values(), 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    clock = Time()
    monkeypatch.setattr(custody, "time", clock)
    return clock  # type: ignore[return-value]


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
