"""Faults of the simulated robot: malformed messages, a stopped broker, taken ports; and no thread is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import zmq
from simulator_helpers import DEADLINE_S, Bus, robot_threads

from rider_core.errors import ConfigError, RobotError
from rider_core.simulator import Received, ReceivedLog, RobotConfig, SimulatedRobot
from rider_core.simulator.faults import MALFORMED
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

PROGRAM = """
from rider_core.simulator import RobotConfig, run
import logging
logging.basicConfig(level=logging.INFO)
run(RobotConfig(publish_port=0, subscribe_port=0, api_port=0))
"""


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_messages_arrive_as_they_are(make_robot, join, fault):
    robot = make_robot(pc_domains=())
    bus = join(robot)
    robot.inject(fault)
    expected = MALFORMED[fault]()
    deadline = time.monotonic() + DEADLINE_S
    while bus.frames(deadline - time.monotonic()) != expected:
        pass


def test_the_robot_survives_its_own_malformed_messages(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    # The same malformed messages, sent to the robot.
    for fault in MALFORMED:
        frames = MALFORMED[fault]()
        bus._out.send_multipart([b"voice.asr.result", *frames[1:]] if len(frames) > 1 else [b"cmd.move " + frames[0]])
    bus.send("vision.obstacle.enhanced", {"present": True})
    robot.received.wait("vision.obstacle.enhanced", timeout_s=DEADLINE_S)
    assert robot.failure is None


def test_an_unknown_fault_is_refused_by_name():
    with pytest.raises(RobotError, match=r"no fault 'nonsense'.*asr_odd_length"):
        SimulatedRobot(RobotConfig()).inject("nonsense")


def test_speech_is_requested_in_both_framings(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    for framing in ("multipart", "single"):
        robot.request_speech("cześć", "pl", framing)
        assert bus.receive("voice.tts.request") == {"text": "cześć", "voice": "pl"}


def test_broker_comes_back_on_its_ports(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    ports = robot.publish_port, robot.subscribe_port
    robot.stop_broker()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), 1)
    robot.start_broker()
    assert (robot.publish_port, robot.subscribe_port) == ports
    # A new client: the old one may receive messages from before the restart.
    again = Bus(robot)
    again.receive("imu.data")
    again.close()
    bus.receive("imu.data")


def test_a_taken_port_is_named_and_leaves_nothing_running():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("publish_port", "subscribe_port", "api_port"):
            ports = {"publish_port": 0, "subscribe_port": 0, "api_port": 0, name: port}
            with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
                SimulatedRobot(RobotConfig(**ports)).start()
    assert robot_threads() == set()


@pytest.mark.parametrize(
    "settings",
    [
        {"publish_port": 70_000},
        {"pause_s": -1},
        {"pause_s": float("nan")},
        {"probe_interval_s": 0},
        {"pc_domains": ("x",)},
    ],
)
def test_wrong_settings_are_refused(settings):
    with pytest.raises(ConfigError):
        RobotConfig(**settings)


def test_what_was_received_is_bounded():
    log = ReceivedLog(10, 1_000)
    for number in range(50):
        log.add(Received("a", {"n": number}, "single", 0.0, "read", 150))
    assert [message.body["n"] for message in log.all()] == list(range(44, 50))
    assert (log.dropped, log.effects["read"]) == (44, 50)
    with pytest.raises(TimeoutError):
        log.wait("b", timeout_s=0.01)


def test_listens_on_loopback_only(make_robot):
    robot = make_robot()
    # Another loopback address of this machine: a server on all addresses would accept there.
    for port in (robot.publish_port, robot.subscribe_port, robot.api_port):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), 1)


def test_a_start_after_a_stop_restarts_the_robots_processes(make_robot, api):
    robot = make_robot(pc_domains=("voice",))
    wait_until(lambda: robot.voice_path == "pc")
    robot.switch("voice", "local")
    wait_until(lambda: robot.voice_exit == 0)
    robot.stop()
    robot.start()
    wait_until(lambda: robot.voice_path == "local")


def test_starts_again_after_a_stop():
    for _ in range(2):
        with SimulatedRobot(RobotConfig(publish_port=0, subscribe_port=0, api_port=0)) as robot:
            Bus(robot).close()
        assert robot_threads() == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_ends_on_a_signal(number):
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=subprocess.PIPE, env=os.environ, text=True)
    try:
        assert "simulated robot: publish to" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_flood_does_not_stop_the_microphone(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    for _ in range(2_000):
        bus._out.send_multipart([b"vision.tracking.offset", b'{"offset_x": 0}'], zmq.NOBLOCK)
    chunks = [message for message in bus.record(1.0) if message[1] == "voice.asr.request"]
    assert len(chunks) >= 45
    wait_until(lambda: robot.received.effects["moved"] > 0)
