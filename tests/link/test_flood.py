"""Large frames do not pile up: a process of its own takes a flood of them, and its memory is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import zmq

from rider_core.link.bus import RobotBus
from rider_core.link.framing import MAX_FRAME_MESSAGE_BYTES
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.simulator.broker import Broker
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

FRAMES, FRAME_BYTES = 250, 3_900_000
#: Memory of four waiting frames and of the one that is decoded, in MB.
LIMIT_MB = 120

PROGRAM = """
import json, sys, time
from rider_core.errors import RiderError
from rider_core.link.bus import RobotBus
from rider_core.link.frame_buffer import LatestFrameBuffer
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.metrics import LINK_RECEIVED_BYTES

publish, subscribe = sys.argv[1:]
buffer, received_ts = LatestFrameBuffer(), []
def receive(body):
    received_ts.append(body["ts"])
    try:
        buffer.put(body, time.monotonic())
    except RiderError:
        pass  # no picture: the test measures the memory that receiving it takes
bus = RobotBus(publish, subscribe, lambda state: None)
bus.on("vision.frame.offload", receive)
bus.on("voice.asr.request", lambda body: None)
bus.start(RejectionReporter(lambda *_, **__: None, bus.send))
def memory_mb():
    status = open("/proc/self/status").read()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
for line in sys.stdin:
    received = LINK_RECEIVED_BYTES.labels("vision.frame.offload")._value.get()
    last = received_ts[-1] if received_ts else None
    print(json.dumps({"mb": memory_mb(), "received": len(received_ts), "last": last, "bytes": received}), flush=True)
bus.stop()
"""


class Camera:
    """Sends frames to a broker, as the robot does.

    Attributes:
        addresses: The broker's ports for publishers and for subscribers.
    """

    def __init__(self, broker: Broker, robot: zmq.Socket[bytes]) -> None:
        self.addresses = tuple(f"tcp://127.0.0.1:{port}" for port in (broker.publish_port, broker.subscribe_port))
        self._robot = robot
        robot.linger = 0
        # A camera cannot send faster than its network transmits.
        robot.setsockopt(zmq.SNDHWM, 2)
        robot.setsockopt(zmq.XPUB_NODROP, 1)
        robot.setsockopt(zmq.SNDTIMEO, 20_000)
        robot.connect(self.addresses[0])

    def send(self, ts: int, size: int = 10) -> None:
        body = b'{"ts": %d, "frame_jpeg": "%s"}' % (ts, b"A" * size)
        self._robot.send_multipart([b"vision.frame.offload", body])


@pytest.fixture
def camera() -> Iterator[Camera]:
    broker = Broker("127.0.0.1", 0, 0)
    broker.start()
    with zmq.Context() as context, context.socket(zmq.PUB) as robot:
        yield Camera(broker, robot)
    broker.stop()


def test_large_frames_do_not_pile_up_and_the_newest_is_received(camera: Camera) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *camera.addresses], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as link:
        assert link.stdin is not None

        def report() -> dict[str, float]:
            assert link.stdin is not None
            assert link.stdout is not None
            link.stdin.write("?\n")
            link.stdin.flush()
            return json.loads(link.stdout.readline())

        wait_until(lambda: camera.send(0) or report()["received"])  # type: ignore[func-returns-value]
        before = report()
        sending = threading.Thread(target=lambda: [camera.send(ts, FRAME_BYTES) for ts in range(1, FRAMES + 1)])
        sending.start()
        sending.join(60)
        wait_until(lambda: report()["last"] == FRAMES, 30, what="the newest frame")
        after = report()
        link.stdin.close()
    assert after["mb"] - before["mb"] < LIMIT_MB
    assert after["bytes"] > 0.1 * FRAMES * FRAME_BYTES, "too little arrived: this was no flood"


def test_one_picture_that_is_too_large_does_not_end_the_camera_stream(camera: Camera) -> None:
    """libzmq closes the connection after a message above the limit, and does not reconnect."""
    seen: list[float] = []
    states: list[bool] = []
    bus = RobotBus(*camera.addresses, on_state=lambda state: states.append(state.up))
    bus.on("vision.frame.offload", lambda body: seen.append(body["ts"]))
    bus.on("voice.asr.request", lambda _: None)
    bus.start(RejectionReporter(lambda *_, **__: None, bus.send))

    def arrived(ts: int) -> bool:
        camera.send(ts)
        return ts in seen

    try:
        wait_until(lambda: arrived(1), what="a picture")
        camera.send(2, MAX_FRAME_MESSAGE_BYTES + 1)
        wait_until(lambda: arrived(3), 10, what="a picture after the one that is too large")
        assert 2 not in seen
        assert states == [True], "the other sockets stayed connected"
    finally:
        bus.stop()
