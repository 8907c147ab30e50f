"""`rider simulate` is a robot as strict as a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from rider_core.cli import simulate as module
from rider_core.cli import simulated_owner
from rider_core.cli.simulated_owner import REASON, SimulatedOwner
from rider_core.simulator import RobotConfig, SimulatedRobot
from rider_core.testing.waiting import let_pass, wait_until


def test_it_has_the_robots_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(module, "run_simulator", started.append)
    monkeypatch.setattr(module, "engine_voice", lambda _: None)
    for name in ("observe_process", "die_with_supervisor"):
        monkeypatch.setattr(module, name, lambda *_: None)
    assert CliRunner().invoke(module.simulate, [], catch_exceptions=False).exit_code == 0
    ports = {name: getattr(started[0], name) for name in ("publish_port", "subscribe_port", "api_port")}
    assert started == [replace(RobotConfig(), **ports)]
    assert (started[0].voice_fallback_s, started[0].voice_restart_s, started[0].safe_max_duration_s) == (5.0, 3.0, 0.25)
    assert started[0].ai_mode_race == 0.0


class PC(ThreadingHTTPServer):
    """Answers with its tasks."""

    def __init__(self) -> None:
        self.tasks: dict[str, list[str]] = {}
        super().__init__(("127.0.0.1", 0), Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    server: PC

    def do_GET(self) -> None:
        domains = {domain: {"tasks": tasks} for domain, tasks in self.server.tasks.items()}
        body = json.dumps({"version": "1", "domains": domains}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pc() -> Iterator[PC]:
    with PC() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_its_owner_switches_it_once_what_the_pc_can_serve(pc: PC, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_owner, "LOOK_EVERY_S", 0.05)
    config = RobotConfig(publish_port=0, subscribe_port=0, api_port=0, pc_domains=(), default_pc_url=pc.url)
    with SimulatedRobot(replace(config, probe_interval_s=0.1)) as robot:
        robot.mute()
        wait_until(lambda: robot.voice_path == "local", what="the robot's own voice")
        owner = SimulatedOwner(robot.api_url)
        owner.start()
        wait_until(lambda: robot.probes > 1, what="a probe of the robot's watchdog")
        pc.tasks = {"voice": ["voice.synthesize"], "vision": ["vision.detect"]}
        wait_until(lambda: robot.domains["vision"]["mode"] == "pc", 5, what="vision at the PC")
        let_pass(0.3, "six checks of a PC that cannot transcribe")
        assert robot.domains["voice"]["mode"] == "local"
        pc.tasks["voice"].append("voice.transcribe")
        wait_until(lambda: robot.voice_path == "pc", 5, what="the restarted voice service")
        assert robot.domains["voice"]["reason"] == REASON
        owner.join(5)
        assert not owner.is_alive()
        robot.switch("vision", "local")
        let_pass(0.3, "time for another switch")
        assert robot.domains["vision"]["mode"] == "local", "each domain is switched once"
