"""Each direction of the robot's bus is probed: either may be cut alone, and a broker may forward nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from link_harness import metric

from rider_core.api.steering import BusView
from rider_core.link import loopback_probe, suspend_detector
from rider_core.link.bus import RobotBus
from rider_core.link.loopback_probe import LoopbackProbe
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.simulator.broker import Broker
from rider_core.testing.tunnel import Tunnel
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow

#: Time until a cut is detected, in seconds: required are 3 s; a second more for a busy machine.
DETECTED_WITHIN_S = 4.0


class BusHarness:
    """A bus over two tunnels to a broker, and a robot that is connected directly."""

    def __init__(self) -> None:
        self.broker = Broker("127.0.0.1", 0, 0)
        self.broker.start()
        self.to_robot, self.from_robot = Tunnel(self.broker.publish_port), Tunnel(self.broker.subscribe_port)
        self.states: list[BusView] = []
        self.received: list[dict[str, Any]] = []
        addresses = (f"tcp://127.0.0.1:{tunnel.port}" for tunnel in (self.to_robot, self.from_robot))
        self.bus = RobotBus(*addresses, on_state=self.states.append)
        self.bus.on("voice.asr.request", lambda _: None)
        self._ended = threading.Event()
        self._robot = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        self._robot.start()
        self.bus.start(RejectionReporter(lambda *_, **__: None, self.bus.send))
        wait_until(lambda: self.bus.state.up, what="the bus")

    def close(self) -> None:
        self.bus.stop()
        self._ended.set()
        self._robot.join(5)
        self.to_robot.close()
        self.from_robot.close()
        self.broker.stop()

    def down(self) -> str:
        """Wait until the bus is down. Returns the reason."""
        began = time.monotonic()
        wait_until(lambda: not self.bus.state.up, 10, what="the cut")
        assert time.monotonic() - began < DETECTED_WITHIN_S
        return next(it.problem for it in reversed(self.states) if not it.up and "replaced" not in it.problem)

    def send(self, number: int) -> bool:
        return self.bus.send("voice.asr.result", {"number": number})

    def _listen(self) -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as robot:
            robot.linger = 0
            robot.subscribe("voice.asr.result")
            robot.connect(f"tcp://127.0.0.1:{self.broker.subscribe_port}")
            while not self._ended.is_set():
                if robot.poll(100):
                    self.received.append(json.loads(robot.recv_multipart()[1]))


@pytest.fixture
def harness() -> Iterator[BusHarness]:
    harness = BusHarness()
    harness.start()
    yield harness
    harness.close()


def test_the_connection_to_the_robot_is_cut(harness: BusHarness) -> None:
    harness.to_robot.cut()
    assert harness.down()


def test_the_connection_from_the_robot_is_cut(harness: BusHarness) -> None:
    harness.from_robot.cut()
    assert harness.down()


def test_both_connections_are_cut(harness: BusHarness) -> None:
    harness.to_robot.cut()
    harness.from_robot.cut()
    assert harness.down()


@pytest.mark.parametrize("cut", [(True, False), (False, True), (True, True)], ids=["to", "from", "both"])
def test_the_direction_that_is_down_is_named(harness: BusHarness, cut: tuple[bool, bool]) -> None:
    for tunnel, is_cut in zip((harness.to_robot, harness.from_robot), cut, strict=True):
        if is_cut:
            tunnel.cut()
    # The probe may be missed before the pings, and one connection's pings before the other's.
    wait_until(lambda: (not harness.bus.state.to_robot, not harness.bus.state.from_robot) == cut, what="the cut")
    state = harness.bus.state
    assert not state.up
    named = "nothing of ours reaches the robot" in state.problem, "nothing comes in" in state.problem
    assert named == cut or cut == (True, True)


def test_after_a_suspend_the_sockets_are_replaced_at_once(harness: BusHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker has closed its connections meanwhile."""
    real_s, asleep_s = suspend_detector.now_s, 0.0
    monkeypatch.setattr(suspend_detector, "now_s", lambda: real_s() + asleep_s)
    known = len(harness.states)
    asleep_s = 30.0
    wait_until(lambda: [it.up for it in harness.states[known:]] == [False, True], 3, what="a new connection")


def test_after_a_cut_no_old_message_arrives(harness: BusHarness) -> None:
    wait_until(lambda: harness.send(1) and harness.received, what="the robot")
    harness.to_robot.cut()
    harness.down()
    sent, dropped = (
        metric("rider_link_sent_total", topic="voice.asr.result"),
        metric("rider_link_dropped_total", what="message"),
    )
    for number in range(100, 150):
        assert not harness.send(number)
    assert metric("rider_link_sent_total", topic="voice.asr.result") == sent
    assert metric("rider_link_dropped_total", what="message") >= dropped + 50
    harness.to_robot.mend()
    wait_until(lambda: harness.bus.state.up, 15, what="the bus again")
    wait_until(
        lambda: harness.send(2) and any(each["number"] == 2 for each in harness.received), what="the robot again"
    )
    assert not [each for each in harness.received if each["number"] >= 100]


def test_a_broker_that_forwards_nothing(harness: BusHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sockets answer every ping, so only the probe detects it."""
    monkeypatch.setattr(harness.bus._probe, "receive", lambda _: False)
    assert "does not come back" in harness.down()


def test_only_messages_before_a_returned_probe_count_as_sent(harness: BusHarness) -> None:
    before = metric("rider_link_sent_total", topic="voice.asr.result")
    for number in range(5):
        assert harness.send(number)
    wait_until(lambda: metric("rider_link_sent_total", topic="voice.asr.result") >= before + 5)
    let_pass(2 * loopback_probe.EVERY_S, "two more probes: no message may count twice")
    assert metric("rider_link_sent_total", topic="voice.asr.result") == before + 5


class TestLoopbackProbe:
    def test_it_is_lost_after_its_limit_and_not_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loopback_probe, "LIMIT_S", 0.2)
        probe = LoopbackProbe()
        assert not probe.is_lost()
        assert probe.due() is not None
        assert probe.due() is None, "it is not due yet"
        assert not probe.is_lost()
        wait_until(probe.is_lost)
        probe.reset()
        assert not probe.is_lost()

    def test_another_link_of_the_same_robot_proves_nothing(self) -> None:
        mine, others = LoopbackProbe(), LoopbackProbe()
        body = others.due()
        assert body is not None
        mine.due()
        assert not mine.receive(body)
        for odd in ({}, {"from": mine._id}, {"from": mine._id, "number": "1"}, {"from": 7, "number": 1}):
            assert not mine.receive(odd)

    def test_probes_in_transit_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loopback_probe, "EVERY_S", 0.0)
        probe, dropped = LoopbackProbe(), metric("rider_link_dropped_total", what="message")
        for _ in range(3 * loopback_probe._MAX_IN_TRANSIT):
            probe.note_sent("cmd.stop")
            probe.due()
            let_pass(0.001, "two probes have different times")
        assert len(probe._in_transit) == loopback_probe._MAX_IN_TRANSIT
        assert metric("rider_link_dropped_total", what="message") == dropped + 2 * loopback_probe._MAX_IN_TRANSIT
