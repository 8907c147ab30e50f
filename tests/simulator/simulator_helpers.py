"""Clients of a simulated robot: a plain pyzmq client, and a PC that answers the probe."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import zmq

from rider_core.api import AudioClip
from rider_core.simulator import SimulatedRobot
from rider_core.simulator.received import WAITING

DEADLINE_S = 10.0


def robot_threads() -> set[str]:
    """The threads that a simulated robot has left."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("simulated-", "waitress-"))}


def effect(robot: SimulatedRobot, topic: str, number: int = 1) -> str:
    """The effect of the message with this number on `topic`; waits until the robot has read it."""
    read = robot.received.wait(topic, count=number, timeout_s=DEADLINE_S, where=lambda it: it.effect != WAITING)
    return read[-1].effect


def sound(seconds: float, rate: int = 16_000, channels: int = 1) -> dict[str, Any]:
    """A WAV file as `voice.tts.chunk` carries it."""
    clip = AudioClip(b"\x10\x20" * channels * round(seconds * rate), rate, channels)
    return {"audio": base64.b64encode(clip.to_wav()).decode(), "format": "wav"}


class Bus:
    """A program on the robot's bus that receives all topics."""

    def __init__(self, robot: SimulatedRobot) -> None:
        self._context = zmq.Context()
        self._in, self._out = self._context.socket(zmq.SUB), self._context.socket(zmq.XPUB)
        self._in.linger = self._out.linger = 0
        self._in.rcvhwm = 0
        self._in.subscribe("")
        self._in.connect(f"tcp://127.0.0.1:{robot.subscribe_port}")
        self._out.connect(f"tcp://127.0.0.1:{robot.publish_port}")
        # Both directions work when a message arrives, and when the robot's subscriptions have come through the broker.
        assert self._in.poll(DEADLINE_S * 1000)
        missing = {b"\x01cmd.move", b"\x01voice.asr.result", b"\x01vision.obstacle.enhanced", b"\x01voice.tts.chunk"}
        while missing:
            assert self._out.poll(DEADLINE_S * 1000), missing
            missing.discard(self._out.recv())

    def close(self) -> None:
        self._context.destroy(linger=0)

    def send(self, topic: str, body: Any, *, single: bool = False) -> None:
        text = json.dumps(body)
        self._out.send_multipart([f"{topic} {text}".encode()] if single else [topic.encode(), text.encode()])

    def frames(self, timeout_s: float = DEADLINE_S) -> list[bytes]:
        assert self._in.poll(max(0, timeout_s) * 1000), "nothing came"
        return self._in.recv_multipart()

    def receive(self, topic: str, where: Callable[[dict[str, Any]], bool] = lambda body: True) -> dict[str, Any]:
        """The body of the next message on `topic` that `where` accepts, in either framing."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            received, body, _ = split(self.frames(deadline - time.monotonic()))
            if received == topic and where(body):
                return body

    def record(self, seconds: float) -> list[tuple[float, str, dict[str, Any], str]]:
        """All messages of the next `seconds`: arrival, topic, body, framing."""
        while self._in.poll(0):
            self._in.recv_multipart()
        end = time.monotonic() + seconds
        received = []
        while (left_s := end - time.monotonic()) > 0:
            if self._in.poll(left_s * 1000):
                received.append((time.monotonic(), *split(self._in.recv_multipart())))
        return received


def split(frames: list[bytes]) -> tuple[str, dict[str, Any], str]:
    if len(frames) == 1:
        topic, _, text = frames[0].partition(b" ")
        return topic.decode(), json.loads(text), "single"
    return frames[0].decode(), json.loads(frames[1]), "multipart"


class Pc:
    """The PC's side of the probe: answers with `status`, or with 500 as long as `failures` are left, and counts."""

    def __init__(self) -> None:
        self.status, self.body, self.requests, self.failures = 200, b'{"version": "9.9"}', 0, 0
        pc = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pc.requests += self.path == "/providers/capabilities"
                failing, pc.failures = pc.failures > 0, max(0, pc.failures - 1)
                self.send_response(500 if failing else pc.status)
                self.end_headers()
                self.wfile.write(pc.body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
