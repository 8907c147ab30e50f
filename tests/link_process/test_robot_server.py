"""The HTTP server for the robot: its probe is answered in time whatever else hangs, and no text outlives its client."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from harness import plain_http

from rider_core.config import load_settings
from rider_core.link.capacity_monitor import CapacityMonitor
from rider_core.link_process import text_endpoint
from rider_core.link_process.app import create_app
from rider_core.link_process.known_robots import KnownRobots
from rider_core.link_process.server import create_server
from rider_core.runtime.services import Services
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ROBOTS = KnownRobots("127.0.0.1", ())
#: The robot gives up after 2 s; ours is 0.1 s on an idle machine.
PROBE_LIMIT_S = 1.0
HALF_SENT = 300

WRITER = """
import os, time
from rider_core.api import TextGenerator, hookimpl
RIDER_API = "1.0"
class Writer(TextGenerator):
    name = "writer"
    def generate_stream(self, request):
        with open(os.environ["WRITTEN"], "a") as file:
            file.write(request.prompt + " began\\n")
        while request.prompt == "long" and not os.path.exists(os.environ["GO"]):
            time.sleep(0.02)
            yield " "
        yield "done"
@hookimpl
def register_providers(register):
    register(Writer)
"""


class Robot:
    """Sends requests over real connections.

    Attributes:
        written: The file in which the engine writes each prompt.
    """

    def __init__(self, url: str, processes: Processes) -> None:
        self.url = url
        self.go, self.written = processes.folder / "go", processes.folder / "written"

    def probe_s(self) -> float:
        began = time.monotonic()
        answer = plain_http.get(f"{self.url}/providers/capabilities", timeout=2)
        assert answer.status_code == 200
        assert answer.json()["version"]
        return time.monotonic() - began

    def ask(self, prompt: str) -> httpx.Response:
        return plain_http.post(f"{self.url}/providers/text/generate", json={"prompt": prompt}, timeout=30)

    def begin(self, prompt: str) -> socket.socket:
        """Send a request over a connection that the caller closes, and do not wait for the answer."""
        body = json.dumps({"prompt": prompt}).encode()
        host, port = self.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)))
        head = f"POST /providers/text/generate HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection

    def began(self) -> int:
        return self.written.read_text().count("began") if self.written.exists() else 0


@pytest.fixture
def robot(processes: Processes, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    install_plugin(processes.folder, "writer", WRITER)
    written, go = str(processes.folder / "written"), str(processes.folder / "go")
    processes.environment.update(REDIS_URL=valkey.url, WRITTEN=written, GO=go)
    monkeypatch.setenv("RIDER_DATA_DIR", processes.environment["RIDER_DATA_DIR"])
    services = Services.open(load_settings(redis_url=valkey.url), "link")
    monitor = CapacityMonitor(services.backend)
    server = create_server(create_app(services, monitor, ROBOTS), "127.0.0.1", 0)
    server.start()
    monitor.start()
    processes.fork("rider_core.cli.main", "worker", "text")
    wait_until(lambda: monitor.snapshot.capacity.get("text.generate"), what="a worker")
    yield Robot(f"http://127.0.0.1:{server.port}", processes)
    server.stop()
    monitor.stop()
    services.close()


def test_the_probe_is_answered_while_texts_hang_and_a_third_is_refused_with_the_reason(robot: Robot) -> None:
    with ExitStack() as stack:
        for _ in range(text_endpoint.MAX_TEXTS):
            stack.enter_context(robot.begin("long"))
        wait_until(lambda: robot.began() >= 1)
        refused = robot.ask("short")
        assert refused.status_code == 503
        assert "are being written already" in refused.json()["detail"]
        assert max(robot.probe_s() for _ in range(20)) < PROBE_LIMIT_S
        robot.go.touch()
    wait_until(lambda: robot.ask("short").status_code == 200, what="room for the next text")


def test_the_probe_is_answered_while_requests_are_half_sent(robot: Robot) -> None:
    host, port = robot.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for _ in range(HALF_SENT):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(b"POST /providers/text/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n")
        assert max(robot.probe_s() for _ in range(20)) < PROBE_LIMIT_S


def test_the_probe_is_answered_while_redis_hangs(robot: Robot, valkey: Valkey) -> None:
    valkey.server.send_signal(signal.SIGSTOP)
    try:
        assert max(robot.probe_s() for _ in range(20)) < PROBE_LIMIT_S
        wait_until(lambda: plain_http.get(f"{robot.url}/providers/capabilities").json()["age_s"] > 2, what="its age")
        assert robot.probe_s() < PROBE_LIMIT_S
    finally:
        valkey.server.send_signal(signal.SIGCONT)


def test_a_text_whose_client_hung_up_is_cancelled(robot: Robot) -> None:
    with robot.begin("long"):
        wait_until(lambda: robot.began() == 1)
    began = time.monotonic()
    assert robot.ask("short").json()["text"] == "done", "the only worker is free again"
    assert time.monotonic() - began < text_endpoint.TEXT_TIMEOUT_S / 2, "its time limit would have ended it as well"
    assert not robot.go.exists()


def test_a_text_whose_time_is_up_is_cancelled(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_endpoint, "TEXT_TIMEOUT_S", 1.0)
    assert robot.ask("long").status_code == 503
    monkeypatch.setattr(text_endpoint, "TEXT_TIMEOUT_S", 20.0)
    assert robot.ask("short").json()["text"] == "done", "the only worker is free again"
