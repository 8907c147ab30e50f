"""The robot's probe of the PC: when it counts as failed, which domains it switches, and what delays it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow

QUICK = {"probe_interval_s": 0.1, "probe_timeout_s": 0.5}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"


class RawPc:
    """Accepts connections, and sends the given parts with a pause after each."""

    def __init__(self, parts: Callable[[], Iterator[bytes]], pause_s: float) -> None:
        self._parts, self._pause_s = parts, pause_s
        self._server = socket.create_server(("127.0.0.1", 0))
        self._closed = threading.Event()
        self.requests: list[float] = []
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            client, _ = self._server.accept()
            if self._closed.is_set():
                client.close()
                return
            self.requests.append(time.monotonic())
            with client:
                try:
                    for part in self._parts():
                        client.sendall(part)
                        if self._closed.wait(self._pause_s):
                            break
                except OSError:
                    continue

    def close(self) -> None:
        self._closed.set()
        socket.create_connection(self._server.getsockname(), 5).close()
        self._thread.join()
        self._server.close()


@pytest.fixture
def raw_pc() -> Iterator[Callable[..., RawPc]]:
    servers = []

    def make(parts: Callable[[], Iterator[bytes]], pause_s: float = 0.2) -> RawPc:
        servers.append(RawPc(parts, pause_s))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def test_three_failed_probes_switch_every_domain_to_local_for_good(make_robot, pc, api):
    robot = make_robot(default_pc_url=pc.url, **QUICK)
    wait_until(lambda: robot.probes >= 5)
    modes = {name: state["mode"] for name, state in robot.domains.items()}
    assert modes == {"vision": "pc", "voice": "pc", "text": "local"}
    assert api(robot).get("/api/providers/health").json()["pc_health"]["reason"] == "9.9"
    pc.status = 503
    wait_until(lambda: {state["mode"] for state in robot.domains.values()} == {"local"})
    assert robot.domains["voice"]["reason"] == "pc_unreachable"
    pc.status, before = 200, pc.requests
    wait_until(lambda: pc.requests >= before + 5)
    assert robot.domains["voice"]["mode"] == "local"


def test_two_failures_and_a_success_are_forgiven(make_robot, pc):
    robot = make_robot(default_pc_url=pc.url, **QUICK)
    for _ in range(2):
        pc.failures, before = 2, pc.requests
        wait_until(lambda before=before: pc.requests >= before + 4)
    assert robot.domains["voice"]["mode"] == "pc"
    pc.failures = 3
    wait_until(lambda: robot.domains["voice"]["mode"] == "local")


def test_heartbeats_do_not_excuse_failed_probes(make_robot, pc, api):
    robot = make_robot(**QUICK)
    http = api(robot)
    pc.status = 500

    def beat() -> bool:
        http.post("/api/providers/pc-heartbeat", json={"base_url": pc.url})
        return robot.domains["voice"]["mode"] == "local"

    wait_until(beat)
    assert pc.requests >= 3


def test_an_address_that_is_none_counts_as_failed(make_robot, api):
    robot = make_robot(**QUICK)
    api(robot).post("/api/providers/pc-heartbeat", json={"base_url": "http://127.0.0.1:port"})
    wait_until(lambda: robot.domains["voice"]["mode"] == "local")
    assert robot.domains["voice"]["reason"] == "pc_error"


@pytest.mark.parametrize("begin", [HEAD + b"\r\n", HEAD + b"X: "], ids=["body", "header"])
def test_a_pc_that_drips_holds_it_up_for_ever(make_robot, raw_pc, begin):
    """The limit counts for each receive. The header is limited to 64 KiB, the body is not."""

    def drip() -> Iterator[bytes]:
        yield begin
        while True:
            yield b"x"

    pc = raw_pc(drip)
    robot = make_robot(default_pc_url=pc.url, **QUICK)
    wait_until(lambda: robot.probes == 1)
    let_pass(2.5, "five times the limit, and more than three probes")
    assert (robot.probes, robot.domains["voice"]["mode"]) == (1, "pc")
    began = time.monotonic()
    robot.stop()
    assert time.monotonic() - began < 2, "stopping the robot ends it"


def test_the_interval_begins_when_the_probe_ends(make_robot, raw_pc):
    pc = raw_pc(lambda: iter([b"", b"", b"", b"", b"", b""]), pause_s=0.3)
    robot = make_robot(default_pc_url=pc.url, probe_interval_s=0.4, probe_timeout_s=0.4)
    wait_until(lambda: robot.domains["voice"]["mode"] == "local")
    assert robot.domains["voice"]["reason"] == "pc_unreachable"
    assert robot.probes == 3


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"[1]"), (200, b"<html>"), (204, b""), (200, b"null"), (201, b'{"status": "dying"}')]
)
def test_every_2xx_is_healthy(make_robot, pc, status, body):
    pc.status, pc.body = status, body
    robot = make_robot(default_pc_url=pc.url, **QUICK)
    wait_until(lambda: pc.requests >= 5)
    assert robot.domains["voice"]["mode"] == "pc"


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_error_status_is_unreachable(make_robot, pc, status):
    pc.status = status
    robot = make_robot(default_pc_url=pc.url, **QUICK)
    wait_until(lambda: robot.domains["voice"]["mode"] == "local")
    assert robot.domains["voice"]["reason"] == "pc_unreachable"


def test_what_is_no_http_is_an_error(make_robot, raw_pc):
    pc = raw_pc(lambda: iter([b"SSH-2.0-OpenSSH\r\n\r\n"]), pause_s=0)
    robot = make_robot(default_pc_url=pc.url, **QUICK)
    wait_until(lambda: robot.domains["voice"]["mode"] == "local")
    assert robot.domains["voice"]["reason"] == "pc_error"


def test_each_further_failure_switches_every_domain_to_local(make_robot):
    robot = make_robot(default_pc_url="http://127.0.0.1:9", probe_interval_s=0.3, probe_timeout_s=0.5)
    wait_until(lambda: robot.domains["voice"]["mode"] == "local")
    robot.switch("text", "pc")
    before = robot.probes
    wait_until(lambda: robot.domains["text"]["mode"] == "local")
    assert robot.probes <= before + 1
    assert robot.domains["text"]["reason"] == "pc_unreachable"


def test_the_default_interval_is_5_s(make_robot):
    config = make_robot().config
    assert (config.probe_interval_s, config.probe_timeout_s) == (5.0, 2.0)


def test_a_pc_that_is_away_leaves_one_line(make_robot, pc, caplog):
    with caplog.at_level("INFO", logger="rider_core.simulator.probe"):
        pc.status = 503
        robot = make_robot(default_pc_url=pc.url, **QUICK)
        wait_until(lambda: robot.probes >= 8)
        pc.status = 200
        wait_until(lambda: "answers again" in caplog.text)
    assert caplog.text.count("does not answer") == 1
